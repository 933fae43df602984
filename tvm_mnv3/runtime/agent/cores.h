// cores.h - the processor cores of the device, their clusters, and pinning this process to some of them.
#ifndef TVM_MNV3_AGENT_CORES_H
#define TVM_MNV3_AGENT_CORES_H

#include <stdint.h>

#include <string>
#include <vector>

#include "error.h"

namespace agent {

struct Core {
  int number = 0;            // as the kernel counts
  std::string name;          // "cortex-a76"; "0x41:0xfff" for one that the table does not know; empty without a part
  int cluster = 0;           // cores alike have one number; 0 is the slowest cluster
  bool online = true;
  int64_t capacity = 0;      // the kernel's measure of speed, 1024 for the fastest; 0 where it does not say
  int64_t min_khz = 0;       // clocks; 0 where the kernel does not say
  int64_t max_khz = 0;
  int64_t now_khz = 0;
  std::string governor;
};

// What the kernel says in /proc and /sys below `root` ("" for the real ones).
std::vector<Core> read_cores(const std::string &root);

// The numbers of the cores that `which` names: all, fastest, slowest, a core's name, or a list such as 4-6,7.
Error choose_cores(const std::vector<Core> &cores, const std::string &which, std::vector<int> *numbers);

// Lets this process, and the threads that it starts from now on, run on these cores only.
Error pin_to(const std::vector<int> &numbers);

// The cores that this process may run on.
std::vector<int> allowed_cores();

// The list "0-3,7" as numbers; false if it is none.
bool parse_list(const std::string &text, std::vector<int> *numbers);

}  // namespace agent

#endif
