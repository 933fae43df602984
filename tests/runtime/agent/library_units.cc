// library_units.cc - libraries that are loaded, and what kernels are run on.
#include "units.h"

#include "agent/kernel.h"
#include "agent/library.h"
#include "agent/protocol.h"
#include "agent/random_fill.h"
#include "agent/timing.h"

using namespace agent;

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
