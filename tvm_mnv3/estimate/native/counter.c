/* counter.c - a plugin of QEMU's user mode: how often each block of guest code runs, and the cache misses it causes.
 *
 *   qemu-aarch64 -plugin counter.so,out=FILE[,caches=65536:4:524288:8] PROGRAM ...
 *
 * The guest says what to count: after getpriority(0x5A, 1) all counts, after getpriority(0x5A, 0) nothing does. (That
 * call fails harmlessly.) FILE gets a line per block that ran in between: its guest address in hexadecimal, its number
 * of instructions, its executions, and its misses in each cache.
 *
 * caches are bytes and ways of each level, the nearest first. The simulation is of data only: lines of 64 bytes, LRU,
 * allocating on reads and writes, no prefetching, indexed by guest address, a level sees what the one before misses.
 * It also runs between the marks, so that what comes before warms the caches.
 *
 * For guests of one thread.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qemu_plugin_api.h"

enum { GETPRIORITY = 141, MARK = 0x5A }; /* the syscall's number on aarch64 */
enum { LINE_SHIFT = 6, MOST_LEVELS = 4, BUCKETS = 1 << 16 };

typedef struct block {
  uint64_t address, instructions, executions, misses[MOST_LEVELS];
  struct block *next;
} block;

typedef struct {
  uint64_t sets, ways;
  uint64_t *lines; /* ways of each set, the most recently used first; 0 is empty, else the line's number + 1 */
} cache;

__attribute__((visibility("default"))) int qemu_plugin_version;

static block *blocks[BUCKETS];
static cache caches[MOST_LEVELS];
static int levels;
static bool recording;
static const char *out;

/* QEMU 9 and later refuse version 1, those before know no other. */
__attribute__((constructor)) static void choose_version(void) {
  qemu_plugin_version = qemu_plugin_scoreboard_new ? 2 : 1;
}

static bool add_cache(uint64_t bytes, uint64_t ways) {
  if (levels == MOST_LEVELS || ways == 0 || bytes % (ways << LINE_SHIFT) != 0 || bytes == 0) return false;
  cache *c = &caches[levels++];
  c->ways = ways;
  c->sets = bytes / (ways << LINE_SHIFT);
  c->lines = calloc(c->sets * ways, sizeof *c->lines);
  return c->lines != NULL;
}

static bool hits(cache *c, uint64_t line) {
  uint64_t *set = c->lines + line % c->sets * c->ways, name = line + 1;
  if (set[0] == name) return true;
  uint64_t way = 1;
  while (way < c->ways && set[way] != name) ++way;
  bool hit = way < c->ways;
  if (!hit) way = c->ways - 1;
  memmove(set + 1, set, way * sizeof *set);
  set[0] = name;
  return hit;
}

static void accessed(unsigned vcpu, qemu_plugin_meminfo_t info, uint64_t address, void *userdata) {
  (void)vcpu;
  block *b = userdata;
  uint64_t last = (address + (1u << qemu_plugin_mem_size_shift(info)) - 1) >> LINE_SHIFT;
  for (uint64_t line = address >> LINE_SHIFT; line <= last; ++line) {
    for (int level = 0; level < levels && !hits(&caches[level], line); ++level) b->misses[level] += recording;
  }
}

static void executed(unsigned vcpu, void *userdata) {
  (void)vcpu;
  ((block *)userdata)->executions += recording;
}

/* The block of that address and length: the emulator may translate the same code again. */
static block *find_block(uint64_t address, uint64_t instructions) {
  block **bucket = &blocks[(address >> 2) % BUCKETS];
  for (block *b = *bucket; b; b = b->next) {
    if (b->address == address && b->instructions == instructions) return b;
  }
  block *b = calloc(1, sizeof *b);
  if (!b) abort();
  b->address = address;
  b->instructions = instructions;
  b->next = *bucket;
  return *bucket = b;
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb) {
  (void)id;
  size_t count = qemu_plugin_tb_n_insns(tb);
  block *b = find_block(qemu_plugin_tb_vaddr(tb), count);
  qemu_plugin_register_vcpu_tb_exec_cb(tb, executed, QEMU_PLUGIN_CB_NO_REGS, b);
  if (levels == 0) return;
  for (size_t i = 0; i < count; ++i) {
    qemu_plugin_register_vcpu_mem_cb(qemu_plugin_tb_get_insn(tb, i), accessed, QEMU_PLUGIN_CB_NO_REGS,
                                     QEMU_PLUGIN_MEM_RW, b);
  }
}

static void called(qemu_plugin_id_t id, unsigned vcpu, int64_t number, uint64_t a1, uint64_t a2, uint64_t a3,
                   uint64_t a4, uint64_t a5, uint64_t a6, uint64_t a7, uint64_t a8) {
  (void)id, (void)vcpu, (void)a3, (void)a4, (void)a5, (void)a6, (void)a7, (void)a8;
  if (number == GETPRIORITY && a1 == MARK) recording = a2 != 0;
}

static void finished(qemu_plugin_id_t id, void *userdata) {
  (void)id, (void)userdata;
  FILE *file = fopen(out, "w");
  if (!file) abort();
  for (int bucket = 0; bucket < BUCKETS; ++bucket) {
    for (const block *b = blocks[bucket]; b; b = b->next) {
      if (b->executions == 0) continue;
      fprintf(file, "%llx %llu %llu", (unsigned long long)b->address, (unsigned long long)b->instructions,
              (unsigned long long)b->executions);
      for (int level = 0; level < levels; ++level) fprintf(file, " %llu", (unsigned long long)b->misses[level]);
      fputc('\n', file);
    }
  }
  if (fclose(file)) abort();
}

static bool add_caches(const char *numbers) {
  for (;;) {
    char *end;
    uint64_t bytes = strtoull(numbers, &end, 10);
    if (*end != ':' || !add_cache(bytes, strtoull(end + 1, &end, 10))) return false;
    if (*end == '\0') return true;
    numbers = end + 1;
  }
}

__attribute__((visibility("default"))) int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc,
                                                              char **argv) {
  (void)info;
  for (int i = 0; i < argc; ++i) {
    if (!strncmp(argv[i], "out=", 4)) out = strdup(argv[i] + 4);
    if (!strncmp(argv[i], "caches=", 7) && !add_caches(argv[i] + 7)) return -1;
  }
  if (!out) return -1;
  qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
  qemu_plugin_register_vcpu_syscall_cb(id, called);
  qemu_plugin_register_atexit_cb(id, finished, NULL);
  return 0;
}
