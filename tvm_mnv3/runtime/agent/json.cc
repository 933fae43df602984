// json.cc - a JSON writer.
#include "json.h"

#include <stdio.h>

#include "error.h"

namespace agent {

std::string json_text(const std::string &text) {
  std::string quoted = "\"";
  for (char letter : text) {
    unsigned char code = static_cast<unsigned char>(letter);
    if (letter == '"' || letter == '\\') {
      quoted += '\\';
      quoted += letter;
    } else if (code < 0x20 || code >= 0x7f) {
      // Files of the kernel are ASCII; what is not becomes the character of that number.
      char escape[8];
      snprintf(escape, sizeof escape, "\\u%04x", code);
      quoted += escape;
    } else {
      quoted += letter;
    }
  }
  return quoted + "\"";
}

JsonObject &JsonObject::add(const char *key, int64_t number) { return add_json(key, to_text(number)); }

JsonObject &JsonObject::add(const char *key, const std::string &text) { return add_json(key, json_text(text)); }

JsonObject &JsonObject::add_json(const char *key, const std::string &json) {
  if (!members_.empty()) members_ += ", ";
  members_ += json_text(key) + ": " + json;
  return *this;
}

std::string json_list(const std::vector<std::string> &items) {
  std::string list;
  for (const std::string &item : items) list += (list.empty() ? "" : ", ") + item;
  return "[" + list + "]";
}

std::string json_list(const std::vector<int> &numbers) {
  std::vector<std::string> items;
  for (int number : numbers) items.push_back(to_text(number));
  return json_list(items);
}

}  // namespace agent
