// units.cc - tests of the agent's parts, one function each. `units NAME FOLDER` runs one; it ends with 0 if all of its
// checks held. FOLDER holds kernels.so and is free for files.
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/arguments.h"
#include "agent/cores.h"
#include "agent/files.h"
#include "agent/json.h"
#include "agent/kernel.h"
#include "agent/library.h"
#include "agent/options.h"
#include "agent/protocol.h"
#include "agent/random_fill.h"
#include "agent/report.h"
#include "agent/timing.h"

using namespace agent;

namespace {

int failures = 0;
std::string folder;

void check(bool holds, const char *what, int line) {
  if (holds) return;
  printf("line %d: %s does not hold\n", line, what);
  ++failures;
}

#define CHECK(condition) check(static_cast<bool>(condition), #condition, __LINE__)

struct Test {
  const char *name;
  void (*run)();
  Test *next;
};
Test *first_test = nullptr;

struct Registration {
  explicit Registration(Test *test) {
    test->next = first_test;
    first_test = test;
  }
};

#define TEST(name)                                       \
  void name();                                           \
  Test name##_test = {#name, name, nullptr};             \
  Registration name##_registration(&name##_test);        \
  void name()

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

// The same sequence each time.
uint32_t pseudo_random() {
  static uint32_t state = 1;
  state = state * 1664525 + 1013904223;
  return state >> 8;
}

// A phone with two slow cores, one of them asleep, and one fast.
std::string phone() {
  const std::string root = folder + "/phone", cpus = root + "/sys/devices/system/cpu/";
  put_file(root + "/proc/cpuinfo",
           "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd05\n\n"
           "processor\t: 2\nCPU implementer\t: 0x51\nCPU part\t: 0x804\n");
  put_file(cpus + "present", "0-2\n");
  put_file(cpus + "online", "0,2\n");
  const char *const capacities[] = {"361", "361", "1024"}, *const clocks[] = {"1804800", "1804800", "2841600"};
  for (int i = 0; i < 3; ++i) {
    const std::string own = cpus + "cpu" + to_text(i);
    put_file(own + "/cpu_capacity", capacities[i]);
    put_file(own + "/cpufreq/cpuinfo_max_freq", clocks[i]);
    put_file(own + "/cpufreq/scaling_governor", "schedutil\n");
  }
  put_file(root + "/sys/class/thermal/thermal_zone0/type", "cpu-1-0\n");
  put_file(root + "/sys/class/thermal/thermal_zone0/temp", "41200\n");
  put_file(root + "/sys/class/thermal/thermal_zone1/type", "switched off\n");
  put_file(root + "/sys/class/thermal/thermal_zone2/type", "battery\n");
  put_file(root + "/sys/class/thermal/thermal_zone2/temp", "-3000\n");
  return root;
}

TEST(a_packet_is_read_as_it_was_written) {
  Writer writer;
  writer.put<int32_t>(-5).put<uint64_t>(1).text("two words");
  Reader reader(writer.bytes().data(), writer.bytes().size());
  CHECK(reader.get<int32_t>() == -5);
  CHECK(reader.get<uint64_t>() == 1);
  CHECK(reader.text() == "two words");
  CHECK(reader.ok() && reader.left() == 0);
  CHECK(reader.get<int32_t>() == 0 && !reader.ok());
}

TEST(a_length_beyond_the_packet_is_refused) {
  for (uint64_t length : {uint64_t{9}, uint64_t{1} << 40, ~uint64_t{0}}) {
    Writer writer;
    writer.put(length).put<uint64_t>(0);
    Reader reader(writer.bytes().data(), writer.bytes().size());
    CHECK(reader.text().empty() && !reader.ok());
  }
}

TEST(arguments_have_their_types) {
  Writer writer;
  writer.put<int32_t>(4);
  writer.put<int32_t>(kTypeInt).put<int64_t>(7);
  writer.put<int32_t>(kTypeRawString).text("name");
  writer.put<int32_t>(kTypeTensor).put<uint64_t>(4096).put<int32_t>(1).put<int32_t>(0).put<int32_t>(2);
  writer.put<uint8_t>(2).put<uint8_t>(32).put<uint16_t>(1).put<int64_t>(3).put<int64_t>(5).put<uint64_t>(16);
  writer.put<int32_t>(kTypeNone);
  Reader reader(writer.bytes().data(), writer.bytes().size());
  Arguments arguments;
  arguments.read(reader);
  int64_t number = 0;
  std::string text;
  const Tensor *tensor = nullptr;
  CHECK(reader.ok() && reader.left() == 0 && arguments.count() == 4);
  CHECK(!arguments.integer(0, &number) && number == 7);
  CHECK(!arguments.text(1, &text) && text == "name");
  CHECK(!arguments.tensor(2, &tensor) && tensor->bytes() == 60);
  CHECK(reinterpret_cast<uint64_t>(tensor->data()) == 4096 + 16);
  CHECK(arguments.values()[2].v_ptr == &tensor->view && tensor->view.shape == tensor->shape.data());
  CHECK(arguments.integer(1, &number).sentence() == "argument 1 is not an integer");
  CHECK(arguments.text(9, &text).sentence() == "argument 9 is not a text");
}

TEST(arguments_of_random_bytes_never_run_out_of_the_packet) {
  for (int round = 0; round < 20000; ++round) {
    char bytes[64];
    for (char &byte : bytes) byte = static_cast<char>(pseudo_random() % 3 == 0 ? pseudo_random() : pseudo_random() % 13);
    memset(bytes + 1, 0, 3);
    Reader reader(bytes, sizeof bytes);
    Arguments arguments;
    arguments.read(reader);
    CHECK(reader.left() <= sizeof bytes);
  }
}

TEST(a_library_is_loaded_and_its_kernel_called) {
  Library library;
  CHECK(!library.load(folder + "/kernels.so"));
  CHECK(library.find("__tvm_ffi_main") != nullptr && library.find("absent") == nullptr);
  Arguments none;
  Answer answer;
  KernelFunction calls = find_kernel(library, "calls");
  CHECK(!call_kernel(calls, none, &answer) && answer.type == kTypeInt && answer.number == 1);
  CHECK(!call_kernel(calls, none, &answer) && answer.number == 2);
  CHECK(call_kernel(find_kernel(library, "main"), none, &answer).sentence() == "the kernel failed with status -1");
}

TEST(a_broken_library_is_refused_or_loaded_but_breaks_nothing) {
  const std::string whole = get_file(folder + "/kernels.so"), path = folder + "/broken.so";
  for (size_t size = 0; size < 1024; size += 31) {
    put_file(path, whole.substr(0, size));
    Library library;
    CHECK(library.load(path));
  }
  int refused = 0;
  for (int round = 0; round < 200; ++round) {
    std::string broken = whole;
    // Headers, tables and relocations lie at the start, in this linker's order.
    for (int i = 0; i < 3; ++i) broken[pseudo_random() % 1024] = static_cast<char>(pseudo_random());
    put_file(path, broken);
    Library library;
    if (library.load(path)) ++refused;
  }
  CHECK(refused > 50);
}

TEST(cores_are_read_and_clustered) {
  const std::vector<Core> cores = read_cores(phone());
  CHECK(cores.size() == 3);
  CHECK(cores[0].name == "cortex-a55" && cores[2].name == "cortex-a76" && cores[1].name.empty());
  CHECK(cores[0].online && !cores[1].online && cores[2].online);
  CHECK(cores[0].cluster == 0 && cores[1].cluster == 0 && cores[2].cluster == 1);
  CHECK(cores[2].max_khz == 2841600 && cores[2].capacity == 1024 && cores[2].governor == "schedutil");
}

TEST(cores_are_chosen_by_cluster_name_and_list) {
  const std::vector<Core> cores = read_cores(phone());
  std::vector<int> numbers;
  CHECK(!choose_cores(cores, "fastest", &numbers) && numbers == std::vector<int>{2});
  CHECK(!choose_cores(cores, "slowest", &numbers) && numbers == std::vector<int>{0});
  CHECK(!choose_cores(cores, "all", &numbers) && (numbers == std::vector<int>{0, 2}));
  CHECK(!choose_cores(cores, "cortex-a76", &numbers) && numbers == std::vector<int>{2});
  numbers.clear();
  CHECK(!choose_cores(cores, "0,4-6", &numbers) && (numbers == std::vector<int>{0, 4, 5, 6}));
  CHECK(choose_cores(cores, "cortex-x9", &numbers).sentence() ==
        "the device has no cores named cortex-x9; say all, fastest, slowest, cortex-a55, cortex-a76 or a list such as "
        "4-7");
  for (const char *bad : {"", "4-", "-4", "4-2", "4,", "4-9999", "4x"}) {
    numbers.clear();
    CHECK(!parse_list(bad, &numbers));
  }
}

TEST(this_process_is_pinned) {
  const std::vector<int> before = allowed_cores();
  CHECK(!before.empty());
  CHECK(!pin_to({before.back()}));
  CHECK(allowed_cores() == std::vector<int>{before.back()});
  CHECK(pin_to({1000}).sentence().find("the cores cannot be chosen") == 0);
}

TEST(the_report_tells_clocks_governors_and_temperatures) {
  const std::string report = device_report({phone(), false});
  CHECK(report.find("{\"system\": \"Linux ") == 0);
  CHECK(report.find("\"emulated\": 0") != std::string::npos);
  CHECK(device_report({phone(), true}).find("\"emulated\": 1") != std::string::npos);
  CHECK(report.find("\"name\": \"cortex-a76\", \"cluster\": ") != std::string::npos);
  CHECK(report.find("\"max_khz\": 2841600, \"now_khz\": 0, \"governor\": \"schedutil\"") != std::string::npos);
  CHECK(report.find("\"temperatures\": [{\"sensor\": \"cpu-1-0\", \"millidegrees\": 41200}, "
                    "{\"sensor\": \"battery\", \"millidegrees\": -3000}]") != std::string::npos);
}

TEST(a_full_disk_is_told_and_nothing_is_left) {
  // A file of a name that leads to /dev/full: every write to it finds no space.
  const Folder disk(folder);
  symlink("/dev/full", (folder + "/full").c_str());
  const Error error = disk.write("full", "content");
  CHECK(error.sentence().find("(7 bytes) on the device: writing failed: No space left on device") !=
        std::string::npos);
  CHECK(access((folder + "/full").c_str(), F_OK) != 0);
}

TEST(files_stay_in_the_folder_of_their_session) {
  Folder session("");
  CHECK(!Folder::make_inside(folder, &session));
  for (const char *name : {"..", ".", "a/b", "/etc/passwd", "../x"}) CHECK(session.write(name, "x"));
  CHECK(!session.write("one", "1") && !session.write("one", "2"));
  std::string content;
  CHECK(!session.read("one", &content) && content == "2");
  session.remove_all();
  CHECK(access(session.path().c_str(), F_OK) != 0);
  CHECK(Folder::make_inside(folder + "/absent", &session).sentence().find("No such file") != std::string::npos);
}

TEST(random_values_are_from_one_to_ten) {
  uint16_t half[300];
  Tensor tensor;
  tensor.shape = {3, 100};
  tensor.view = {half, {1, 0}, 2, {2, 16, 1}, tensor.shape.data(), nullptr, 0};
  CHECK(!random_fill(tensor));
  for (uint16_t bits : half) CHECK(bits >= 0x3c00 && bits <= 0x4900);  // 1 and 10 as float16
  tensor.view.dtype = {9, 4, 1};
  CHECK(random_fill(tensor));
}

TEST(every_byte_of_memory_can_be_flushed_and_keeps_its_value) {
  std::vector<char> memory(10000, 'x');
  flush_from_caches(memory.data() + 3, memory.size() - 7);
  CHECK(memory == std::vector<char>(10000, 'x'));
}

TEST(json_is_escaped) {
  CHECK(json_text("a\"b\\c\n") == "\"a\\\"b\\\\c\\u000a\"");
  CHECK(JsonObject().add("n", -1).add("t", std::string("x")).json() == "{\"n\": -1, \"t\": \"x\"}");
  CHECK(json_list(std::vector<int>{1, 2}) == "[1, 2]" && json_list(std::vector<int>{}) == "[]");
}

TEST(match_keys_begin_with_the_key_and_never_repeat) {
  CHECK(new_match_key("phone").find("phone:") == 0);
  CHECK(new_match_key("phone").size() == 6 + 32 && new_match_key("phone") != new_match_key("phone"));
}

TEST(the_time_limit_of_a_client_is_read) {
  CHECK(timeout_option("client:phone:1 -timeout=2.5") == 2.5);
  CHECK(timeout_option("client:phone:1") == 0);
}

Error parse(std::vector<const char *> words, Options *options) {
  words.insert(words.begin(), "agent");
  return read_options(static_cast<int>(words.size()), const_cast<char **>(words.data()), options);
}

TEST(options_listen_on_loopback_unless_told_otherwise) {
  Options options;
  CHECK(!parse({"--tracker", "10.0.0.1:9190", "--key", "phone"}, &options));
  CHECK(options.tracker.host == "10.0.0.1" && options.tracker.port == 9190);
  CHECK(options.listen.host == "127.0.0.1" && options.listen.port == 0 && options.session.shared_key.empty());
}

TEST(bad_options_are_told) {
  const struct {
    std::vector<const char *> words;
    const char *said;
  } cases[] = {
      {{"--key", "phone"}, "the option --tracker is missing"},
      {{"--tracker", "h:1"}, "the option --key is missing"},
      {{"--tracker", "nowhere"}, "nowhere is not HOST:PORT"},
      {{"--tracker", "h:70000"}, "the port must be a number from 1 to 65535, not 70000"},
      {{"--key", "a:b"}, "a key has no blanks, quotes or colons, as a:b does"},
      {{"--threads", "0"}, "the number of threads must be a number from 1 to 64, not 0"},
      {{"--what", "x"}, "there is no option --what"},
      {{"--key"}, "the option --key is unknown or lacks its value"},
      {{"--shared-key-file", "/dev/null"}, "the file /dev/null holds no shared key"},
  };
  for (const auto &entry : cases) {
    Options options;
    const Error error = parse(entry.words, &options);
    if (error.sentence() != entry.said) printf("said: %s\n", error.sentence().c_str());
    CHECK(error.sentence() == entry.said);
  }
}

}  // namespace

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
