// kernel_files.cc - reads the kernel's text files.
#include "kernel_files.h"

#include <stdio.h>
#include <stdlib.h>

namespace agent {

std::vector<std::string> read_lines(const std::string &path) {
  std::vector<std::string> lines;
  FILE *file = fopen(path.c_str(), "re");
  if (file == nullptr) return lines;
  char line[4096];
  while (fgets(line, sizeof line, file) != nullptr) lines.push_back(line);
  fclose(file);
  return lines;
}

std::string read_line(const std::string &path) {
  const std::vector<std::string> lines = read_lines(path);
  return lines.empty() ? "" : trimmed(lines[0]);
}

int64_t read_number(const std::string &path) { return strtoll(read_line(path).c_str(), nullptr, 10); }

std::string trimmed(const std::string &text) {
  const char *blanks = " \t\r\n";
  size_t first = text.find_first_not_of(blanks);
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

}  // namespace agent
