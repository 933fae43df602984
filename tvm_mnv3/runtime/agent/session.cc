// session.cc - the packets of a session, as rpc_endpoint.cc of apache-tvm sends them.
#include "session.h"

#include <stdlib.h>
#include <string.h>

#include "remote_functions.h"

namespace agent {

namespace {

constexpr uint64_t kMostPacketBytes = uint64_t{1} << 31;

// Without telling by its duration how much of a guess is right.
bool same_key(const std::string &left, const std::string &right) {
  unsigned char difference = left.size() == right.size() ? 0 : 1;
  for (size_t i = 0; i < left.size() && i < right.size(); ++i) {
    difference |= static_cast<unsigned char>(left[i] ^ right[i]);
  }
  return difference == 0;
}

}  // namespace

void Session::serve() {
  std::vector<char> packet;
  while (true) {
    uint64_t size = 0;
    if (!receive_all(socket_, &size, sizeof size)) return;
    if (size == 0) continue;
    if (size > kMostPacketBytes) return;
    packet.resize(size);
    if (!receive_all(socket_, packet.data(), size)) return;
    Reader reader(packet.data(), size);
    PacketCode code = reader.get<PacketCode>();
    if (code == PacketCode::kShutdown || !answer(code, reader)) return;
  }
}

bool Session::answer(PacketCode code, Reader &packet) {
  if (code == PacketCode::kInitServer) return initialise(packet);
  if (!welcome_) return false;
  switch (code) {
    case PacketCode::kCallFunc:
      return call(packet);
    case PacketCode::kCopyFromRemote:
      return copy_from(packet);
    case PacketCode::kCopyToRemote:
      return copy_to(packet);
    default:
      return serve_device(code, packet);
  }
}

bool Session::initialise(Reader &packet) {
  std::string version = packet.text();
  Arguments arguments;
  arguments.read(packet);
  if (version != kProtocolVersion) {
    return send_error("the client speaks version " + version + " of TVM's RPC protocol, this agent " +
                      kProtocolVersion);
  }
  std::string constructor, key;
  if (arguments.count() > 0) {
    Error error = arguments.text(0, &constructor);
    if (error || constructor != "tvm_mnv3.shared_key" || arguments.text(1, &key)) {
      return send_error("this agent has no session constructor " + constructor);
    }
  }
  if (!options_.shared_key.empty() && !same_key(key, options_.shared_key)) {
    send_error("this agent wants its shared key: pass session_constructor_args=[\"tvm_mnv3.shared_key\", KEY]");
    return false;
  }
  welcome_ = true;
  return send_nothing();
}

bool Session::call(Reader &packet) {
  uint64_t handle = packet.get<uint64_t>();
  Arguments arguments;
  arguments.read(packet);
  if (!packet.ok()) return send_error("a call whose arguments this agent does not understand");
  Object *function = handles_.find(handle);
  if (function == nullptr) return send_error("a call of a function that the session does not have");
  Answer answer;
  if (Error error = function->call(arguments, &answer)) return send_error(error);
  return send_answer(answer);
}

bool Session::copy_from(Reader &packet) {
  Tensor tensor;
  tensor.read(packet);
  uint64_t bytes = packet.get<uint64_t>();
  if (!packet.ok() || bytes > tensor.bytes()) return false;
  Writer head;
  head.put<uint64_t>(sizeof(PacketCode) + bytes).put(PacketCode::kCopyAck);
  return send_all(socket_, head.bytes().data(), head.bytes().size()) && send_all(socket_, tensor.data(), bytes);
}

bool Session::copy_to(Reader &packet) {
  Tensor tensor;
  tensor.read(packet);
  uint64_t bytes = packet.get<uint64_t>();
  const char *from = packet.bytes(bytes);
  if (from == nullptr || bytes > tensor.bytes()) return false;
  memcpy(tensor.data(), from, bytes);
  return send_nothing();
}

bool Session::serve_device(PacketCode code, Reader &packet) {
  Arguments arguments;
  arguments.read(packet);
  if (!packet.ok()) return send_error("a request whose arguments this agent does not understand");
  const Tensor *from = nullptr, *to = nullptr;
  std::string name;
  uint64_t handle = 0;
  void *memory = nullptr;
  switch (code) {
    case PacketCode::kGetGlobalFunc:
      if (Error error = arguments.text(0, &name)) return send_error(error);
      return send_pointer(global_function(name));
    case PacketCode::kFreeHandle:
      if (Error error = arguments.handle(0, &handle)) return send_error(error);
      handles_.drop(handle);
      return send_nothing();
    case PacketCode::kDevGetAttr:
      // Only whether the device exists is ever asked of a CPU.
      return send(PacketCode::kReturn, Writer().put<int32_t>(1).put<int32_t>(kTypeInt).put<int64_t>(1));
    case PacketCode::kDevAllocData:
    case PacketCode::kDevAllocDataWithScope:
      if (Error error = allocate(code, arguments, &memory)) return send_error(error);
      return send_pointer(reinterpret_cast<uint64_t>(memory));
    case PacketCode::kDevFreeData:
      if (Error error = arguments.handle(1, &handle)) return send_error(error);
      free(reinterpret_cast<void *>(handle));
      return send_nothing();
    case PacketCode::kCopyAmongRemote:
      if (Error error = arguments.tensor(0, &from)) return send_error(error);
      if (Error error = arguments.tensor(1, &to)) return send_error(error);
      if (from->bytes() != to->bytes()) return send_error("a copy between tensors of different sizes");
      memmove(to->data(), from->data(), from->bytes());
      return send_nothing();
    case PacketCode::kDevSetDevice:
    case PacketCode::kDevStreamSync:
      return send_nothing();  // a CPU has nothing to choose or to wait for
    default:
      return send_error("this agent knows no request of kind " + to_text(static_cast<int64_t>(code)));
  }
}

Error Session::allocate(PacketCode code, const Arguments &arguments, void **memory) const {
  constexpr uint64_t kAlignment = 128;
  uint64_t bytes = 0;
  if (code == PacketCode::kDevAllocData) {
    int64_t asked = 0;
    if (Error error = arguments.integer(1, &asked)) return error;
    bytes = static_cast<uint64_t>(asked);
  } else {
    const Tensor *tensor = nullptr;
    if (Error error = arguments.tensor(0, &tensor)) return error;
    bytes = tensor->bytes();
  }
  const uint64_t rounded = (bytes / kAlignment + 1) * kAlignment;
  *memory = rounded > bytes ? aligned_alloc(kAlignment, rounded) : nullptr;
  if (*memory == nullptr) return to_text(static_cast<int64_t>(bytes)) + " bytes of memory cannot be had on the device";
  return {};
}

Error Session::load(const std::string &name, const Library **library) {
  std::string path;
  if (Error error = folder_.locate(name, &path)) return error;
  auto loaded = std::make_unique<Library>();
  if (Error error = loaded->load(path)) return error;
  *library = loaded.get();
  // Kept to the end: the client may hold handles of its functions.
  libraries_.push_back(std::move(loaded));
  return {};
}

// The handle of a function by its global name, or 0.
uint64_t Session::global_function(const std::string &name) {
  std::unique_ptr<Object> function = make_remote_function(name, *this);
  return function ? handles_.add(std::move(function)) : 0;
}

bool Session::send(PacketCode code, const Writer &payload) const {
  Writer packet;
  packet.put<uint64_t>(sizeof code + payload.bytes().size()).put(code);
  std::string bytes = packet.bytes() + payload.bytes();
  return send_all(socket_, bytes.data(), bytes.size());
}

bool Session::send_nothing() const {
  return send(PacketCode::kReturn, Writer().put<int32_t>(1).put<int32_t>(kTypeNone));
}

bool Session::send_pointer(uint64_t pointer) const {
  if (pointer == 0) return send_nothing();
  return send(PacketCode::kReturn, Writer().put<int32_t>(1).put<int32_t>(kTypePointer).put<uint64_t>(pointer));
}

// A call's answer is two values: its type, and the value in the type that carries it.
bool Session::send_answer(const Answer &answer) const {
  Writer payload;
  payload.put<int32_t>(2).put<int32_t>(kTypeInt).put<int64_t>(answer.type);
  switch (answer.type) {
    case kTypeNone:
      payload.put<int32_t>(kTypeNone);
      break;
    case kTypeString:
      payload.put<int32_t>(kTypeRawString).text(answer.text);
      break;
    case kTypeBytes:
      payload.put<int32_t>(kTypeByteArray).text(answer.text);
      break;
    case kTypeFunction:
    case kTypeModule:
      payload.put<int32_t>(kTypePointer).put<int64_t>(answer.number);
      break;
    default:
      payload.put<int32_t>(answer.type).put<int64_t>(answer.number);
  }
  return send(PacketCode::kReturn, payload);
}

bool Session::send_error(const Error &error) const { return send_exception(socket_, error.sentence()); }

bool send_exception(int socket, const std::string &sentence) {
  Writer packet;
  packet.put<uint64_t>(sizeof(PacketCode) + 2 * sizeof(int32_t) + sizeof(uint64_t) + sentence.size())
      .put(PacketCode::kException)
      .put<int32_t>(1)
      .put<int32_t>(kTypeRawString)
      .text(sentence);
  return send_all(socket, packet.bytes().data(), packet.bytes().size());
}

}  // namespace agent
