// ScriptVm: one Lua interpreter, and the run of a script in it.
//
// Lua is PUC Lua 5.1, as in Redis: error positions, the order of pairs() and cjson's output are the
// same. LuaJIT's interpreter was rejected: it drops the caller's frame at "return redis.call(...)",
// so that errors lose their line. Lua reports errors with longjmp: no C++ object that needs a
// destructor may live across a call of the Lua API that can raise, and whatever can raise runs
// inside a protected call.
//
// Thread safety: none; each worker has its own. RequestKill may be called by any thread.
#pragma once

#include <atomic>
#include <lua.hpp>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/byte_buffer.h"
#include "base/hash.h"
#include "engine/commands/call.h"
#include "engine/script/function_library.h"
#include "engine/script/lua_heap.h"
#include "engine/script/script.h"

namespace kiln {

// A script, or a library's function, in its compiled form.
struct CompiledScript {
  std::shared_ptr<const Script> script;  // null for a function
  int function;                          // in Lua's registry
  std::string function_name = {};        // empty for a script
  uint32_t function_flags = 0;

  std::string_view name() const { return script ? script->sha.view() : function_name; }
  uint32_t flags() const { return script ? script->flags : function_flags; }
};

// One run of a script.
struct ScriptRun {
  Call& call;
  const CompiledScript& compiled;
  Arguments keys;
  Arguments arguments;
  bool is_alone = true;  // or else under the locks of its keys
  bool is_read_only = false;
  bool allows_oom = false;
  bool has_room = true;  // memory was below maxmemory when it began
  bool has_written = false;
  int version = 2;            // of the replies that the script sees: redis.setresp
  std::string denial = {};    // the last error of what the caller may not run
  uint64_t started_us = 0;    // set at the first look at the clock
  uint64_t next_turn_us = 0;  // of other clients; 0 until it has run for too long
};

class ScriptVm {
 public:
  // What one interpreter may allocate; a script that needs more fails.
  static constexpr size_t kMaxBytes = size_t{512} << 20;
  // Beyond this, garbage is collected whenever the memory in use has doubled, which is Lua's way,
  // and all of it after the run; below, later.
  static constexpr size_t kEasyBytes = size_t{8} << 20;
  // Instructions between looks at the clock.
  static constexpr int kHookInstructions = 100000;

  ScriptVm();
  ~ScriptVm();
  ScriptVm(const ScriptVm&) = delete;
  ScriptVm& operator=(const ScriptVm&) = delete;

  const CompiledScript* Find(const ShaText& sha) const;
  const CompiledScript* FindBody(std::string_view body) const;
  // Compiles; null with an error reply (without a code word) in `error`.
  const CompiledScript* Add(std::shared_ptr<const Script> script, std::string* error);
  // Runs the code of a library, which registers its functions; their names and flags go into
  // `functions`. An error text (without a code word), and nothing added, or empty.
  std::string AddLibrary(const FunctionLibrary& library, std::vector<FunctionInfo>* functions);
  const CompiledScript* FindFunction(std::string_view name) const;
  // Runs it and replies to run.call.
  void Run(ScriptRun& run);

  // The running script is to end with an error.
  void RequestKill() { kill_requested_.store(true, std::memory_order_relaxed); }
  size_t used_bytes() const { return used_bytes_; }

  // ---- For the functions that scripts call ----
  static ScriptVm& Of(lua_State* lua) {
    void* self = nullptr;
    lua_getallocf(lua, &self);
    return *static_cast<ScriptVm*>(self);
  }
  ScriptRun& run() { return *run_; }
  // redis.register_function: the function is kept in Lua's registry at `reference`. An error text,
  // or null. Raises nothing.
  const char* Register(std::string_view name, const std::string_view* description, uint32_t flags,
                       int reference);
  bool is_loading() const { return loading_ != nullptr; }
  // Whether the hook has begun to end the run: no more of the script's code is to be called.
  bool is_ending() const {
    return kill_requested_.load(std::memory_order_relaxed) ||
           (loading_ != nullptr && loading_->is_over);
  }
  // The strings and numbers on the stack, from 1 on, as a command's arguments: good until they are
  // popped or the next call. Null when there is one of another type.
  const std::vector<std::string_view>* ReadArguments(lua_State* lua);
  ByteBuffer& reply_buffer() { return reply_buffer_; }
  // math.random's state, 48 bits.
  uint64_t random_state = 0;

 private:
  struct BodyHash {
    size_t operator()(std::string_view body) const { return HashBytes(body); }
  };

  static void* Allocate(void* self, void* memory, size_t old_bytes, size_t new_bytes);
  // How much garbage may pile up before it is collected.
  void SetThrift(bool is_thrifty);
  static int Install(lua_State* lua);
  static int RunProtected(lua_State* lua);
  static void Hook(lua_State* lua, lua_Debug* record);

  // A library that is being loaded.
  struct Loading {
    std::vector<FunctionInfo> functions;
    std::vector<int> references;  // in Lua's registry
    uint64_t deadline_us = 0;
    bool is_over = false;
  };
  static constexpr uint64_t kLoadLimitUs = 500'000;

  static int LoadProtected(lua_State* lua);
  void CallScript(lua_State* lua);
  // Lets other clients hear that the server is busy, once the script has run for
  // busy-reply-threshold.
  void LetOthersIn();

  lua_State* lua_ = nullptr;
  ScriptRun* run_ = nullptr;
  LuaHeap heap_;
  size_t used_bytes_ = 0;
  size_t easy_bytes_ = kEasyBytes;  // more where scripts' own code takes more
  bool is_thrifty_ = false;
  std::atomic<bool> kill_requested_{false};
  std::unordered_map<ShaText, CompiledScript, ShaTextHash> scripts_;
  std::unordered_map<std::string_view, const CompiledScript*, BodyHash> by_body_;
  std::map<std::string, CompiledScript, NameLess> functions_;
  Loading* loading_ = nullptr;
  std::vector<std::string_view> arguments_;
  ByteBuffer number_text_;   // digits of numbers among arguments_
  ByteBuffer reply_buffer_;  // of the command that the script calls
};

}  // namespace kiln
