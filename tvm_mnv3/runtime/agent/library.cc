// library.cc - a shared library from a file, ready to be called.
#include "library.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend.h"
#include "elf_image.h"

namespace agent {

namespace {

class File {
 public:
  explicit File(const std::string &path) : number_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~File() {
    if (number_ >= 0) close(number_);
  }
  int number() const { return number_; }

 private:
  int number_;
};

}  // namespace

Library::~Library() {
  if (base_ != nullptr) munmap(base_, size_);
}

Error Library::load(const std::string &path) {
  File file(path);
  struct stat status;
  if (file.number() < 0 || fstat(file.number(), &status) != 0) return system_error("cannot open " + path);
  ElfImage image;
  Error error = image.map(file.number(), static_cast<size_t>(status.st_size));
  if (!error) error = image.relocate();
  if (error) return "cannot load " + path + ": " + error.sentence();
  for (const Elf64_Sym *symbol : image.exports()) symbols_[image.name(*symbol)] = image.address(*symbol);
  base_ = image.release(&size_);
  connect_backend(*this);
  return {};
}

void *Library::find(const std::string &symbol) const {
  auto found = symbols_.find(symbol);
  return found == symbols_.end() ? nullptr : found->second;
}

}  // namespace agent
