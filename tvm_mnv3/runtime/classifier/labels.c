/* labels.c - see labels.h. */
#include "labels.h"

int mnv3_has_lines(const char *text, size_t size, int32_t lines) {
  int32_t found = 0;
  for (size_t i = 0; i < size; ++i) {
    if (text[i] == 0) return 0;
    if ((text[i] == '\n' || i + 1 == size) && ++found > lines) return 0;
  }
  return found == lines;
}

void mnv3_split_lines(const char *text, size_t size, char *copy, const char **starts) {
  char *start = copy;
  for (size_t i = 0; i < size; ++i) {
    copy[i] = text[i];
    if (text[i] != '\n' && i + 1 < size) continue;
    char *end = copy + i + (text[i] != '\n');
    if (end > start && text[i] == '\n' && end[-1] == '\r') --end;
    *end = 0;
    *starts++ = start;
    start = copy + i + 1;
  }
}
