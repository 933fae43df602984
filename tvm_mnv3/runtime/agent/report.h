// report.h - what the device is and how it is doing, as JSON.
#ifndef TVM_MNV3_AGENT_REPORT_H
#define TVM_MNV3_AGENT_REPORT_H

#include <string>

namespace agent {

// Where the device comes from.
struct ReportSource {
  std::string root;       // the kernel's files are read below it; "" for the real ones
  bool emulated = false;  // whether its times are an emulator's, as the one who started the agent says
};

// {"system": "Linux 6.1.0", "machine": "aarch64", "emulated": 0, "page_bytes": 4096,
//  "cores": [{"number": 0, "name": "cortex-a55", "cluster": 0, "online": 1, "capacity": 361, "min_khz": 300000,
//             "max_khz": 1800000, "now_khz": 691200, "governor": "schedutil"}, ...],
//  "allowed": [0, ...], "temperatures": [{"sensor": "cpu-1-0", "millidegrees": 41200}, ...]}
// Numbers that the kernel does not tell are 0, texts "".
std::string device_report(const ReportSource &source);

}  // namespace agent

#endif
