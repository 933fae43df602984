// elf_image.h - a 64-bit ELF shared library in memory: its segments mapped, its dynamic section read, and every
// address that a field of it names checked against the image.
#ifndef TVM_MNV3_AGENT_ELF_IMAGE_H
#define TVM_MNV3_AGENT_ELF_IMAGE_H

#include <elf.h>
#include <stddef.h>

#include <string>
#include <vector>

#include "error.h"

namespace agent {

class ElfImage {
 public:
  ElfImage() = default;
  ElfImage(const ElfImage &) = delete;
  ~ElfImage();

  // Maps the segments of an open file of `size` bytes.
  Error map(int file, size_t size);

  // Fills in every relocation; what the library imports comes from host_symbols.h.
  Error relocate();

  // The defined symbols, in the file's order.
  std::vector<const Elf64_Sym *> exports() const;

  const char *name(const Elf64_Sym &symbol) const;
  void *address(const Elf64_Sym &symbol) const { return base_ + symbol.st_value; }

  // Hands the mapping over: the caller unmaps it.
  char *release(size_t *size);

 private:
  Error map_segment(int file, size_t file_size, const Elf64_Phdr &segment);
  Error read_dynamic(const Elf64_Phdr &segment);
  Error count_symbols();
  Error relocate_table(uint64_t offset, uint64_t bytes);
  Error resolve(uint64_t index, uint64_t *value) const;

  // Whether `bytes` bytes from `offset` on lie in one segment that has these flags (PF_R, PF_W).
  bool holds(uint64_t offset, uint64_t bytes, uint32_t flags) const;

  template <typename T>
  const T *at(uint64_t offset, uint64_t count = 1) const {
    bool fits = count <= size_ / sizeof(T) && offset % alignof(T) == 0 && holds(offset, count * sizeof(T), PF_R);
    return fits ? reinterpret_cast<const T *>(base_ + offset) : nullptr;
  }

  char *base_ = nullptr;
  size_t size_ = 0;
  std::vector<Elf64_Phdr> segments_;  // those that were mapped
  uint64_t tags_[DT_JMPREL + 1] = {};  // the values of the dynamic section, by tag
  uint64_t gnu_hash_ = 0;
  const Elf64_Sym *symbols_ = nullptr;
  uint64_t symbol_count_ = 0;
  const char *strings_ = nullptr;
};

}  // namespace agent

#endif
