// standard_library.cc - the few compiled parts of the C++ library that the agent uses.
//
// Everything else of it comes from headers, so the agent is linked with libc alone: building libc++ for a target
// takes a compiler longer than building the agent, and would double its size.
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <new>
#include <string>

template class std::basic_string<char>;
template std::string std::operator+<char, std::char_traits<char>, std::allocator<char>>(const char *,
                                                                                        const std::string &);

static void *memory_or_abort(void *memory) {
  // In a session this ends its process only, and the client is told.
  if (memory == nullptr) abort();
  return memory;
}

void *operator new(size_t size) { return memory_or_abort(malloc(size > 0 ? size : 1)); }
void *operator new[](size_t size) { return operator new(size); }
void operator delete(void *memory) noexcept { free(memory); }
void operator delete[](void *memory) noexcept { free(memory); }
void operator delete(void *memory, size_t) noexcept { free(memory); }
void operator delete[](void *memory, size_t) noexcept { free(memory); }

// What the headers call where they would throw.
namespace std {
inline namespace __1 {
[[noreturn]] void __libcpp_verbose_abort(const char *format, ...) noexcept {
  va_list arguments;
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  abort();
}
}  // namespace __1
}  // namespace std
