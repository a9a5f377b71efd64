#include "engine/script/vm.h"

#include <algorithm>

#include "base/check.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/time.h"
#include "engine/commands/services.h"
#include "engine/script/convert.h"
#include "engine/script/sandbox.h"

namespace kiln {
namespace {

constexpr const char* kChunkName = "@user_script";
constexpr const char* kLibraryChunkName = "@user_function";
// The lowest places of the stack hold these for good.
constexpr int kRunner = 1;  // RunProtected's closure
constexpr int kKeeper = 2;  // KeepFunction
constexpr int kLoader = 3;  // LoadProtected's closure
constexpr int kFixedPlaces = 3;
// Upvalues of RunProtected.
constexpr int kGlobals = lua_upvalueindex(1);        // the proxy that scripts see
constexpr int kHiddenGlobals = lua_upvalueindex(2);  // where KEYS and ARGV go
constexpr int kErrorHandler = lua_upvalueindex(3);
constexpr int kLeanGlobals = lua_upvalueindex(4);
constexpr int kKeysName = lua_upvalueindex(5);  // "KEYS"
constexpr int kArgvName = lua_upvalueindex(6);  // "ARGV"
// Between turns of others while a script goes on for too long.
constexpr uint64_t kTurnEveryUs = 5000;
// How far memory in use may grow until the next collection begins, in percent of what lived.
constexpr int kThriftyPause = 200;
constexpr int kEasyPause = 200;
// The longest text of a number.
constexpr size_t kMaxNumberChars = 32;

// keep(function, is_lean); its upvalue is the globals of lean functions.
int KeepFunction(lua_State* lua) {
  if (lua_toboolean(lua, 2)) {
    lua_pushvalue(lua, lua_upvalueindex(1));
    lua_setfenv(lua, 1);
  }
  lua_settop(lua, 1);
  lua_pushinteger(lua, luaL_ref(lua, LUA_REGISTRYINDEX));
  return 1;
}

void PushTexts(lua_State* lua, Arguments texts) {
  lua_createtable(lua, static_cast<int>(texts.size()), 0);
  int place = 0;
  for (std::string_view text : texts) {
    lua_pushlstring(lua, text.data(), text.size());
    lua_rawseti(lua, -2, ++place);
  }
}

void SetGlobalTexts(lua_State* lua, int globals, int name, Arguments texts) {
  lua_pushvalue(lua, name);
  PushTexts(lua, texts);
  lua_rawset(lua, globals);
}

// Pushes a raw field; its text, or null.
const char* PushFieldText(lua_State* lua, int table, const char* name) {
  lua_pushstring(lua, name);
  lua_rawget(lua, table);
  return lua_isstring(lua, -1) ? lua_tostring(lua, -1) : nullptr;
}

// Replies with the error on top of the stack: a table made by the error handler, or Lua's own text
// when that failed.
void ReplyError(lua_State* lua, ScriptRun& run) {
  std::string_view digits = run.compiled.name();
  int error = lua_gettop(lua);
  lua_pushlstring(lua, digits.data(), digits.size());
  const char* sha = lua_tostring(lua, -1);
  if (!lua_istable(lua, error)) {
    const char* text = lua_isstring(lua, error) ? lua_tostring(lua, error) : "execution failure";
    return run.call.FailText(lua_pushfstring(lua, "ERR Error running script %s, %s", sha, text));
  }
  const char* text = PushFieldText(lua, error, "err");
  if (text == nullptr) text = "ERR unknown error";
  const char* source = PushFieldText(lua, error, "source");
  const char* line = PushFieldText(lua, error, "line");
  if (source != nullptr && line != nullptr) {
    text = lua_pushfstring(lua, "%s script: %s, on %s:%s.", text, sha, source, line);
  }
  lua_pushstring(lua, kErrorIsCounted);
  lua_rawget(lua, error);
  lua_isboolean(lua, -1) ? run.call.reply.CountedError(text) : run.call.reply.Error(text);
}

}  // namespace

ScriptVm::ScriptVm() {
  lua_ = lua_newstate(&ScriptVm::Allocate, this);
  KILN_CHECK(lua_ != nullptr);
  KILN_CHECK(lua_cpcall(lua_, &ScriptVm::Install, nullptr) == 0);
  lua_getfield(lua_, LUA_REGISTRYINDEX, "runner");
  lua_getfield(lua_, LUA_REGISTRYINDEX, "keeper");
  lua_getfield(lua_, LUA_REGISTRYINDEX, "loader");
  lua_sethook(lua_, Hook, LUA_MASKCOUNT, kHookInstructions);
  SetThrift(false);
}

ScriptVm::~ScriptVm() {
  lua_close(lua_);
}

int ScriptVm::Install(lua_State* lua) {
  InstallSandbox(lua);
  lua_pushvalue(lua, -1);
  lua_pushcclosure(lua, &KeepFunction, 1);
  lua_setfield(lua, LUA_REGISTRYINDEX, "keeper");
  for (int i = 0; i < 3; ++i) lua_pushvalue(lua, -4);
  lua_pushcclosure(lua, &ScriptVm::LoadProtected, 3);
  lua_setfield(lua, LUA_REGISTRYINDEX, "loader");
  lua_pushliteral(lua, "KEYS");
  lua_pushliteral(lua, "ARGV");
  lua_pushcclosure(lua, &ScriptVm::RunProtected, 6);
  lua_setfield(lua, LUA_REGISTRYINDEX, "runner");
  return 0;
}

void* ScriptVm::Allocate(void* self, void* memory, size_t old_bytes, size_t new_bytes) {
  auto& vm = *static_cast<ScriptVm*>(self);
  size_t used = vm.used_bytes_ - old_bytes + new_bytes;
  if (new_bytes > old_bytes && used > vm.easy_bytes_) [[unlikely]] {
    if (used > kMaxBytes) return nullptr;
    if (!vm.is_thrifty_ && vm.lua_ != nullptr) vm.SetThrift(true);
  }
  vm.used_bytes_ = used;
  return vm.heap_.Reallocate(memory, old_bytes, new_bytes);
}

// Allocates nothing, so it may be called while Lua allocates.
void ScriptVm::SetThrift(bool is_thrifty) {
  is_thrifty_ = is_thrifty;
  lua_gc(lua_, LUA_GCSETPAUSE, is_thrifty ? kThriftyPause : kEasyPause);
}

// ---- Scripts ----

const CompiledScript* ScriptVm::Find(const ShaText& sha) const {
  auto found = scripts_.find(sha);
  return found == scripts_.end() ? nullptr : &found->second;
}

const CompiledScript* ScriptVm::FindBody(std::string_view body) const {
  auto found = by_body_.find(body);
  return found == by_body_.end() ? nullptr : found->second;
}

const CompiledScript* ScriptVm::Add(std::shared_ptr<const Script> script, std::string* error) {
  lua_pushvalue(lua_, kKeeper);
  int status = LoadText(lua_, script->code(), kChunkName);
  if (status == 0) {
    lua_pushboolean(lua_, script->keeps_to_keys);
    status = lua_pcall(lua_, 2, 1, 0);
  }
  if (status != 0) {
    *error = "Error compiling script (new function): ";
    if (lua_isstring(lua_, -1)) *error += lua_tostring(lua_, -1);
    lua_settop(lua_, kFixedPlaces);
    return nullptr;
  }
  int function = static_cast<int>(lua_tointeger(lua_, -1));
  lua_settop(lua_, kFixedPlaces);
  auto [place, is_new] = scripts_.try_emplace(script->sha, CompiledScript{script, function});
  by_body_[place->second.script->body] = &place->second;
  return &place->second;
}

// ---- Libraries ----

const CompiledScript* ScriptVm::FindFunction(std::string_view name) const {
  auto found = functions_.find(name);
  return found == functions_.end() ? nullptr : &found->second;
}

std::string ScriptVm::AddLibrary(const FunctionLibrary& library,
                                 std::vector<FunctionInfo>* functions) {
  Loading loading;
  loading.deadline_us = MonotonicUs() + kLoadLimitUs;
  std::string error;
  if (LoadText(lua_, library.body(), kLibraryChunkName) != 0) {
    error = "Error compiling function: ";
  } else {
    loading_ = &loading;
    lua_pushvalue(lua_, kLoader);
    lua_insert(lua_, -2);
    if (lua_pcall(lua_, 1, 0, 0) != 0) error = "Error registering functions: ";
    SetLoading(lua_, false);  // Also after an error, wherever it came from.
    loading_ = nullptr;
  }
  if (!error.empty()) {
    error += lua_isstring(lua_, -1) ? lua_tostring(lua_, -1) : "execution failure";
  } else if (loading.functions.empty()) {
    error = "No functions registered";
  }
  lua_settop(lua_, kFixedPlaces);
  for (size_t i = 0; i < loading.functions.size(); ++i) {
    const FunctionInfo& info = loading.functions[i];
    if (!error.empty()) {
      luaL_unref(lua_, LUA_REGISTRYINDEX, loading.references[i]);
    } else {
      functions_[info.name] = {nullptr, loading.references[i], info.name, info.flags};
    }
  }
  *functions = std::move(loading.functions);
  return error;
}

// One argument: the library's code as a function. Raises a text.
int ScriptVm::LoadProtected(lua_State* lua) {
  SetLoading(lua, true);
  lua_pushvalue(lua, kGlobals);
  lua_replace(lua, LUA_GLOBALSINDEX);
  lua_pushvalue(lua, kGlobals);
  lua_setfenv(lua, 1);
  lua_pushvalue(lua, kErrorHandler);
  lua_pushvalue(lua, 1);
  if (lua_pcall(lua, 0, 0, -2) == 0) return 0;
  if (lua_istable(lua, -1)) PushFieldText(lua, lua_gettop(lua), "err");
  return lua_error(lua);
}

const char* ScriptVm::Register(std::string_view name, const std::string_view* description,
                               uint32_t flags, int reference) {
  constexpr const char* kBadName =
      "Library names can only contain letters, numbers, or underscores(_) and must be at least one "
      "character long";
  if (!IsFunctionName(name)) return kBadName;
  for (const FunctionInfo& other : loading_->functions) {
    if (other.name == name) return "Function already exists in the library";
  }
  FunctionInfo info{std::string(name), std::nullopt, flags};
  if (description != nullptr) info.description = std::string(*description);
  loading_->references.push_back(reference);
  loading_->functions.push_back(std::move(info));
  return nullptr;
}

// ---- Running ----

void ScriptVm::Run(ScriptRun& run) {
  Client& client = run.call.client;
  int db = client.db;
  int protocol_version = client.protocol_version;
  size_t reply_start = run.call.reply.out().size();
  client.protocol_version = run.version;
  client.in_script = true;
  run_ = &run;
  kill_requested_.store(false, std::memory_order_relaxed);
  lua_pushvalue(lua_, kRunner);
  if (lua_pcall(lua_, 0, 0, 0) != 0) {
    run.call.reply.out().Truncate(reply_start);
    std::string text = "ERR Error running script " + std::string(run.compiled.name()) + ", ";
    text += lua_isstring(lua_, -1) ? lua_tostring(lua_, -1) : "execution failure";
    run.call.FailText(text);
  }
  lua_settop(lua_, kFixedPlaces);
  if (is_thrifty_) [[unlikely]] {
    SetThrift(false);
    lua_gc(lua_, LUA_GCCOLLECT, 0);
    easy_bytes_ = std::max(kEasyBytes, 2 * used_bytes_);
  }
  if (kill_requested_.load(std::memory_order_relaxed)) {
    lua_sethook(lua_, Hook, LUA_MASKCOUNT, kHookInstructions);
  }
  run_ = nullptr;
  client.in_script = false;
  client.db = db;
  client.protocol_version = protocol_version;
}

int ScriptVm::RunProtected(lua_State* lua) {
  Of(lua).CallScript(lua);
  return 0;
}

void ScriptVm::CallScript(lua_State* lua) {
  ScriptRun& run = *run_;
  bool is_function = run.compiled.script == nullptr;
  bool is_lean = !is_function && run.compiled.script->keeps_to_keys;
  int globals = is_lean ? kLeanGlobals : kHiddenGlobals;
  if (!is_function) {
    SetGlobalTexts(lua, globals, kKeysName, run.keys);
    SetGlobalTexts(lua, globals, kArgvName, run.arguments);
  }
  lua_pushvalue(lua, kErrorHandler);
  lua_rawgeti(lua, LUA_REGISTRYINDEX, run.compiled.function);
  if (!is_lean) {
    // An earlier script may have given the thread or the function another environment.
    lua_pushvalue(lua, kGlobals);
    lua_replace(lua, LUA_GLOBALSINDEX);
    lua_pushvalue(lua, kGlobals);
    lua_setfenv(lua, -2);
  }
  int handler = lua_gettop(lua) - 1;
  if (is_function) {  // Gets its keys and arguments as such.
    PushTexts(lua, run.keys);
    PushTexts(lua, run.arguments);
  }
  if (lua_pcall(lua, is_function ? 2 : 0, 1, handler) != 0) return ReplyError(lua, run);
  WriteValue(lua, run.call.reply, run.version);
  if (is_thrifty_ && !is_function) {
    SetGlobalTexts(lua, globals, kKeysName, {});
    SetGlobalTexts(lua, globals, kArgvName, {});
  }
}

void ScriptVm::Hook(lua_State* lua, lua_Debug*) {
  ScriptVm& vm = Of(lua);
  if (vm.loading_ != nullptr && MonotonicUs() > vm.loading_->deadline_us) {
    vm.loading_->is_over = true;
    PushErrorTable(lua, "ERR FUNCTION LOAD timeout");
    lua_error(lua);
  }
  if (vm.run_ == nullptr) return;
  if (vm.run_->is_alone) vm.LetOthersIn();
  if (!vm.kill_requested_.load(std::memory_order_relaxed)) return;
  // From now on at every line: the script may catch the error.
  lua_sethook(lua, Hook, LUA_MASKLINE | LUA_MASKCOUNT, 1000);
  PushErrorTable(lua, "ERR Script killed by user with SCRIPT KILL...");
  lua_error(lua);
}

void ScriptVm::LetOthersIn() {
  ScriptRun& run = *run_;
  uint64_t now_us = MonotonicUs();
  if (run.started_us == 0) run.started_us = now_us;
  uint64_t limit_us = static_cast<uint64_t>(run.call.settings().busy_reply_threshold_ms) * 1000;
  if (limit_us == 0 || now_us - run.started_us < limit_us || now_us < run.next_turn_us) return;
  if (run.next_turn_us == 0) {
    Log(LogLevel::kWarning, "Slow script detected: still in execution after " +
                                std::to_string((now_us - run.started_us) / 1000) +
                                " milliseconds. You can try killing the script using the SCRIPT "
                                "KILL command. Script name is: " +
                                std::string(run.compiled.name()) + ".");
  }
  if (run.call.services.nested->ServeOthers()) RequestKill();
  run.next_turn_us = MonotonicUs() + kTurnEveryUs;
}

const std::vector<std::string_view>* ScriptVm::ReadArguments(lua_State* lua) {
  auto count = static_cast<size_t>(lua_gettop(lua));
  arguments_.resize(count);
  number_text_.Clear();
  for (size_t i = 0; i < count; ++i) {
    int place = static_cast<int>(i) + 1;
    int type = lua_type(lua, place);
    if (type == LUA_TSTRING) {
      size_t size = 0;
      const char* bytes = lua_tolstring(lua, place, &size);
      arguments_[i] = {bytes, size};
      continue;
    }
    if (type != LUA_TNUMBER) return nullptr;
    // Room for all that may follow at once, so that no text moves.
    if (number_text_.empty()) number_text_.Reserve(count * kMaxNumberChars);
    double number = lua_tonumber(lua, place);
    char* at = number_text_.Reserve(kMaxNumberChars);
    size_t size = 0;
    if (number >= -0x1p53 && number <= 0x1p53 &&
        number == static_cast<double>(static_cast<int64_t>(number))) {
      size = FormatInt64(static_cast<int64_t>(number), at);
    } else {
      std::string text = FormatDouble(number);
      size = text.copy(at, kMaxNumberChars);
    }
    number_text_.Commit(size);
    arguments_[i] = {at, size};
  }
  return &arguments_;
}

}  // namespace kiln
