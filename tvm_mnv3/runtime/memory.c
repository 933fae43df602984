/* memory.c - the four memory functions that any C compiler may call, for a library without a libc.
 *
 * Compiled with -ffreestanding -fno-builtin: otherwise a compiler recognises each loop as the function it stands in
 * and calls it. clang vectorizes the loops as they are.
 */
#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int value, size_t size);
int memcmp(const void *left, const void *right, size_t size);

void *memcpy(void *restrict to, const void *restrict from, size_t size) {
  unsigned char *restrict target = to;
  const unsigned char *restrict source = from;
  for (size_t i = 0; i < size; ++i) target[i] = source[i];
  return to;
}

void *memmove(void *to, const void *from, size_t size) {
  unsigned char *target = to;
  const unsigned char *source = from;
  if ((size_t)(target - source) >= size) { /* also when target is below source: the difference wraps */
    for (size_t i = 0; i < size; ++i) target[i] = source[i];
  } else {
    for (size_t i = size; i > 0; --i) target[i - 1] = source[i - 1];
  }
  return to;
}

void *memset(void *to, int value, size_t size) {
  unsigned char *target = to;
  for (size_t i = 0; i < size; ++i) target[i] = (unsigned char)value;
  return to;
}

int memcmp(const void *left, const void *right, size_t size) {
  const unsigned char *a = left, *b = right;
  for (size_t i = 0; i < size; ++i) {
    if (a[i] != b[i]) return a[i] - b[i];
  }
  return 0;
}
