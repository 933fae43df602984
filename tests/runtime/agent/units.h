// units.h - what the tests of the agent's parts share: checks, the list of tests, files.
#ifndef TVM_MNV3_AGENT_UNITS_H
#define TVM_MNV3_AGENT_UNITS_H

#include <stdint.h>

#include <string>

struct Test {
  const char *name;
  void (*run)();
  Test *next;
};

// Puts a test into the list.
struct Registration {
  explicit Registration(Test *test);
};

#define TEST(name)                                       \
  static void name();                                    \
  static Test name##_test = {#name, name, nullptr};      \
  static Registration name##_registration(&name##_test); \
  static void name()

void check(bool holds, const char *what, const char *file, int line);

#define CHECK(condition) check(static_cast<bool>(condition), #condition, __FILE__, __LINE__)

// The folder that the test may use; kernels.so lies in it.
extern std::string folder;

// Writes a file, and makes the folders above it.
void put_file(const std::string &path, const std::string &content);
std::string get_file(const std::string &path);

// The same sequence each time.
uint32_t pseudo_random();

#endif
