// arguments.cc - packed sequences, read as rpc_reference.h (RecvPackedSeq) reads them.
#include "arguments.h"

#include "protocol.h"

namespace agent {

namespace {

constexpr int32_t kMostArguments = 4096;
constexpr int32_t kMostDimensions = 64;


void read_argument(Reader &packet, Argument &argument) {
  argument.value.type_index = packet.get<int32_t>();
  switch (argument.value.type_index) {
    case kTypeNone:
      break;
    case kTypeInt:
    case kTypeBool:
    case kTypeFloat:
    case kTypePointer:
    case kTypeDataType:
    case kTypeDevice:
    case kTypeFunction:
    case kTypeModule:
      argument.value.v_int64 = packet.get<int64_t>();
      break;
    case kTypeTensor:
      argument.tensor.read(packet);
      break;
    case kTypeRawString:
    case kTypeByteArray:
      argument.text = packet.text();
      break;
    case kTypeString:
    case kTypeBytes:
    case kTypeSmallString:
    case kTypeSmallBytes:
      packet.get<uint32_t>();  // the type once more
      argument.text = packet.text();
      break;
    default:
      packet.fail();
  }
}

bool is_text(int32_t type) {
  return type == kTypeRawString || type == kTypeByteArray || type == kTypeString || type == kTypeBytes ||
         type == kTypeSmallString || type == kTypeSmallBytes;
}

}  // namespace

void Tensor::read(Reader &packet) {
  view.data = reinterpret_cast<void *>(packet.get<uint64_t>());
  view.device.device_type = packet.get<int32_t>();
  view.device.device_id = packet.get<int32_t>();
  view.ndim = packet.get<int32_t>();
  view.dtype.code = packet.get<uint8_t>();
  view.dtype.bits = packet.get<uint8_t>();
  view.dtype.lanes = packet.get<uint16_t>();
  if (view.ndim < 0 || view.ndim > kMostDimensions) return packet.fail();
  shape.resize(static_cast<size_t>(view.ndim));
  for (int64_t &extent : shape) extent = packet.get<int64_t>();
  view.shape = shape.data();
  view.byte_offset = packet.get<uint64_t>();
}

size_t Tensor::bytes() const { return tensor_bytes(view); }

size_t tensor_bytes(const DLTensor &tensor) {
  size_t count = 1;
  for (int32_t i = 0; i < tensor.ndim; ++i) count *= static_cast<size_t>(tensor.shape[i]);
  return count * ((tensor.dtype.bits * static_cast<size_t>(tensor.dtype.lanes) + 7) / 8);
}

void Arguments::read(Reader &packet) {
  int32_t count = packet.get<int32_t>();
  if (count < 0 || count > kMostArguments) return packet.fail();
  arguments_.resize(static_cast<size_t>(count));
  for (Argument &argument : arguments_) read_argument(packet, argument);
  // The arguments stay where they are from here on, so pointers to their parts do too.
  for (Argument &argument : arguments_) {
    if (argument.value.type_index == kTypeTensor) argument.value.v_ptr = &argument.tensor.view;
    if (argument.value.type_index == kTypeRawString) argument.value.v_ptr = argument.text.data();
    values_.push_back(argument.value);
  }
}

Error Arguments::expect(size_t index, bool fits, const char *what) const {
  if (fits) return {};
  return "argument " + to_text(static_cast<int64_t>(index)) + " is not " + what;
}

Error Arguments::integer(size_t index, int64_t *value) const {
  bool fits = index < count() && (values_[index].type_index == kTypeInt || values_[index].type_index == kTypeBool);
  if (fits) *value = values_[index].v_int64;
  return expect(index, fits, "an integer");
}

Error Arguments::text(size_t index, std::string *value) const {
  bool fits = index < count() && is_text(values_[index].type_index);
  if (fits) *value = arguments_[index].text;
  return expect(index, fits, "a text");
}

Error Arguments::tensor(size_t index, const Tensor **value) const {
  bool fits = index < count() && values_[index].type_index == kTypeTensor;
  if (fits) *value = &arguments_[index].tensor;
  return expect(index, fits, "a tensor");
}

Error Arguments::handle(size_t index, uint64_t *value) const {
  bool fits = index < count() && (values_[index].type_index == kTypePointer ||
                                  values_[index].type_index == kTypeFunction ||
                                  values_[index].type_index == kTypeModule || values_[index].type_index == kTypeNone);
  if (fits) *value = static_cast<uint64_t>(values_[index].v_int64);
  return expect(index, fits, "a handle");
}

Answer Answer::of_text(std::string text) { return {kTypeString, 0, std::move(text)}; }
Answer Answer::of_bytes(std::string bytes) { return {kTypeBytes, 0, std::move(bytes)}; }
Answer Answer::of_handle(int32_t type, uint64_t handle) { return {type, static_cast<int64_t>(handle), {}}; }

}  // namespace agent
