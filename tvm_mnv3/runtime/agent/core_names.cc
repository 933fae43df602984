// core_names.cc - ARM's part numbers, and Qualcomm's for ARM's cores (Linux: arch/arm64/include/asm/cputype.h).
#include "core_names.h"

namespace agent {

namespace {

struct Part {
  const char *implementer;
  const char *part;
  const char *name;
};

const Part kParts[] = {
    {"0x41", "0xd03", "cortex-a53"},   {"0x41", "0xd04", "cortex-a35"},   {"0x41", "0xd05", "cortex-a55"},
    {"0x41", "0xd07", "cortex-a57"},   {"0x41", "0xd08", "cortex-a72"},   {"0x41", "0xd09", "cortex-a73"},
    {"0x41", "0xd0a", "cortex-a75"},   {"0x41", "0xd0b", "cortex-a76"},   {"0x41", "0xd0c", "neoverse-n1"},
    {"0x41", "0xd0d", "cortex-a77"},   {"0x41", "0xd40", "neoverse-v1"},  {"0x41", "0xd41", "cortex-a78"},
    {"0x41", "0xd44", "cortex-x1"},    {"0x41", "0xd46", "cortex-a510"},  {"0x41", "0xd47", "cortex-a710"},
    {"0x41", "0xd48", "cortex-x2"},    {"0x41", "0xd49", "neoverse-n2"},  {"0x41", "0xd4d", "cortex-a715"},
    {"0x41", "0xd4e", "cortex-x3"},    {"0x41", "0xd4f", "neoverse-v2"},  {"0x41", "0xd80", "cortex-a520"},
    {"0x41", "0xd81", "cortex-a720"},  {"0x41", "0xd82", "cortex-x4"},    {"0x41", "0xd85", "cortex-x925"},
    {"0x41", "0xd87", "cortex-a725"},  {"0x51", "0x800", "cortex-a73"},   {"0x51", "0x801", "cortex-a53"},
    {"0x51", "0x802", "cortex-a75"},   {"0x51", "0x803", "cortex-a55"},   {"0x51", "0x804", "cortex-a76"},
    {"0x51", "0x805", "cortex-a55"},
};

}  // namespace

std::string core_name(const std::string &implementer, const std::string &part) {
  for (const Part &known : kParts) {
    if (implementer == known.implementer && part == known.part) return known.name;
  }
  return implementer + ":" + part;
}

}  // namespace agent
