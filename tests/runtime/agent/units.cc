// units.cc - runs a test of the agent's parts: `units NAME FOLDER` ends with 0 if all of its checks held.
#include "units.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

std::string folder;

static int failures = 0;
static Test *first_test = nullptr;

Registration::Registration(Test *test) {
  test->next = first_test;
  first_test = test;
}

void check(bool holds, const char *what, const char *file, int line) {
  if (holds) return;
  printf("%s, line %d: %s does not hold\n", file, line, what);
  ++failures;
}

void put_file(const std::string &path, const std::string &content) {
  for (size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    mkdir(path.substr(0, slash).c_str(), 0700);
  }
  FILE *file = fopen(path.c_str(), "w");
  fwrite(content.data(), 1, content.size(), file);
  fclose(file);
}

std::string get_file(const std::string &path) {
  std::string content;
  FILE *file = fopen(path.c_str(), "r");
  for (int letter = fgetc(file); letter != EOF; letter = fgetc(file)) content += static_cast<char>(letter);
  fclose(file);
  return content;
}

uint32_t pseudo_random() {
  static uint32_t state = 1;
  state = state * 1664525 + 1013904223;
  return state >> 8;
}

int main(int count, char **words) {
  if (count != 3) return 2;
  folder = words[2];
  for (const Test *test = first_test; test != nullptr; test = test->next) {
    if (strcmp(test->name, words[1]) != 0) continue;
    test->run();
    return failures > 0 ? 1 : 0;
  }
  printf("there is no test %s\n", words[1]);
  return 2;
}
