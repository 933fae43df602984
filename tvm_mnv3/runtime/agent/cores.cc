// cores.cc - processor cores from /proc/cpuinfo and /sys/devices/system/cpu.
#include "cores.h"

#include <sched.h>
#include <stdlib.h>

#include <algorithm>
#include <map>

#include "core_names.h"
#include "kernel_files.h"

namespace agent {

namespace {

constexpr int kMostCores = 1024;

// /proc/cpuinfo: a paragraph per core that is online, of lines "name : value".
std::map<int, std::string> names_in_cpuinfo(const std::string &root) {
  std::map<int, std::string> names;
  std::string implementer;
  int number = -1;
  for (const std::string &line : read_lines(root + "/proc/cpuinfo")) {
    size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    std::string value = trimmed(line.substr(colon + 1));
    std::string key = trimmed(line.substr(0, colon));
    if (key == "processor") number = atoi(value.c_str());
    if (key == "CPU implementer") implementer = value;
    if (key == "CPU part") names[number] = core_name(implementer, value);
  }
  return names;
}

bool slower(const Core &left, const Core &right) {
  // Not by name: a core that is asleep has none.
  if (left.capacity != right.capacity) return left.capacity < right.capacity;
  return left.max_khz < right.max_khz;
}

void number_clusters(std::vector<Core> &cores) {
  std::vector<const Core *> by_speed;
  for (const Core &core : cores) by_speed.push_back(&core);
  std::sort(by_speed.begin(), by_speed.end(), [](const Core *a, const Core *b) { return slower(*a, *b); });
  int cluster = 0;
  std::map<int, int> clusters;
  for (size_t i = 0; i < by_speed.size(); ++i) {
    if (i > 0 && slower(*by_speed[i - 1], *by_speed[i])) ++cluster;
    clusters[by_speed[i]->number] = cluster;
  }
  for (Core &core : cores) core.cluster = clusters[core.number];
}

}  // namespace

std::vector<Core> read_cores(const std::string &root) {
  const std::string folder = root + "/sys/devices/system/cpu/";
  std::vector<int> present, online;
  if (!parse_list(read_line(folder + "present"), &present)) present = allowed_cores();
  if (!parse_list(read_line(folder + "online"), &online)) online = present;
  const std::map<int, std::string> names = names_in_cpuinfo(root);
  std::vector<Core> cores;
  for (int number : present) {
    const std::string own = folder + "cpu" + to_text(number) + "/";
    Core core;
    core.number = number;
    auto named = names.find(number);
    if (named != names.end()) core.name = named->second;
    core.online = std::find(online.begin(), online.end(), number) != online.end();
    core.capacity = read_number(own + "cpu_capacity");
    core.min_khz = read_number(own + "cpufreq/cpuinfo_min_freq");
    core.max_khz = read_number(own + "cpufreq/cpuinfo_max_freq");
    core.now_khz = read_number(own + "cpufreq/scaling_cur_freq");
    core.governor = read_line(own + "cpufreq/scaling_governor");
    cores.push_back(core);
  }
  number_clusters(cores);
  return cores;
}

Error choose_cores(const std::vector<Core> &cores, const std::string &which, std::vector<int> *numbers) {
  if (parse_list(which, numbers)) return {};
  numbers->clear();
  int fastest = 0;
  for (const Core &core : cores) fastest = std::max(fastest, core.cluster);
  for (const Core &core : cores) {
    bool wanted = which == "all" || (which == "fastest" && core.cluster == fastest) ||
                  (which == "slowest" && core.cluster == 0) || (!core.name.empty() && which == core.name);
    if (wanted && core.online) numbers->push_back(core.number);
  }
  if (!numbers->empty()) return {};
  std::string known;
  for (const Core &core : cores) {
    if (!core.name.empty() && known.find(core.name) == std::string::npos) known += ", " + core.name;
  }
  return "the device has no cores named " + which + "; say all, fastest, slowest" + known + " or a list such as 4-7";
}

Error pin_to(const std::vector<int> &numbers) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (int number : numbers) CPU_SET(static_cast<size_t>(number), &set);
  if (sched_setaffinity(0, sizeof set, &set) != 0) return system_error("the cores cannot be chosen");
  return {};
}

std::vector<int> allowed_cores() {
  std::vector<int> numbers;
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return numbers;
  for (int number = 0; number < CPU_SETSIZE; ++number) {
    if (CPU_ISSET(static_cast<size_t>(number), &set)) numbers.push_back(number);
  }
  return numbers;
}

bool parse_list(const std::string &text, std::vector<int> *numbers) {
  const char *next = text.c_str();
  while (true) {
    char *end;
    if (*next < '0' || *next > '9') return false;
    long first = strtol(next, &end, 10), last = first;
    if (*end == '-') {
      next = end + 1;
      if (*next < '0' || *next > '9') return false;
      last = strtol(next, &end, 10);
    }
    if (last < first || last >= kMostCores) return false;
    for (long number = first; number <= last; ++number) numbers->push_back(static_cast<int>(number));
    if (*end == '\0') return true;
    if (*end != ',') return false;
    next = end + 1;
  }
}

}  // namespace agent
