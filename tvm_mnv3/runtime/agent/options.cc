// options.cc - the agent's command line.
#include "options.h"

#include <stdlib.h>
#include <string.h>

#include "kernel_files.h"

namespace agent {

const char kUsage[] =
    "usage: agent --tracker HOST:PORT --key KEY [OPTION...]\n"
    "  --tracker HOST:PORT    TVM's tracker, by numeric IPv4 address or as localhost\n"
    "  --key KEY              the kind of device that clients ask the tracker for\n"
    "  --work DIR             where sessions keep their files (.)\n"
    "  --listen ADDRESS       where clients may come from (127.0.0.1: this device only)\n"
    "  --port PORT            where they knock (0: a free one)\n"
    "  --announce HOST:PORT   what clients are told instead, where ports are forwarded\n"
    "  --shared-key-file FILE a key that clients must know\n"
    "  --pin CORES            all, fastest, slowest, a core's name, or a list such as 4-7\n"
    "  --threads N            of kernels with parallel loops (1)\n"
    "  --root DIR             where /proc and /sys are (/)\n"
    "  --emulated             this is no real device: its report says so\n"
    "  --until-stdin-closes   end when the one who started the agent is gone\n"
    "  --report               print the device's report and end\n";

namespace {

Error read_integer(const std::string &text, int least, int most, const char *what, int *value) {
  char *end;
  long number = strtol(text.c_str(), &end, 10);
  if (text.empty() || *end != '\0' || number < least || number > most) {
    return std::string(what) + " must be a number from " + to_text(least) + " to " + to_text(most) + ", not " + text;
  }
  *value = static_cast<int>(number);
  return {};
}

Error read_address(const std::string &text, Address *address) {
  size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0) return text + " is not HOST:PORT";
  address->host = text.substr(0, colon);
  return read_integer(text.substr(colon + 1), 1, 65535, "the port", &address->port);
}

Error read_key(const std::string &text, std::string *key) {
  // The tracker cuts keys at colons, the handshake at blanks.
  if (text.empty() || text.find_first_of(": \t\n\"\\") != std::string::npos) {
    return "a key has no blanks, quotes or colons, as " + text + " does";
  }
  *key = text;
  return {};
}

Error read_shared_key(const std::string &file, std::string *key) {
  *key = read_line(file);
  return key->empty() ? Error("the file " + file + " holds no shared key") : Error();
}

Error read_option(const std::string &name, const std::string &value, Options *options) {
  if (name == "--tracker") return read_address(value, &options->tracker);
  if (name == "--key") return read_key(value, &options->key);
  if (name == "--announce") return read_address(value, &options->announce);
  if (name == "--port") return read_integer(value, 0, 65535, "the port", &options->listen.port);
  if (name == "--threads") return read_integer(value, 1, 64, "the number of threads", &options->threads);
  if (name == "--shared-key-file") return read_shared_key(value, &options->session.shared_key);
  if (name == "--listen") options->listen.host = value;
  else if (name == "--work") options->work_folder = value;
  else if (name == "--pin") options->pin = value;
  else if (name == "--root") options->session.source.root = value;
  else return "there is no option " + name;
  return {};
}

}  // namespace

Error read_options(int count, char **words, Options *options) {
  for (int i = 1; i < count; ++i) {
    const std::string name = words[i];
    if (name == "--report") {
      options->report_only = true;
    } else if (name == "--emulated") {
      options->session.source.emulated = true;
    } else if (name == "--until-stdin-closes") {
      options->until_stdin_closes = true;
    } else if (i + 1 == count) {
      return "the option " + name + " is unknown or lacks its value";
    } else if (Error error = read_option(name, words[++i], options)) {
      return error;
    }
  }
  if (options->report_only) return {};
  if (options->tracker.port == 0) return "the option --tracker is missing";
  if (options->key.empty()) return "the option --key is missing";
  return {};
}

}  // namespace agent
