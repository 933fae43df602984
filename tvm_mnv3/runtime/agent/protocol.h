// protocol.h - the numbers of TVM's RPC protocol 0.8.0 (rpc_reference.h and rpc/base.py of apache-tvm 0.27).
#ifndef TVM_MNV3_AGENT_PROTOCOL_H
#define TVM_MNV3_AGENT_PROTOCOL_H

#include <stdint.h>

namespace agent {

constexpr const char *kProtocolVersion = "0.8.0";

// First words of a connection, each way.
constexpr int32_t kSessionMagic = 0xff271;
constexpr int32_t kSessionMismatch = kSessionMagic + 2;
constexpr int32_t kTrackerMagic = 0x2f271;

// What a client, or the agent, asks the tracker.
enum class TrackerCode { kPut = 3, kUpdateInfo = 5, kPendingMatchKeys = 7 };

// The first word of every packet of a session.
enum class PacketCode : int32_t {
  kShutdown = 1,
  kInitServer = 2,
  kCallFunc = 3,
  kReturn = 4,
  kException = 5,
  kCopyFromRemote = 6,
  kCopyToRemote = 7,
  kCopyAck = 8,
  kGetGlobalFunc = 9,
  kFreeHandle = 10,
  kDevSetDevice = 11,
  kDevGetAttr = 12,
  kDevAllocData = 13,
  kDevFreeData = 14,
  kDevStreamSync = 15,
  kCopyAmongRemote = 16,
  kDevAllocDataWithScope = 17,
};

// TVM FFI's type indices beyond those of tvm_ffi_abi.h (tvm/ffi/c_api.h).
enum {
  kTypeNone = 0,
  kTypeInt = 1,
  kTypeBool = 2,
  kTypeFloat = 3,
  kTypePointer = 4,
  kTypeDataType = 5,
  kTypeDevice = 6,
  kTypeTensor = 7,
  kTypeRawString = 8,
  kTypeByteArray = 9,
  kTypeSmallString = 11,
  kTypeSmallBytes = 12,
  kTypeString = 65,
  kTypeBytes = 66,
  kTypeFunction = 68,
  kTypeModule = 73,
};

}  // namespace agent

#endif
