// report.cc - cores, clocks, governors and temperatures from the kernel's files.
#include "report.h"

#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cores.h"
#include "error.h"
#include "json.h"
#include "kernel_files.h"

namespace agent {

namespace {

std::string describe(const Core &core) {
  return JsonObject()
      .add("number", core.number)
      .add("name", core.name)
      .add("cluster", core.cluster)
      .add("online", core.online ? 1 : 0)
      .add("capacity", core.capacity)
      .add("min_khz", core.min_khz)
      .add("max_khz", core.max_khz)
      .add("now_khz", core.now_khz)
      .add("governor", core.governor)
      .json();
}

// Sensors are numbered without gaps.
std::string temperatures(const std::string &root) {
  std::vector<std::string> sensors;
  for (int number = 0;; ++number) {
    const std::string folder = root + "/sys/class/thermal/thermal_zone" + to_text(number) + "/";
    const std::string sensor = read_line(folder + "type"), value = read_line(folder + "temp");
    if (sensor.empty() && value.empty()) break;
    if (value.empty()) continue;  // a sensor that is switched off
    const int64_t millidegrees = strtoll(value.c_str(), nullptr, 10);
    sensors.push_back(JsonObject().add("sensor", sensor).add("millidegrees", millidegrees).json());
  }
  return json_list(sensors);
}

}  // namespace

std::string device_report(const ReportSource &source) {
  utsname names{};
  uname(&names);
  std::vector<std::string> cores;
  for (const Core &core : read_cores(source.root)) cores.push_back(describe(core));
  return JsonObject()
      .add("system", std::string(names.sysname) + " " + names.release)
      .add("machine", std::string(names.machine))
      .add("emulated", source.emulated ? 1 : 0)
      .add("page_bytes", sysconf(_SC_PAGESIZE))
      .add_json("cores", json_list(cores))
      .add_json("allowed", json_list(allowed_cores()))
      .add_json("temperatures", temperatures(source.root))
      .json();
}

}  // namespace agent
