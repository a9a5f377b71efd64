#include "engine/script/script_runner.h"

#include <array>
#include <atomic>
#include <mutex>
#include <unordered_map>

#include "base/check.h"
#include "base/number.h"
#include "base/time.h"
#include "engine/commands/call.h"
#include "engine/script/vm.h"

namespace kiln {
namespace {

constexpr std::string_view kNoScript = "NOSCRIPT No matching script. Please use EVAL.";
constexpr size_t kMaxWorkers = 1024;

class Runner final : public ScriptRunner {
 public:
  void Eval(Call& call, bool by_hash, bool read_only) override;
  void Load(Call& call, std::string_view body) override;
  bool Exists(std::string_view sha) override;
  void Flush() override;
  KillOutcome Kill() override;
  size_t MemoryBytes() override { return vm_bytes_.load(std::memory_order_relaxed); }
  size_t CachedScripts() override;

 private:
  // A worker's interpreter; made at first use, and again after a flush.
  struct Slot {
    std::unique_ptr<ScriptVm> vm;
    uint64_t generation = 0;
    size_t counted_bytes = 0;
  };

  Slot& SlotOf(const Call& call);
  const CompiledScript* FindSha(ScriptVm& vm, const ShaText& sha);
  // Null after an error reply.
  const CompiledScript* FindOrCompile(ScriptVm& vm, std::string_view body, Call& call);
  void RunScript(Slot& slot, ScriptRun& run);
  void CountMemory(Slot& slot);

  std::array<Slot, kMaxWorkers> slots_;
  std::atomic<uint64_t> generation_{1};
  std::atomic<size_t> vm_bytes_{0};
  std::mutex mutex_;  // for what follows
  std::unordered_map<ShaText, std::shared_ptr<const Script>, ShaTextHash> scripts_;
  ScriptVm* running_vm_ = nullptr;
  const ScriptRun* running_ = nullptr;
};

Runner::Slot& Runner::SlotOf(const Call& call) {
  KILN_CHECK(call.client.handle.worker < kMaxWorkers);
  Slot& slot = slots_[call.client.handle.worker];
  uint64_t generation = generation_.load(std::memory_order_acquire);
  if (slot.generation != generation) {
    slot.vm = std::make_unique<ScriptVm>();
    slot.vm->random_state = static_cast<uint64_t>(NowUs()) << 8 | call.client.handle.worker;
    slot.generation = generation;
  }
  return slot;
}

void Runner::CountMemory(Slot& slot) {
  size_t bytes = slot.vm->used_bytes();
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
  if (auto script = MakeScript(body, &error)) compiled = vm.Add(script, &error);
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
  if (flags & kScriptNoShebang) return {};
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
  Slot& slot = SlotOf(call);
  const CompiledScript* compiled =
      by_hash ? FindSha(*slot.vm, *sha) : FindOrCompile(*slot.vm, all[1], call);
  if (compiled == nullptr) {
    if (by_hash) call.FailText(kNoScript);
    return;
  }
  auto keys = static_cast<size_t>(*key_count);
  ScriptRun run{call, *compiled, all.subspan(3, keys), all.subspan(3 + keys)};
  uint32_t flags = compiled->script->flags;
  run.is_read_only = read_only || (flags & kScriptNoWrites) != 0;
  run.allows_oom = (flags & kScriptAllowOom) != 0;
  run.has_room = call.settings().maxmemory_bytes == 0 || call.services.nested->MakeRoom();
  std::string_view refusal = FlagRefusal(run, flags, read_only);
  if (!refusal.empty()) return call.FailText(refusal);
  RunScript(slot, run);
}

void Runner::RunScript(Slot& slot, ScriptRun& run) {
  {
    std::lock_guard lock(mutex_);
    running_vm_ = slot.vm.get();
    running_ = &run;
  }
  slot.vm->Run(run);
  std::lock_guard lock(mutex_);
  running_vm_ = nullptr;
  running_ = nullptr;
  CountMemory(slot);
}

void Runner::Load(Call& call, std::string_view body) {
  Slot& slot = SlotOf(call);
  const CompiledScript* compiled = FindOrCompile(*slot.vm, body, call);
  if (compiled != nullptr) call.reply.Bulk(compiled->script->sha.view());
  CountMemory(slot);
}

bool Runner::Exists(std::string_view text) {
  auto sha = ParseSha(text);
  std::lock_guard lock(mutex_);
  return sha && scripts_.contains(*sha);
}

void Runner::Flush() {
  std::lock_guard lock(mutex_);
  scripts_.clear();
  generation_.fetch_add(1, std::memory_order_release);
}

KillOutcome Runner::Kill() {
  std::lock_guard lock(mutex_);
  if (running_vm_ == nullptr) return KillOutcome::kNotBusy;
  if (running_->has_written) return KillOutcome::kUnkillable;
  running_vm_->RequestKill();
  return KillOutcome::kKilled;
}

size_t Runner::CachedScripts() {
  std::lock_guard lock(mutex_);
  return scripts_.size();
}

}  // namespace

std::unique_ptr<ScriptRunner> MakeScriptRunner(const Services&) {
  return std::make_unique<Runner>();
}

}  // namespace kiln
