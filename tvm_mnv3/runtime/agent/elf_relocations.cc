// elf_relocations.cc - the addresses that a loaded library has to be told.
#include "elf_image.h"
#include "host_symbols.h"

namespace agent {

namespace {

#if defined(__aarch64__)
constexpr uint32_t kNone = R_AARCH64_NONE, kRelative = R_AARCH64_RELATIVE, kSlot = R_AARCH64_JUMP_SLOT,
                   kGlobal = R_AARCH64_GLOB_DAT, kAbsolute = R_AARCH64_ABS64;
#elif defined(__x86_64__)
constexpr uint32_t kNone = R_X86_64_NONE, kRelative = R_X86_64_RELATIVE, kSlot = R_X86_64_JUMP_SLOT,
                   kGlobal = R_X86_64_GLOB_DAT, kAbsolute = R_X86_64_64;
#endif

}  // namespace

Error ElfImage::relocate() {
  if (Error error = relocate_table(tags_[DT_RELA], tags_[DT_RELASZ])) return error;
  if (Error error = relocate_table(tags_[DT_JMPREL], tags_[DT_PLTRELSZ])) return error;
  // Instructions were written as data.
  __builtin___clear_cache(base_, base_ + size_);
  return {};
}

Error ElfImage::relocate_table(uint64_t offset, uint64_t bytes) {
  const uint64_t count = bytes / sizeof(Elf64_Rela);
  const Elf64_Rela *entries = at<Elf64_Rela>(offset, count);
  if (entries == nullptr) return "its relocations are broken";
  for (uint64_t i = 0; i < count; ++i) {
    const Elf64_Rela &entry = entries[i];
    const uint32_t type = ELF64_R_TYPE(entry.r_info);
    if (type == kNone) continue;
    if (entry.r_offset % alignof(uint64_t) != 0 || !holds(entry.r_offset, sizeof(uint64_t), PF_R | PF_W)) {
      return "a relocation is not in its writable data";
    }
    uint64_t value = 0;
    if (type == kRelative) {
      value = reinterpret_cast<uint64_t>(base_);
    } else if (type == kSlot || type == kGlobal || type == kAbsolute) {
      if (Error error = resolve(ELF64_R_SYM(entry.r_info), &value)) return error;
    } else {
      return "it has a relocation of type " + to_text(type) + ", which this loader does not know";
    }
    *reinterpret_cast<uint64_t *>(base_ + entry.r_offset) = value + static_cast<uint64_t>(entry.r_addend);
  }
  return {};
}

Error ElfImage::resolve(uint64_t index, uint64_t *value) const {
  if (index >= symbol_count_) return "a relocation names no symbol";
  const Elf64_Sym &symbol = symbols_[index];
  if (symbol.st_shndx != SHN_UNDEF) {
    *value = reinterpret_cast<uint64_t>(address(symbol));
    return {};
  }
  void *found = host_symbol(name(symbol));
  *value = reinterpret_cast<uint64_t>(found);
  if (found == nullptr && ELF64_ST_BIND(symbol.st_info) != STB_WEAK) {
    return std::string("it needs the function ") + name(symbol) + ", which the agent does not have";
  }
  return {};
}

}  // namespace agent
