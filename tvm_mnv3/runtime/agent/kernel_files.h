// kernel_files.h - the small text files in which the kernel tells about itself.
#ifndef TVM_MNV3_AGENT_KERNEL_FILES_H
#define TVM_MNV3_AGENT_KERNEL_FILES_H

#include <stdint.h>

#include <string>
#include <vector>

namespace agent {

// The lines of a file; none if it cannot be read: phones forbid some.
std::vector<std::string> read_lines(const std::string &path);

// The first line of a file, trimmed, or "".
std::string read_line(const std::string &path);

// The number in a file, or 0.
int64_t read_number(const std::string &path);

std::string trimmed(const std::string &text);

}  // namespace agent

#endif
