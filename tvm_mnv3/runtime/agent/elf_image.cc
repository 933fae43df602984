// elf_image.cc - the segments, the dynamic section and the symbols of a shared library.
#include "elf_image.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

namespace agent {

namespace {

#if defined(__aarch64__)
constexpr uint16_t kMachine = EM_AARCH64;
constexpr const char *kMachineName = "64-bit ARM";
#elif defined(__x86_64__)
constexpr uint16_t kMachine = EM_X86_64;
constexpr const char *kMachineName = "x86-64";
#endif

constexpr uint64_t kMostBytes = uint64_t{1} << 32;

bool read_at(int file, uint64_t offset, void *data, size_t size) {
  return pread(file, data, size, static_cast<off_t>(offset)) == static_cast<ssize_t>(size);
}

int protection(uint32_t flags) {
  return (flags & PF_R ? PROT_READ : 0) | (flags & PF_W ? PROT_WRITE : 0) | (flags & PF_X ? PROT_EXEC : 0);
}

}  // namespace

ElfImage::~ElfImage() {
  if (base_ != nullptr) munmap(base_, size_);
}

char *ElfImage::release(size_t *size) {
  char *base = base_;
  *size = size_;
  base_ = nullptr;
  return base;
}

Error ElfImage::map(int file, size_t file_size) {
  Elf64_Ehdr header;
  if (!read_at(file, 0, &header, sizeof header) || memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
      header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_type != ET_DYN) {
    return "it is no 64-bit ELF shared library";
  }
  if (header.e_machine != kMachine) return std::string("it is not for this machine, which is ") + kMachineName;
  if (header.e_phentsize != sizeof(Elf64_Phdr)) return "its program headers are broken";
  std::vector<Elf64_Phdr> segments(header.e_phnum);
  if (!read_at(file, header.e_phoff, segments.data(), segments.size() * sizeof(Elf64_Phdr))) {
    return "it ends inside its program headers";
  }
  uint64_t end = 0;
  for (const Elf64_Phdr &segment : segments) {
    if (segment.p_type == PT_TLS) return "it has thread-local variables, which this loader does not know";
    if (segment.p_type != PT_LOAD) continue;
    if (segment.p_vaddr > kMostBytes || segment.p_memsz > kMostBytes) return "its segments are broken";
    if (segment.p_vaddr + segment.p_memsz > end) end = segment.p_vaddr + segment.p_memsz;
  }
  if (end == 0) return "it has nothing to load";
  void *reserved = mmap(nullptr, end, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (reserved == MAP_FAILED) return system_error("its memory cannot be reserved");
  base_ = static_cast<char *>(reserved);
  size_ = end;
  for (const Elf64_Phdr &segment : segments) {
    if (segment.p_type != PT_LOAD) continue;
    if (Error error = map_segment(file, file_size, segment)) return error;
  }
  for (const Elf64_Phdr &segment : segments) {
    if (segment.p_type == PT_DYNAMIC) return read_dynamic(segment);
  }
  return "it has no dynamic section";
}

Error ElfImage::map_segment(int file, size_t file_size, const Elf64_Phdr &segment) {
  const uint64_t page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  if (segment.p_filesz > segment.p_memsz || segment.p_offset > file_size ||
      segment.p_filesz > file_size - segment.p_offset) {
    return "it ends inside a segment";
  }
  if ((segment.p_vaddr - segment.p_offset) % page != 0) return "its segments are not aligned to this machine's pages";
  const int access = protection(segment.p_flags);
  const uint64_t first = segment.p_vaddr & ~(page - 1);
  const uint64_t file_end = segment.p_vaddr + segment.p_filesz;
  const uint64_t memory_end = segment.p_vaddr + segment.p_memsz;
  uint64_t zeros = first;  // where pages without a file begin
  if (segment.p_filesz > 0) {
    const off_t offset = static_cast<off_t>(segment.p_offset & ~(page - 1));
    if (mmap(base_ + first, file_end - first, access, MAP_PRIVATE | MAP_FIXED, file, offset) == MAP_FAILED) {
      return system_error("a segment cannot be mapped");
    }
    zeros = (file_end + page - 1) & ~(page - 1);
    const uint64_t clear_to = zeros < memory_end ? zeros : memory_end;
    if (clear_to > file_end && (access & PROT_WRITE) != 0) memset(base_ + file_end, 0, clear_to - file_end);
  }
  if (memory_end > zeros && mmap(base_ + zeros, memory_end - zeros, access, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS,
                                 -1, 0) == MAP_FAILED) {
    return system_error("memory for a segment cannot be had");
  }
  segments_.push_back(segment);
  return {};
}

bool ElfImage::holds(uint64_t offset, uint64_t bytes, uint32_t flags) const {
  for (const Elf64_Phdr &segment : segments_) {
    const bool inside = offset >= segment.p_vaddr && offset - segment.p_vaddr <= segment.p_memsz &&
                        bytes <= segment.p_memsz - (offset - segment.p_vaddr);
    if (inside && (segment.p_flags & flags) == flags) return true;
  }
  return false;
}

Error ElfImage::read_dynamic(const Elf64_Phdr &segment) {
  const uint64_t count = segment.p_memsz / sizeof(Elf64_Dyn);
  const Elf64_Dyn *entry = at<Elf64_Dyn>(segment.p_vaddr, count);
  if (entry == nullptr) return "its dynamic section is broken";
  for (uint64_t i = 0; i < count && entry[i].d_tag != DT_NULL; ++i) {
    if (entry[i].d_tag > 0 && entry[i].d_tag <= DT_JMPREL) tags_[entry[i].d_tag] = entry[i].d_un.d_val;
    if (entry[i].d_tag == DT_GNU_HASH) gnu_hash_ = entry[i].d_un.d_val;
  }
  strings_ = at<char>(tags_[DT_STRTAB], tags_[DT_STRSZ]);
  // A table that ends in a zero byte holds no text that runs out of it.
  if (strings_ == nullptr || tags_[DT_STRSZ] == 0 || strings_[tags_[DT_STRSZ] - 1] != '\0') {
    return "its string table is broken";
  }
  return count_symbols();
}

// The symbol table has no length of its own: the hash tables tell it.
Error ElfImage::count_symbols() {
  if (const uint32_t *table = tags_[DT_HASH] ? at<uint32_t>(tags_[DT_HASH], 2) : nullptr) {
    symbol_count_ = table[1];
  } else if (const uint32_t *header = gnu_hash_ ? at<uint32_t>(gnu_hash_, 4) : nullptr) {
    const uint32_t bucket_count = header[0], first_symbol = header[1], bloom_words = header[2];
    const uint64_t buckets_at = gnu_hash_ + 16 + uint64_t{bloom_words} * 8;
    const uint64_t chains_at = buckets_at + uint64_t{bucket_count} * 4;
    const uint32_t *buckets = at<uint32_t>(buckets_at, bucket_count);
    if (buckets == nullptr) return "its hash table is broken";
    uint64_t last = first_symbol;
    for (uint32_t i = 0; i < bucket_count; ++i) last = buckets[i] > last ? buckets[i] : last;
    // The last chain begins with the highest symbol that a bucket names; the lowest bit of a word ends a chain.
    auto ends_chain = [&](uint64_t symbol) {
      const uint32_t *word = at<uint32_t>(chains_at + (symbol - first_symbol) * 4);
      return word == nullptr || (*word & 1) != 0;
    };
    while (!ends_chain(last)) ++last;
    symbol_count_ = last + 1;
  } else {
    return "it has no hash table";
  }
  symbols_ = at<Elf64_Sym>(tags_[DT_SYMTAB], symbol_count_);
  return symbols_ != nullptr ? Error() : Error("its symbol table is broken");
}

const char *ElfImage::name(const Elf64_Sym &symbol) const {
  return symbol.st_name < tags_[DT_STRSZ] ? strings_ + symbol.st_name : "";
}

std::vector<const Elf64_Sym *> ElfImage::exports() const {
  std::vector<const Elf64_Sym *> defined;
  for (uint64_t i = 1; i < symbol_count_; ++i) {
    const Elf64_Sym &symbol = symbols_[i];
    if (symbol.st_shndx != SHN_UNDEF && holds(symbol.st_value, symbol.st_size, 0)) defined.push_back(&symbol);
  }
  return defined;
}

}  // namespace agent
