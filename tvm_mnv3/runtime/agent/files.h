// files.h - the folder of a session: everything that a client uploads lies there, and goes with the session.
#ifndef TVM_MNV3_AGENT_FILES_H
#define TVM_MNV3_AGENT_FILES_H

#include <string>

#include "error.h"

namespace agent {

class Folder {
 public:
  explicit Folder(std::string path) : path_(std::move(path)) {}

  const std::string &path() const { return path_; }

  // A new folder inside of `parent`.
  static Error make_inside(const std::string &parent, Folder *made);

  // A name inside of the folder; refuses one that leads out of it.
  Error locate(const std::string &name, std::string *path) const;

  // Writes a file; one that cannot be written whole does not stay.
  Error write(const std::string &name, const std::string &content) const;
  Error read(const std::string &name, std::string *content) const;
  // The files' names, with commas between.
  Error list(std::string *names) const;
  // Removes a file; one that is not there is no error.
  Error remove(const std::string &name) const;

  // Removes the folder and the files in it.
  void remove_all() const;

 private:
  std::string path_;
};

}  // namespace agent

#endif
