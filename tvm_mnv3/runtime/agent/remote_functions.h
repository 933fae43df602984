// remote_functions.h - the functions that a client finds by name, TVM's own and this project's.
#ifndef TVM_MNV3_AGENT_REMOTE_FUNCTIONS_H
#define TVM_MNV3_AGENT_REMOTE_FUNCTIONS_H

#include <memory>
#include <string>

#include "object.h"

namespace agent {

class Session;

// A function of a session by its global name, or null:
//   tvm.rpc.server.upload(name, bytes), download(name), remove(name), listdir(name), load_module(name)
//   tvm.rpc.server.ModuleGetFunction(module, name, query_imports)
//   runtime.RPCTimeEvaluator(module, name, device_type, device_id, number, ...)   see timing.h
//   tvm.contrib.random.random_fill(tensor), random_fill_for_measure(tensor)
//   tvm_mnv3.report() -> JSON text, see report.h
//   tvm_mnv3.pin(which) -> the list of cores that this session may now run on, as JSON text
std::unique_ptr<Object> make_remote_function(const std::string &name, Session &session);

}  // namespace agent

#endif
