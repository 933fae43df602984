// wire.h - bytes on a socket, and the readers and writers of a packet. Everything is little-endian, as both ends are.
#ifndef TVM_MNV3_AGENT_WIRE_H
#define TVM_MNV3_AGENT_WIRE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <string>
#include <vector>

namespace agent {

// All of it, or false: the peer has gone, or a time limit set on the socket is over.
bool send_all(int socket, const void *data, size_t size);
bool receive_all(int socket, void *data, size_t size);

// A 32-bit length and that many bytes: how the tracker and the handshake of a session talk.
bool send_text(int socket, const std::string &text);
bool receive_text(int socket, std::string *text, size_t most);

// Takes a packet apart. Once it runs out of bytes it is no longer `ok`, and gives zeros.
class Reader {
 public:
  Reader(const char *data, size_t size) : data_(data), left_(size) {}

  bool ok() const { return ok_; }
  void fail() { ok_ = false; }
  size_t left() const { return left_; }

  // So many bytes in place, or null.
  const char *bytes(uint64_t size) {
    if (!ok_ || size > left_) {
      ok_ = false;
      return nullptr;
    }
    const char *taken = data_;
    data_ += size;
    left_ -= size;
    return taken;
  }

  template <typename T>
  T get() {
    T value{};
    if (const char *from = bytes(sizeof value)) memcpy(&value, from, sizeof value);
    return value;
  }

  // A 64-bit length and that many bytes.
  std::string text() {
    uint64_t size = get<uint64_t>();
    const char *from = bytes(size);
    return from ? std::string(from, size) : std::string();
  }

 private:
  const char *data_;
  size_t left_;
  bool ok_ = true;
};

// Puts a packet together.
class Writer {
 public:
  template <typename T>
  Writer &put(T value) {
    bytes_.append(reinterpret_cast<const char *>(&value), sizeof value);
    return *this;
  }

  Writer &text(const std::string &text) {
    put<uint64_t>(text.size());
    bytes_ += text;
    return *this;
  }

  const std::string &bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

}  // namespace agent

#endif
