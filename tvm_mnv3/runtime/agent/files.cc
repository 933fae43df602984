// files.cc - the folder of a session.
#include "files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vector>

namespace agent {

namespace {

Error write_all(int file, const std::string &content) {
  for (size_t done = 0; done < content.size();) {
    ssize_t wrote = ::write(file, content.data() + done, content.size() - done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return system_error("writing failed");
    done += static_cast<size_t>(wrote);
  }
  return {};
}

std::vector<std::string> names_in(const std::string &folder) {
  std::vector<std::string> names;
  DIR *stream = opendir(folder.c_str());
  if (stream == nullptr) return names;
  while (const dirent *entry = readdir(stream)) {
    std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  closedir(stream);
  return names;
}

}  // namespace

Error Folder::make_inside(const std::string &parent, Folder *made) {
  std::string path = parent + "/session.XXXXXX";
  if (mkdtemp(path.data()) == nullptr) return system_error("a folder for the session cannot be made in " + parent);
  *made = Folder(path);
  return {};
}

Error Folder::locate(const std::string &name, std::string *path) const {
  if (path_.empty()) return "the session has no folder on the device";
  if (name.find('/') != std::string::npos || name == "." || name == "..") {
    return "the file name " + name + " leads out of the session's folder";
  }
  *path = path_ + "/" + name;
  return {};
}

Error Folder::write(const std::string &name, const std::string &content) const {
  std::string path;
  if (Error error = locate(name, &path)) return error;
  int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
  Error error = file < 0 ? system_error("opening failed") : write_all(file, content);
  // A full disk may show only here.
  if (file >= 0 && close(file) != 0 && !error) error = system_error("closing failed");
  if (!error) return {};
  if (file >= 0) unlink(path.c_str());
  return "cannot write " + path + " (" + to_text(static_cast<int64_t>(content.size())) +
         " bytes) on the device: " + error.sentence();
}

Error Folder::read(const std::string &name, std::string *content) const {
  std::string path;
  if (Error error = locate(name, &path)) return error;
  int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return system_error("cannot read " + path);
  char piece[1 << 16];
  ssize_t got = 0;
  while ((got = ::read(file, piece, sizeof piece)) > 0) content->append(piece, static_cast<size_t>(got));
  Error error = got < 0 ? system_error("cannot read " + path) : Error();
  close(file);
  return error;
}

Error Folder::list(std::string *names) const {
  for (const std::string &name : names_in(path_)) *names += (names->empty() ? "" : ",") + name;
  return {};
}

Error Folder::remove(const std::string &name) const {
  if (name.empty()) return {};  // TVM's clients clean up with it: "the whole folder", which goes with the session
  std::string path;
  if (Error error = locate(name, &path)) return error;
  if (unlink(path.c_str()) != 0 && errno != ENOENT) return system_error("cannot remove " + path);
  return {};
}

void Folder::remove_all() const {
  if (path_.empty()) return;
  for (const std::string &name : names_in(path_)) unlink((path_ + "/" + name).c_str());
  rmdir(path_.c_str());
}

}  // namespace agent
