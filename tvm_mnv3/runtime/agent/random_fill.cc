// random_fill.cc - TVM's tvm.contrib.random.random_fill, with a generator of our own.
#include "random_fill.h"

#include <string.h>

namespace agent {

namespace {

constexpr uint8_t kInt = 0, kUInt = 1, kFloat = 2, kBFloat = 4;

// Marsaglia's xorshift64 (Xorshift RNGs, Journal of Statistical Software 8, 2003).
class Generator {
 public:
  // From 1 up to 10.
  double next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return 1.0 + 9.0 * static_cast<double>(state_ >> 11) / 9007199254740992.0;  // 2^53
  }

 private:
  uint64_t state_ = 88172645463325252u;
};

// A float from 1 to 10 as float16, cut off: the exponent's bias goes from 127 to 15, the mantissa from 23 bits to 10.
uint16_t half_bits(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return static_cast<uint16_t>((bits >> 13) - ((127 - 15) << 10));
}

template <typename T, typename Convert>
void fill(const Tensor &tensor, size_t count, Convert convert) {
  Generator generator;
  T *data = reinterpret_cast<T *>(tensor.data());
  for (size_t i = 0; i < count; ++i) data[i] = convert(generator.next());
}

}  // namespace

Error random_fill(const Tensor &tensor) {
  const auto dtype = tensor.view.dtype;
  const size_t count = dtype.bits >= 8 ? tensor.bytes() / (dtype.bits / 8u) : 0;
  auto integer = [](double value) { return static_cast<int>(value); };
  switch (dtype.code << 8 | dtype.bits) {
    case kFloat << 8 | 64:
      fill<double>(tensor, count, [](double value) { return value; });
      return {};
    case kFloat << 8 | 32:
      fill<float>(tensor, count, [](double value) { return static_cast<float>(value); });
      return {};
    case kFloat << 8 | 16:
      fill<uint16_t>(tensor, count, [](double value) { return half_bits(static_cast<float>(value)); });
      return {};
    case kBFloat << 8 | 16:
      fill<uint16_t>(tensor, count, [](double value) {
        float single = static_cast<float>(value);
        uint16_t upper;
        memcpy(&upper, reinterpret_cast<const char *>(&single) + 2, sizeof upper);
        return upper;
      });
      return {};
    case kInt << 8 | 8:
    case kUInt << 8 | 8:
      fill<uint8_t>(tensor, count, integer);
      return {};
    case kInt << 8 | 16:
    case kUInt << 8 | 16:
      fill<uint16_t>(tensor, count, integer);
      return {};
    case kInt << 8 | 32:
    case kUInt << 8 | 32:
      fill<uint32_t>(tensor, count, integer);
      return {};
    case kInt << 8 | 64:
    case kUInt << 8 | 64:
      fill<uint64_t>(tensor, count, integer);
      return {};
    default:
      return "tensors of this dtype cannot be filled";
  }
}

}  // namespace agent
