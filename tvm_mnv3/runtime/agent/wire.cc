// wire.cc - bytes on a socket.
#include "wire.h"

#include <errno.h>
#include <sys/socket.h>

namespace agent {

bool send_all(int socket, const void *data, size_t size) {
  const char *next = static_cast<const char *>(data);
  while (size > 0) {
    ssize_t sent = send(socket, next, size, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    next += sent;
    size -= static_cast<size_t>(sent);
  }
  return true;
}

bool receive_all(int socket, void *data, size_t size) {
  char *next = static_cast<char *>(data);
  while (size > 0) {
    ssize_t got = recv(socket, next, size, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    next += got;
    size -= static_cast<size_t>(got);
  }
  return true;
}

bool send_text(int socket, const std::string &text) {
  int32_t size = static_cast<int32_t>(text.size());
  return send_all(socket, &size, sizeof size) && send_all(socket, text.data(), text.size());
}

bool receive_text(int socket, std::string *text, size_t most) {
  int32_t size = 0;
  if (!receive_all(socket, &size, sizeof size) || size < 0 || static_cast<size_t>(size) > most) return false;
  text->resize(static_cast<size_t>(size));
  return receive_all(socket, text->data(), text->size());
}

}  // namespace agent
