// remote_functions.cc - the functions that a client finds by name.
#include "remote_functions.h"

#include "cores.h"
#include "json.h"
#include "kernel.h"
#include "protocol.h"
#include "random_fill.h"
#include "report.h"
#include "session.h"
#include "timing.h"

namespace agent {

namespace {

class Module : public Object {
 public:
  explicit Module(const Library *library) : library_(library) {}
  const Library *library() const override { return library_; }

 private:
  const Library *library_;
};

Error upload(Session &session, const Arguments &arguments, Answer *) {
  std::string name, content;
  if (Error error = arguments.text(0, &name)) return error;
  if (Error error = arguments.text(1, &content)) return error;
  return session.folder().write(name, content);
}

Error download(Session &session, const Arguments &arguments, Answer *answer) {
  std::string name, content;
  if (Error error = arguments.text(0, &name)) return error;
  if (Error error = session.folder().read(name, &content)) return error;
  *answer = Answer::of_bytes(std::move(content));
  return {};
}

Error remove(Session &session, const Arguments &arguments, Answer *) {
  std::string name;
  if (Error error = arguments.text(0, &name)) return error;
  return session.folder().remove(name);
}

Error list_files(Session &session, const Arguments &, Answer *answer) {
  std::string names;
  if (Error error = session.folder().list(&names)) return error;
  *answer = Answer::of_text(std::move(names));
  return {};
}

Error load_module(Session &session, const Arguments &arguments, Answer *answer) {
  std::string name;
  const Library *library = nullptr;
  if (Error error = arguments.text(0, &name)) return error;
  if (Error error = session.load(name, &library)) return error;
  *answer = Answer::of_handle(kTypeModule, session.handles().add(std::make_unique<Module>(library)));
  return {};
}

// The kernel that the first two arguments name: a module and a function of it; null if the module has none.
Error named_kernel(Session &session, const Arguments &arguments, std::string *name, KernelFunction *kernel) {
  uint64_t handle = 0;
  if (Error error = arguments.handle(0, &handle)) return error;
  if (Error error = arguments.text(1, name)) return error;
  const Object *module = session.handles().find(handle);
  if (module == nullptr || module->library() == nullptr) return "the first argument is no module of this session";
  *kernel = find_kernel(*module->library(), *name);
  return {};
}

Error get_function(Session &session, const Arguments &arguments, Answer *answer) {
  std::string name;
  KernelFunction kernel = nullptr;
  if (Error error = named_kernel(session, arguments, &name, &kernel)) return error;
  if (kernel == nullptr) return {};  // none: the client says what is missing
  *answer = Answer::of_handle(kTypeFunction, session.handles().add(std::make_unique<Kernel>(kernel)));
  return {};
}

Error make_time_evaluator(Session &session, const Arguments &arguments, Answer *answer) {
  std::string name;
  KernelFunction kernel = nullptr;
  TimingOptions options;
  if (Error error = named_kernel(session, arguments, &name, &kernel)) return error;
  if (kernel == nullptr) return "the module has no function " + name;
  if (Error error = read_timing_options(arguments, &options)) return error;
  auto evaluator = std::make_unique<TimeEvaluator>(kernel, options);
  *answer = Answer::of_handle(kTypeFunction, session.handles().add(std::move(evaluator)));
  return {};
}

Error fill(Session &, const Arguments &arguments, Answer *) {
  const Tensor *tensor = nullptr;
  if (Error error = arguments.tensor(0, &tensor)) return error;
  return random_fill(*tensor);
}

Error report(Session &session, const Arguments &, Answer *answer) {
  *answer = Answer::of_text(device_report(session.options().source));
  return {};
}

Error pin(Session &session, const Arguments &arguments, Answer *answer) {
  std::string which;
  std::vector<int> numbers;
  if (Error error = arguments.text(0, &which)) return error;
  if (Error error = choose_cores(read_cores(session.options().source.root), which, &numbers)) return error;
  if (Error error = pin_to(numbers)) return error;
  *answer = Answer::of_text(json_list(allowed_cores()));
  return {};
}

using Function = Error (*)(Session &, const Arguments &, Answer *);

const struct {
  const char *name;
  Function function;
} kFunctions[] = {
    {"tvm.rpc.server.upload", upload},
    {"tvm.rpc.server.download", download},
    {"tvm.rpc.server.remove", remove},
    {"tvm.rpc.server.listdir", list_files},
    {"tvm.rpc.server.load_module", load_module},
    {"tvm.rpc.server.ModuleGetFunction", get_function},
    {"runtime.RPCTimeEvaluator", make_time_evaluator},
    {"tvm.contrib.random.random_fill", fill},
    {"tvm.contrib.random.random_fill_for_measure", fill},
    {"tvm_mnv3.report", report},
    {"tvm_mnv3.pin", pin},
};

class RemoteFunction : public Object {
 public:
  RemoteFunction(Session &session, Function function) : session_(session), function_(function) {}
  Error call(const Arguments &arguments, Answer *answer) override { return function_(session_, arguments, answer); }

 private:
  Session &session_;
  Function function_;
};

}  // namespace

std::unique_ptr<Object> make_remote_function(const std::string &name, Session &session) {
  for (const auto &entry : kFunctions) {
    if (name == entry.name) return std::make_unique<RemoteFunction>(session, entry.function);
  }
  return nullptr;
}

}  // namespace agent
