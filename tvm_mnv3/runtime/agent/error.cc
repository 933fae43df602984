// error.cc - sentences from errno and numbers.
#include "error.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

namespace agent {

Error system_error(const std::string &what) { return what + ": " + strerror(errno); }

std::string to_text(int64_t number) {
  char text[24];
  snprintf(text, sizeof text, "%" PRId64, number);
  return text;
}

}  // namespace agent
