// device_units.cc - cores, reports and files of a device.
#include "units.h"

#include <unistd.h>

#include "agent/cores.h"
#include "agent/files.h"
#include "agent/report.h"

using namespace agent;

// A phone with two slow cores, one of them asleep, and one fast.
static std::string phone() {
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
