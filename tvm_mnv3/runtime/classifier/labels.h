/* labels.h - a text with one label a line. */
#ifndef TVM_MNV3_LABELS_H
#define TVM_MNV3_LABELS_H

#include <stddef.h>
#include <stdint.h>

/* Whether the text has exactly `lines` lines; the last one may lack its end, a line may end in "\r\n", and no byte is
 * 0. */
int mnv3_has_lines(const char *text, size_t size, int32_t lines);

/* Copies the text into `copy`, size + 1 bytes, each line a string of its own that `starts` points to. */
void mnv3_split_lines(const char *text, size_t size, char *copy, const char **starts);

#endif
