#include "engine/script/script_runner.h"

#include <array>
#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <unordered_map>

#include "base/check.h"
#include "base/glob.h"
#include "base/log.h"
#include "base/number.h"
#include "base/time.h"
#include "engine/commands/call.h"
#include "engine/commands/command_table.h"
#include "engine/commands/persistence.h"
#include "engine/commands/replication.h"
#include "engine/script/vm.h"

namespace kiln {
namespace {

constexpr std::string_view kNoScript = "NOSCRIPT No matching script. Please use EVAL.";
constexpr size_t kMaxWorkers = 1024;

class Runner final : public ScriptRunner {
 public:
  explicit Runner(const Services& services) : commands_(*services.commands) {}

  void Eval(Call& call, bool by_hash, bool read_only) override;
  void Load(Call& call, std::string_view body) override;
  bool Exists(std::string_view sha) override;
  void Show(Call& call, std::string_view sha) override;
  void Flush() override;
  KillOutcome Kill() override;
  bool KeepsToItsKeys(const Client& client, const Command& command, Arguments arguments) override;
  bool IsReadOnly(const Command& command, Arguments arguments) override;
  int64_t TimeUs(const Client& client) override;
  void AllowForbidden(bool allow) override { allows_forbidden_ = allow; }
  bool allows_forbidden() const override { return allows_forbidden_; }
  size_t MemoryBytes() override { return vm_bytes_.load(std::memory_order_relaxed); }
  size_t CachedScripts() override;

  void LoadLibrary(Call& call, std::string_view code, bool replaces) override;
  void CallFunction(Call& call, bool read_only) override;
  bool DeleteLibrary(std::string_view name) override;
  void FlushLibraries() override;
  void ListLibraries(Call& call, const std::string_view* pattern, bool with_code) override;
  void FunctionStats(Call& call) override;
  std::vector<std::string> LibraryCodes() override;
  std::string AddLibraries(const std::vector<std::string>& codes, bool replaces) override;
  bool IsFunctionRunning() override;
  size_t LibraryCount() override;
  size_t FunctionCount() override;

 private:
  // A worker's interpreter; made at first use, and again after a flush.
  struct Slot {
    std::unique_ptr<ScriptVm> vm;
    uint64_t generation = 0;
    // Functions have an interpreter of their own, made again when the libraries have changed.
    std::unique_ptr<ScriptVm> function_vm;
    uint64_t loaded_generation = 0;
    size_t counted_bytes = 0;
    int64_t time_us = 0;  // for the script that runs; 0 until it asks

    size_t used_bytes() const {
      return (vm ? vm->used_bytes() : 0) + (function_vm ? function_vm->used_bytes() : 0);
    }
  };
  // Immutable: a change makes another.
  using Libraries = std::map<std::string, std::shared_ptr<const FunctionLibrary>, NameLess>;

  Slot& SlotOf(const Client& client);
  const CompiledScript* FindSha(ScriptVm& vm, const ShaText& sha);
  // Null after an error reply.
  const CompiledScript* FindOrCompile(ScriptVm& vm, std::string_view body, Call& call);
  void RunIn(Slot& slot, ScriptVm& vm, ScriptRun& run);
  // Checks what its flags forbid, and runs it; false after an error reply.
  void Start(Slot& slot, ScriptVm& vm, ScriptRun& run, bool read_only);
  ScriptVm& FunctionVmOf(Slot& slot);
  std::string AddTo(Libraries* libraries, std::string_view code, bool replaces, std::string* name);
  void SetLibraries(Libraries libraries);
  void CountMemory(Slot& slot);

  std::array<Slot, kMaxWorkers> slots_;
  std::atomic<uint64_t> generation_{1};
  std::atomic<size_t> vm_bytes_{0};
  std::mutex mutex_;  // for what follows
  std::unordered_map<ShaText, std::shared_ptr<const Script>, ShaTextHash> scripts_;
  Libraries libraries_;  // changed with the gate held as well
  std::atomic<uint64_t> library_generation_{1};
  // Of a script that runs alone: written by its worker, and looked at by whoever has a turn while
  // it stands still; the Gate is between them.
  ScriptVm* running_vm_ = nullptr;
  const ScriptRun* running_ = nullptr;
  bool allows_forbidden_ = false;  // changed alone
  const CommandTable& commands_;
};

Runner::Slot& Runner::SlotOf(const Client& client) {
  KILN_CHECK(client.handle.worker < kMaxWorkers);
  Slot& slot = slots_[client.handle.worker];
  uint64_t generation = generation_.load(std::memory_order_acquire);
  if (slot.generation != generation) {
    slot.vm = std::make_unique<ScriptVm>();
    slot.vm->random_state = static_cast<uint64_t>(NowUs()) << 8 | client.handle.worker;
    slot.generation = generation;
  }
  return slot;
}

void Runner::CountMemory(Slot& slot) {
  size_t bytes = slot.used_bytes();
  vm_bytes_.fetch_add(bytes - slot.counted_bytes, std::memory_order_relaxed);
  slot.counted_bytes = bytes;
}

const CompiledScript* Runner::FindSha(ScriptVm& vm, const ShaText& sha) {
  if (const CompiledScript* compiled = vm.Find(sha)) [[likely]]
    return compiled;
  std::shared_ptr<const Script> script;
  {
    std::lock_guard lock(mutex_);
    auto found = scripts_.find(sha);
    if (found == scripts_.end()) return nullptr;
    script = found->second;
  }
  std::string error;
  return vm.Add(std::move(script), &error);
}

const CompiledScript* Runner::FindOrCompile(ScriptVm& vm, std::string_view body, Call& call) {
  if (const CompiledScript* compiled = vm.FindBody(body)) [[likely]]
    return compiled;
  std::string error;
  const CompiledScript* compiled = nullptr;
  if (auto script = MakeScript(body, commands_, &error)) compiled = vm.Add(script, &error);
  if (compiled == nullptr) {
    call.FailText("ERR " + error);
    return nullptr;
  }
  std::lock_guard lock(mutex_);
  scripts_.try_emplace(compiled->script->sha, compiled->script);
  return compiled;
}

// What a script's declared flags forbid before it begins; empty when it may run.
std::string_view FlagRefusal(const ScriptRun& run, uint32_t flags, bool read_only) {
  const ReplicationControl& replication = *run.call.services.replication;
  if (flags & kScriptNoShebang) {
    if (!replication.IsStale()) return {};
    return "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.";
  }
  if (!(flags & kScriptAllowStale) && replication.IsStale()) {
    return "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no' and "
           "'allow-stale' flag is not set on the script.";
  }
  std::string_view refusal =
      (flags & kScriptNoWrites) != 0 ? "" : replication.WriteRefusal(run.call.client);
  if (refusal.starts_with("READONLY")) return refusal;
  if (!(flags & kScriptNoWrites) && !run.call.services.persistence->WriteRefusal().empty()) {
    return "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to "
           "persist to disk. Writable scripts are blocked. Use 'no-writes' flag for read only "
           "scripts.";
  }
  if (!refusal.empty()) return refusal;
  if (read_only && !(flags & kScriptNoWrites)) {
    return "ERR Can not execute a script with write flag using *_ro command.";
  }
  if (!run.has_room && !(flags & (kScriptAllowOom | kScriptNoWrites))) {
    return "OOM allow-oom flag is not set on the script, can not run it when used memory > "
           "'maxmemory'";
  }
  return {};
}

void Runner::Eval(Call& call, bool by_hash, bool read_only) {
  Arguments all = call.args.all();
  std::optional<ShaText> sha;
  if (by_hash && !(sha = ParseSha(all[1]))) return call.FailText(kNoScript);
  auto key_count = ParseInt64(all[2]);
  if (!key_count) return call.Fail(Error::kNotInteger);
  if (*key_count > static_cast<int64_t>(all.size()) - 3) {
    return call.FailText("ERR Number of keys can't be greater than number of args");
  }
  if (*key_count < 0) return call.FailText("ERR Number of keys can't be negative");
  Slot& slot = SlotOf(call.client);
  const CompiledScript* compiled =
      by_hash ? FindSha(*slot.vm, *sha) : FindOrCompile(*slot.vm, all[1], call);
  if (compiled == nullptr) {
    if (by_hash) call.FailText(kNoScript);
    return;
  }
  auto keys = static_cast<size_t>(*key_count);
  ScriptRun run{call, *compiled, all.subspan(3, keys), all.subspan(3 + keys)};
  Start(slot, *slot.vm, run, read_only);
}

void Runner::Start(Slot& slot, ScriptVm& vm, ScriptRun& run, bool read_only) {
  uint32_t flags = run.compiled.flags();
  const Settings& settings = run.call.settings();
  run.is_read_only = read_only || (flags & kScriptNoWrites) != 0;
  run.allows_oom = (flags & kScriptAllowOom) != 0;
  // Under the locks of its keys alone nothing can be evicted; whoever locked them saw that there is
  // room.
  run.is_alone = run.call.covered;
  run.has_room =
      !run.is_alone || settings.maxmemory_bytes == 0 || run.call.services.nested->MakeRoom();
  std::string_view refusal = FlagRefusal(run, flags, read_only);
  if (!refusal.empty()) return run.call.FailText(refusal);
  RunIn(slot, vm, run);
}

void Runner::RunIn(Slot& slot, ScriptVm& vm, ScriptRun& run) {
  if (run.is_alone) {
    running_vm_ = &vm;
    running_ = &run;
  }
  slot.time_us = 0;
  vm.Run(run);
  if (run.is_alone) {
    running_vm_ = nullptr;
    running_ = nullptr;
  }
  CountMemory(slot);
}

void Runner::Load(Call& call, std::string_view body) {
  Slot& slot = SlotOf(call.client);
  const CompiledScript* compiled = FindOrCompile(*slot.vm, body, call);
  if (compiled != nullptr) call.reply.Bulk(compiled->script->sha.view());
  CountMemory(slot);
}

bool Runner::Exists(std::string_view text) {
  auto sha = ParseSha(text);
  std::lock_guard lock(mutex_);
  return sha && scripts_.contains(*sha);
}

void Runner::Show(Call& call, std::string_view text) {
  auto sha = ParseSha(text);
  std::lock_guard lock(mutex_);
  auto found = sha ? scripts_.find(*sha) : scripts_.end();
  if (found == scripts_.end()) return call.FailText(kNoScript);
  call.reply.Bulk(found->second->body);
}

void Runner::Flush() {
  std::lock_guard lock(mutex_);
  scripts_.clear();
  generation_.fetch_add(1, std::memory_order_release);
}

KillOutcome Runner::Kill() {
  if (running_vm_ == nullptr) return KillOutcome::kNotBusy;
  if (running_->has_written) return KillOutcome::kUnkillable;
  running_vm_->RequestKill();
  return KillOutcome::kKilled;
}

bool Runner::KeepsToItsKeys(const Client& client, const Command& command, Arguments arguments) {
  const CompiledScript* compiled = nullptr;
  if (command.name.starts_with("EVALSHA")) {
    auto sha = ParseSha(arguments[1]);
    if (sha) compiled = SlotOf(client).vm->Find(*sha);
  } else if (command.name.starts_with("EVAL")) {
    compiled = SlotOf(client).vm->FindBody(arguments[1]);
  }
  return compiled != nullptr && compiled->script->keeps_to_keys;
}

int64_t Runner::TimeUs(const Client& client) {
  int64_t& time_us = slots_[client.handle.worker].time_us;
  if (time_us == 0) time_us = NowUs();
  return time_us;
}

bool Runner::IsReadOnly(const Command& command, Arguments arguments) {
  if (command.Is(kReadOnly)) return true;
  std::string error;
  std::lock_guard lock(mutex_);
  if (command.name == "EVAL") {
    return (ReadScriptFlags(arguments[1], &error).value_or(0) & kScriptNoWrites) != 0;
  }
  if (command.name == "EVALSHA") {
    auto sha = ParseSha(arguments[1]);
    auto found = sha ? scripts_.find(*sha) : scripts_.end();
    return found != scripts_.end() && (found->second->flags & kScriptNoWrites) != 0;
  }
  for (const auto& [name, library] : libraries_) {
    for (const FunctionInfo& info : library->functions) {
      NameLess less;
      if (!less(info.name, arguments[1]) && !less(arguments[1], info.name))
        return (info.flags & kScriptNoWrites) != 0;
    }
  }
  return false;
}

size_t Runner::CachedScripts() {
  std::lock_guard lock(mutex_);
  return scripts_.size();
}

// ---- Functions ----

ScriptVm& Runner::FunctionVmOf(Slot& slot) {
  uint64_t generation = library_generation_.load(std::memory_order_acquire);
  if (slot.loaded_generation == generation) return *slot.function_vm;
  slot.function_vm = std::make_unique<ScriptVm>();
  slot.loaded_generation = generation;
  std::lock_guard lock(mutex_);
  for (const auto& [name, library] : libraries_) {
    std::vector<FunctionInfo> functions;
    std::string error = slot.function_vm->AddLibrary(*library, &functions);
    // It could be loaded before; now its functions are missing until it can be again.
    if (!error.empty()) Log(LogLevel::kWarning, "Function library " + name + ": " + error);
  }
  return *slot.function_vm;
}

// Loads one more, in an interpreter that then goes; an error text, or empty.
std::string Runner::AddTo(Libraries* libraries, std::string_view code, bool replaces,
                          std::string* name) {
  auto library = std::make_shared<FunctionLibrary>();
  if (std::string error = ReadLibrary(code, library.get()); !error.empty()) return error;
  *name = library->name;
  if (!replaces && libraries->contains(library->name))
    return "Library '" + library->name + "' already exists";
  ScriptVm vm;
  if (std::string error = vm.AddLibrary(*library, &library->functions); !error.empty())
    return error;
  auto replaced = libraries->find(library->name);
  std::set<std::string_view, NameLess> taken;
  for (auto other = libraries->begin(); other != libraries->end(); ++other) {
    if (other == replaced) continue;
    for (const FunctionInfo& info : other->second->functions) taken.insert(info.name);
  }
  for (const FunctionInfo& info : library->functions) {
    if (taken.contains(info.name)) return "Function " + info.name + " already exists";
  }
  if (replaced != libraries->end()) libraries->erase(replaced);
  (*libraries)[library->name] = std::move(library);
  return {};
}

void Runner::SetLibraries(Libraries libraries) {
  std::lock_guard lock(mutex_);
  libraries_ = std::move(libraries);
  library_generation_.fetch_add(1, std::memory_order_release);
}

void Runner::LoadLibrary(Call& call, std::string_view code, bool replaces) {
  Libraries libraries = libraries_;
  std::string name;
  std::string error = AddTo(&libraries, code, replaces, &name);
  if (!error.empty()) return call.FailText("ERR " + error);
  SetLibraries(std::move(libraries));
  call.reply.Bulk(name);
}

bool Runner::DeleteLibrary(std::string_view name) {
  Libraries libraries = libraries_;
  auto found = libraries.find(name);
  if (found == libraries.end()) return false;
  libraries.erase(found);
  SetLibraries(std::move(libraries));
  return true;
}

void Runner::FlushLibraries() {
  SetLibraries({});
}

std::vector<std::string> Runner::LibraryCodes() {
  std::vector<std::string> codes;
  for (const auto& [name, library] : libraries_) codes.push_back(library->code);
  return codes;
}

std::string Runner::AddLibraries(const std::vector<std::string>& codes, bool replaces) {
  Libraries libraries = libraries_;
  for (const std::string& code : codes) {
    FunctionLibrary head;
    std::string name;
    std::string error = ReadLibrary(code, &head);
    if (error.empty() && !replaces && libraries.contains(head.name))
      error = "Library " + head.name + " already exists";  // Without FUNCTION LOAD's quotes.
    if (error.empty()) error = AddTo(&libraries, code, replaces, &name);
    if (!error.empty()) return error;
  }
  SetLibraries(std::move(libraries));
  return {};
}

void Runner::CallFunction(Call& call, bool read_only) {
  Arguments all = call.args.all();
  Slot& slot = SlotOf(call.client);
  ScriptVm& vm = FunctionVmOf(slot);
  const CompiledScript* function = vm.FindFunction(all[1]);
  if (function == nullptr) return call.FailText("ERR Function not found");
  auto key_count = ParseInt64(all[2]);
  if (!key_count) return call.FailText("ERR Bad number of keys provided");
  if (*key_count > static_cast<int64_t>(all.size()) - 3)
    return call.FailText("ERR Number of keys can't be greater than number of args");
  if (*key_count < 0) return call.FailText("ERR Number of keys can't be negative");
  auto keys = static_cast<size_t>(*key_count);
  ScriptRun run{call, *function, all.subspan(3, keys), all.subspan(3 + keys)};
  Start(slot, vm, run, read_only);
}

void WriteFunction(Reply& reply, const FunctionInfo& info) {
  reply.Map(3);
  reply.Bulk("name");
  reply.Bulk(info.name);
  reply.Bulk("description");
  info.description ? reply.Bulk(*info.description) : reply.Null();
  reply.Bulk("flags");
  std::vector<std::string_view> names = ScriptFlagNames(info.flags);
  reply.Set(names.size());
  for (std::string_view name : names) reply.Simple(name);
}

void Runner::ListLibraries(Call& call, const std::string_view* pattern, bool with_code) {
  Reply& reply = call.reply;
  size_t at = reply.Later();
  size_t count = 0;
  std::lock_guard lock(mutex_);
  for (const auto& [name, library] : libraries_) {
    if (pattern != nullptr && !GlobMatches(*pattern, name, true)) continue;
    ++count;
    reply.Map(with_code ? 4 : 3);
    reply.Bulk("library_name");
    reply.Bulk(name);
    reply.Bulk("engine");
    reply.Bulk("LUA");
    reply.Bulk("functions");
    reply.Array(library->functions.size());
    for (const FunctionInfo& info : library->functions) WriteFunction(reply, info);
    if (!with_code) continue;
    reply.Bulk("library_code");
    reply.Bulk(library->code);
  }
  reply.EndArray(at, count);
}

void Runner::FunctionStats(Call& call) {
  size_t libraries = LibraryCount(), functions = FunctionCount();
  Reply& reply = call.reply;
  reply.Map(2);
  reply.Bulk("running_script");
  if (running_ == nullptr) {
    reply.Null();
  } else {
    Arguments command = running_->call.args.all();
    uint64_t started_us = running_->started_us;
    reply.Map(3);
    reply.Bulk("name");
    reply.Bulk(running_->compiled.name());
    reply.Bulk("command");
    reply.Array(command.size());
    for (std::string_view word : command) reply.Bulk(word);
    reply.Bulk("duration_ms");
    reply.Integer(started_us == 0 ? 0 : static_cast<int64_t>((MonotonicUs() - started_us) / 1000));
  }
  reply.Bulk("engines");
  reply.Map(1);
  reply.Bulk("LUA");
  reply.Map(2);
  reply.Bulk("libraries_count");
  reply.Integer(static_cast<int64_t>(libraries));
  reply.Bulk("functions_count");
  reply.Integer(static_cast<int64_t>(functions));
}

bool Runner::IsFunctionRunning() {
  return running_ != nullptr && running_->compiled.script == nullptr;
}

size_t Runner::LibraryCount() {
  std::lock_guard lock(mutex_);
  return libraries_.size();
}

size_t Runner::FunctionCount() {
  std::lock_guard lock(mutex_);
  size_t count = 0;
  for (const auto& [name, library] : libraries_) count += library->functions.size();
  return count;
}

}  // namespace

std::unique_ptr<ScriptRunner> MakeScriptRunner(const Services& services) {
  return std::make_unique<Runner>(services);
}

}  // namespace kiln
