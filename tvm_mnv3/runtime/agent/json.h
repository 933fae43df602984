// json.h - writes the little JSON that the tracker and the report need.
#ifndef TVM_MNV3_AGENT_JSON_H
#define TVM_MNV3_AGENT_JSON_H

#include <stdint.h>

#include <string>
#include <vector>

namespace agent {

// A text in quotes.
std::string json_text(const std::string &text);

class JsonObject {
 public:
  JsonObject &add(const char *key, int64_t number);
  JsonObject &add(const char *key, const std::string &text);
  JsonObject &add_json(const char *key, const std::string &json);
  std::string json() const { return "{" + members_ + "}"; }

 private:
  std::string members_;
};

std::string json_list(const std::vector<std::string> &items);
std::string json_list(const std::vector<int> &numbers);

}  // namespace agent

#endif
