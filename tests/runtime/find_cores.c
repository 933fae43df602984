/* find_cores.c - prints the CPUs of a kind out of the allowed ones, in hexadecimal.
 *
 *   find_cores FOLDER ALLOWED KIND
 */
#include <stdio.h>
#include <stdlib.h>

#include "classifier/cores.h"

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  printf("%llx\n", (unsigned long long)mnv3_find_cores(argv[1], strtoull(argv[2], NULL, 16), atoi(argv[3])));
  return 0;
}
