#include "engine/server/dispatcher.h"

#include "base/log.h"
#include "base/ticks.h"
#include "base/time.h"
#include "engine/commands/client_tracking.h"
#include "engine/commands/command_table.h"
#include "engine/commands/slow_log.h"
#include "engine/server/admission.h"
#include "engine/server/replication.h"
#include "engine/server/server.h"
#include "engine/server/value_prefetch.h"
#include "engine/server/worker.h"

namespace kiln {
namespace {

// In special_flags_: as if every row had it.
constexpr uint32_t kEveryCommand = uint32_t{1} << 31;
// Of calls whose keys are not hashed yet.
constexpr Key kNoKey;

size_t BytesOf(const QueuedRequest& request) {
  size_t bytes = sizeof(request);
  for (const std::string& argument : request.arguments) bytes += sizeof(argument) + argument.size();
  return bytes;
}

bool IsScript(const Command& command) {
  return Has(command.acl, Acl::kScripting) && command.Is(kSkipMonitor);
}

}  // namespace

Dispatcher::Dispatcher(Server& server, Worker& worker)
    : server_(server),
      worker_(worker),
      keyspace_(server.keyspace()),
      context_(worker.context()),
      services_(server.services()) {
  services_.nested = this;
  services_.memcache = &worker.memcache_counters();
  services_.tracker = &worker.tracker();
}

[[gnu::always_inline]] inline void Dispatcher::Account(const Command& command, const Call& call,
                                                       uint64_t started_ticks) {
  ticks_ = Ticks();
  uint64_t spent = ticks_ - started_ticks;
  CommandStats& stats = command_stats_[command.number];
  ++stats.calls;
  stats.ticks += spent;
  if (tracks_latency_) stats.latencies.Add(spent);
  if (call.reply.HasError()) [[unlikely]] {
    ++stats.failed;
    if (!call.reply.is_counted_error()) CountError(call.reply.error_code());
  }
  if (spent >= slow_ticks_) [[unlikely]]
    server_.LogSlow(call, spent);
}

template <bool kIsSpecial>
[[gnu::always_inline]] inline bool Dispatcher::RunWithOneShard(const Request& request, Call& call) {
  Shard& shard = keyspace_.shard(request.first_key.shard());
  shard.lock.Lock();
  if (shard.waiters != nullptr) [[unlikely]] {
    shard.lock.Unlock();
    return false;
  }
  if constexpr (kIsSpecial)
    Invoke(call);
  else
    request.command->handler(call);
  if (effects_.block.wanted) [[unlikely]]
    StartWait(call, *request.command);
  if constexpr (kIsSpecial) RememberRead(*request.command, call);
  shard.lock.Unlock();
  return true;
}

template <bool kIsSpecial>
[[gnu::always_inline]] inline void Dispatcher::RunAdmitted(const Request& request,
                                                           Arguments arguments, Client& client,
                                                           Reply& reply) {
  const Command& command = *request.command;
  if (kIsSpecial && marks_data_) [[unlikely]] {
    bool sees_data = command.keys.any() || command.Is(kWrite | kReadOnly | kLocksQueue);
    client.has_seen_data = client.has_seen_data || sees_data;
  }
  client.last_active_ms = context_.now_ms;
  client.last_command = &command;
  Call call(command, ArgumentCursor(arguments, command.words, &request.first_key), reply,
            Db(keyspace_, client.db, context_), client, services_, effects_);
  request_start_ = request.start;
  // Monitors see a script before what it does, and anything else when it is done.
  bool has_monitors = kIsSpecial && has_monitors_;
  bool is_told_first = has_monitors && IsScript(command);
  if (is_told_first) [[unlikely]]
    server_.FeedMonitors(call);
  uint64_t started = ticks_;  // the end of the command before
  if (command.has_one_key || arguments.size() == command.one_key_arguments) [[likely]] {
    if (!RunWithOneShard<kIsSpecial>(request, call)) RunWithPlan(command, call);
  } else if ((command.keys.any() && !command.Is(kWalksShards)) || command.Is(kGate | kLocksQueue)) {
    RunWithPlan(command, call);
    client.is_plain = client.IsPlain();
  } else {
    Handle(command, call);
    client.is_plain = client.IsPlain();
  }
  Account(command, call, started);
  if (has_monitors && !is_told_first) [[unlikely]]
    server_.FeedMonitors(call);
}

[[gnu::always_inline]] inline void Dispatcher::Run(const Request& request, Arguments arguments) {
  Session& session = *request.session;
  Client& client = session.client();
  if (!client.is_plain) [[unlikely]] {
    if (session.is_closed() || client.close_after_reply) return;
    if (client.tracking != nullptr && !PrepareTracking(session)) return;
  }
  worker_.LendOutput(session.output());
  size_t reply_start = session.output().size();
  Reply reply(session.output(), client.protocol_version);
  const Command* command = request.command;
  // The usual case needs none of the checks of Admit but these.
  if (client.is_plain && command != nullptr && command->HasArity(arguments.size()) &&
      ((command->flags | kEveryCommand) & special_flags_) == 0) [[likely]] {
    RunAdmitted<false>(request, arguments, client, reply);
    if (client.is_plain) return session.OutputGrew();
  } else {
    RunSpecial(request, arguments, client, reply);
  }
  // What tells of subscriptions is no reply: CLIENT REPLY does not suppress it.
  bool is_reply =
      command == nullptr || !command->Is(kPubSub) || !command->Is(kNoScript) || reply.HasError();
  FinishReply(session, reply_start, is_reply);
  if (worker_.tracker().HasCurrent()) worker_.tracker().End(session, command);
}

// What is evicted or forgotten before the request is told before the reply to it.
bool Dispatcher::PrepareTracking(Session& session) {
  constexpr size_t kEffort = 100;
  Tracker& tracker = worker_.tracker();
  tracker.Begin(session.client());
  tracker.LimitTable(kEffort);
  if (server_.IsNearLimit()) (void)server_.MakeRoom(context_);
  tracker.SendOwn(session);
  if (!session.is_closed()) return true;
  tracker.End(session, nullptr);
  return false;
}

void Dispatcher::RunBatch(const RequestBatch& batch) {
  uint64_t started = ticks_ = Ticks();
  context_.SetTime(static_cast<uint64_t>(NowMs()));
  ReadSettings();
  if (ValuePrefetch which = WorthPrefetching(batch); which != ValuePrefetch::kNone)
    PrefetchValues(which, keyspace_, batch);
  for (next_ = 0; next_ < batch.size && !worker_.loop().IsStopped();) {
    const Request& request = batch.requests[next_++];
    Run(request, request.arguments);
  }
  next_ = 0;
  worker_.stats().command_ticks += ticks_ - started;
}

void Dispatcher::ReadSettings() {
  special_flags_ = kDebugOnly | kContainer | (server_.IsNearLimit() ? kGrows | kLocksQueue : 0) |
                   server_.doubtful_flags();
  has_monitors_ = server_.has_monitors();
  tracks_latency_ = server_.settings().latency_tracking;
  command_stats_ = worker_.command_stats().data();
  slow_ticks_ = server_.SlowTicks();
  is_paused_ = server_.IsPaused(context_.now_ms);
  if (is_paused_) special_flags_ |= kReadOnly;
  if (has_monitors_) special_flags_ |= kEveryCommand;
  checked_flags_ = special_flags_;
  if (context_.journal != nullptr) special_flags_ |= kWrite;
  marks_data_ = server_.replication().durability().is_sync();
  if (marks_data_) special_flags_ |= kReadOnly;
}

void Dispatcher::BeginReplay(bool is_verbatim) {
  ticks_ = Ticks();
  context_.SetTime(static_cast<uint64_t>(NowMs()));
  context_.now_ms = 0;
  is_replaying_verbatim_ = is_verbatim;
  if (is_verbatim) context_.journal = &worker_.journal_unit();
  ReadSettings();
}

bool Dispatcher::RunReplayed(const Request& request, Client& client, Reply& reply,
                             std::string_view verbatim) {
  if (client.transaction.active && !request.command->Is(kImmediate)) {
    Queue(*request.command, request.arguments, client, reply);
    return false;
  }
  // What is within MULTI comes with its EXEC.
  verbatim_ = request.command->name == "MULTI" ? std::string_view() : verbatim;
  RunAdmitted<true>(request, request.arguments, client, reply);
  return is_replaying_verbatim_ && !verbatim.empty() && std::exchange(verbatim_, {}).empty() &&
         request.command->name != "MULTI";
}

void Dispatcher::EndReplay() {
  context_.SetTime(static_cast<uint64_t>(NowMs()));
  if (is_replaying_verbatim_) context_.journal = nullptr;
  is_replaying_verbatim_ = false;
}

// A browser made to talk to this port must get nothing done: the lines of its request that are no
// commands end it.
void Dispatcher::RefuseHttp(Session& session) {
  Log(LogLevel::kWarning, "Possible SECURITY ATTACK detected: POST or Host: sent to Kiln by " +
                              session.client().address +
                              ", as a browser under foreign control does. Connection aborted.");
  session.Close();
}

void Dispatcher::RunSpecial(const Request& request, Arguments arguments, Client& client,
                            Reply& reply) {
  const Command* command = request.command;
  if (client.is_memcache) return RunMemcache(request, arguments, client, reply);
  // Nothing is special about it but that it is journaled.
  if (client.is_plain && command != nullptr && command->HasArity(arguments.size()) &&
      ((command->flags | kEveryCommand) & checked_flags_) == 0) {
    return RunAdmitted<true>(request, arguments, client, reply);
  }
  if (command == nullptr &&
      (EqualsWord(arguments[0], "POST") || EqualsWord(arguments[0], "HOST:"))) {
    return RefuseHttp(*request.session);
  }
  if (client.replica != nullptr && client.replica->is_attached && request.session != nullptr &&
      !ReplicaLinks::IsReplicas(command)) {
    return ReplicaLinks::CutOff(*request.session, command);
  }
  if (auto refusal = Admit(command, arguments, client, worker_)) {
    if (*refusal == kNoPermission)
      refusal = DenyAccess(*command, arguments, client, server_.access());
    Refuse(command, *refusal, client, reply);
  } else if (client.transaction.active && !command->Is(kImmediate)) {
    Queue(*command, arguments, client, reply);
  } else {
    if (client.no_touch) context_.SetKeepClocks(true);
    context_.keep_expired = is_paused_ && command->Is(kReadOnly);
    RunAdmitted<true>(request, arguments, client, reply);
    if (context_.keep_clocks) context_.SetKeepClocks(false);
    context_.keep_expired = false;
  }
}

// A refusal within MULTI makes EXEC fail; a refused EXEC ends the transaction.
void Dispatcher::Refuse(const Command* command, std::string_view refusal, Client& client,
                        Reply& reply) {
  if (command != nullptr) ++worker_.command_stats()[command->number].rejected;
  if (command != nullptr && command->Is(kLocksQueue)) {
    DiscardTransaction(client, false);
    client.is_plain = client.IsPlain();
    if (refusal.starts_with("ERR ")) refusal.remove_prefix(4);
    reply.Error("EXECABORT Transaction discarded because of: " + std::string(refusal));
  } else {
    if (client.transaction.active) client.transaction.aborted = true;
    reply.Error(refusal);
  }
  CountError(reply.error_code());
}

void Dispatcher::RunMemcache(const Request& request, Arguments arguments, Client& client,
                             Reply& reply) {
  const Command* command = request.command;
  std::string_view refusal = AdmitMemcache(command, arguments, client, server_);
  if (!refusal.empty()) {
    if (command != nullptr) ++worker_.command_stats()[command->number].rejected;
    return reply.Raw(refusal);
  }
  context_.no_room = command->Is(kGrows) && !server_.MakeRoom(context_);
  RunAdmitted<true>(request, arguments, client, reply);
  context_.no_room = false;
}

void Dispatcher::FinishReply(Session& session, size_t reply_start, bool is_reply) {
  Client& client = session.client();
  if (client.reply_mode != ReplyMode::kOn) [[unlikely]] {
    if (client.reply_mode == ReplyMode::kSkipNext) {
      client.reply_mode = ReplyMode::kSkip;
      return;
    }
    if (is_reply) session.output().Truncate(reply_start);
    if (client.reply_mode == ReplyMode::kSkip) client.reply_mode = ReplyMode::kOn;
  }
  if (session.output().size() > reply_start || client.close_after_reply) session.OutputGrew();
}

void Dispatcher::Queue(const Command& command, Arguments arguments, Client& client, Reply& reply) {
  const Transaction& transaction = client.transaction;
  bool will_fail =
      transaction.aborted || (transaction.state != nullptr && transaction.state->dirty.load());
  if (will_fail) return reply.Simple("QUEUED");
  QueuedRequest queued{&command, {}};
  for (std::string_view argument : arguments) queued.arguments.emplace_back(argument);
  client.transaction.queue_bytes += BytesOf(queued);
  client.transaction.queue.push_back(std::move(queued));
  reply.Simple("QUEUED");
}

void Dispatcher::RunWithPlan(const Command& command, Call& call) {
  PlanLocks(command, call.args.all(), call.client);
  if (plan_.everything()) {
    call.covered = true;
    if (is_alone_) return Handle(command, call);
    server_.gate().Exclusive(worker_.index(), [&] {
      // Nothing changes any more once somebody else has ended the server.
      if (!worker_.loop().IsStopped()) Handle(command, call);
    });
    return ReadSettings();  // it may have changed some
  }
  RunWithKeys(command, call);
}

void Dispatcher::RunWithKeys(const Command& command, Call& call) {
  bool is_script = command.Is(kGate);
  LockPlan plan = plan_;
  plan.Lock(keyspace_, command.Is(kWrite | kLocksQueue) || (is_script && !command.Is(kReadOnly)));
  if (is_script) script_plan_ = &plan;
  Handle(command, call);
  script_plan_ = nullptr;
  plan.Unlock(keyspace_);
}

void Dispatcher::Handle(const Command& command, Call& call) {
  Invoke(call);
  RememberRead(command, call);
  if (effects_.block.wanted) StartWait(call, command);
  if (!effects_.ready.empty()) ServeReady(std::exchange(effects_.ready, {}));
}

void Dispatcher::RememberRead(const Command& command, const Call& call) {
  const ClientTracking* tracking = call.client.tracking.get();
  if (tracking == nullptr || !tracking->RemembersReads()) return;
  worker_.tracker().Remember(command, call.args.all(), call.client.handle);
}

void Dispatcher::PlanLocks(const Command& command, Arguments arguments, const Client& client) {
  plan_.Clear();
  if (command.Is(kGate) && !SharesKeyspace(command, arguments, client))
    return plan_.AddEverything();
  if (command.Is(kLocksQueue)) return PlanQueue(client);
  key_positions_.clear();
  if (!KeyPositions(command, arguments, &key_positions_))
    return;  // the handler will say what is wrong
  for (uint32_t position : key_positions_) plan_.Add(HashKey(arguments[position]).shard());
}

// Near the limit of memory it may have to evict, for which it must be alone; and with one worker
// being alone costs less than locks.
bool Dispatcher::SharesKeyspace(const Command& command, Arguments arguments, const Client& client) {
  if (!IsScript(command) || server_.workers() == 1 || server_.IsNearLimit()) return false;
  key_positions_.clear();
  return KeyPositions(command, arguments, &key_positions_) &&
         services_.scripts->KeepsToItsKeys(client, command, arguments);
}

void Dispatcher::PlanQueue(const Client& client) {
  std::vector<std::string_view> arguments;
  for (const auto& watched : client.transaction.watched)
    plan_.Add(HashKey(watched.key.key).shard());
  for (const QueuedRequest& queued : client.transaction.queue) {
    if (queued.command->Is(kGate | kWalksShards)) return plan_.AddEverything();
    arguments.assign(queued.arguments.begin(), queued.arguments.end());
    key_positions_.clear();
    if (!KeyPositions(*queued.command, arguments, &key_positions_)) continue;
    for (uint32_t position : key_positions_) plan_.Add(HashKey(arguments[position]).shard());
  }
}

void Dispatcher::RunNested(Call& outer, const Command& command, Arguments arguments, Reply& reply) {
  Key first_key;
  if (script_plan_ != nullptr && !CoversNested(command, arguments, &first_key)) [[unlikely]]
    return reply.Error("ERR Script attempted to access a key that it has not declared");
  Call call(command, ArgumentCursor(arguments, command.words, &first_key), reply,
            Db(keyspace_, outer.client.db, context_), outer.client, outer.services, outer.effects);
  call.may_block = false;
  call.covered = true;
  uint64_t started = Ticks();
  Invoke(call);
  RememberRead(command, call);
  Account(command, call, started);
  if (has_monitors_) server_.FeedMonitors(call);
}

bool Dispatcher::CoversNested(const Command& command, Arguments arguments, Key* first_key) {
  if (command.Is(kGate | kWalksShards)) return false;
  if (command.has_one_key) [[likely]] {
    *first_key = HashKey(arguments[command.first_key]);
    return script_plan_->Has(first_key->shard());
  }
  key_positions_.clear();
  if (!KeyPositions(command, arguments, &key_positions_)) return true;  // it will say what is wrong
  for (uint32_t position : key_positions_) {
    if (!script_plan_->Has(HashKey(arguments[position]).shard())) return false;
  }
  return true;
}

bool Dispatcher::MakeRoom() {
  return server_.MakeRoom(worker_.context());
}

void Dispatcher::CountRefused(const Command* command, std::string_view error) {
  if (command != nullptr) ++worker_.command_stats()[command->number].rejected;
  CountError(error);
}

void Dispatcher::DiscardTransaction(Client& client, bool covered) {
  Transaction& transaction = client.transaction;
  if (!transaction.watched.empty()) {
    LockPlan plan;
    for (const auto& watched : transaction.watched) plan.Add(HashKey(watched.key.key).shard());
    if (!covered) plan.Lock(keyspace_, false);
    for (const auto& watched : transaction.watched) {
      Shard& shard = keyspace_.shard(HashKey(watched.key.key).shard());
      if (shard.watched == nullptr) continue;
      shard.watched->Remove(watched.key, transaction.state.get());
      if (shard.watched->empty()) shard.watched.reset();
      shard.NoteWatched();
    }
    if (!covered) plan.Unlock(keyspace_);
  }
  transaction = Transaction{};
}

// ---- Waiting ----

void Dispatcher::StartWait(Call& call, const Command& command) {
  BlockWish wish = std::exchange(effects_.block, {});
  auto waiter = std::make_shared<BlockedRequest>();
  waiter->client = call.client.handle;
  waiter->command = &command;
  waiter->arguments = std::move(wish.arguments);
  if (waiter->arguments.empty())
    waiter->arguments.assign(call.args.all().begin(), call.args.all().end());
  waiter->db = call.db.index();
  waiter->user = call.client.is_admin ? nullptr : call.client.acl_user;
  waiter->protocol_version = call.client.protocol_version;
  waiter->deadline_ms = wish.deadline_ms;
  waiter->timeout_reply = wish.timeout_reply;
  waiter->answer = std::move(wish.answer);
  waiter->ends_without_key = wish.ends_without_key;
  const ClientTracking* tracking = call.client.tracking.get();
  waiter->is_tracking = tracking != nullptr && tracking->RemembersReads();
  LockPlan shards;
  key_positions_.clear();
  KeyPositions(command, call.args.all(), &key_positions_);
  for (uint32_t position : key_positions_) shards.Add(HashKey(call.args.all()[position]).shard());
  shards.ForEach([&](uint32_t shard) { waiter->shards.push_back(shard); });
  for (const Key& key : wish.keys) {
    DbKey name{call.db.index(), std::string(key.text)};
    if (std::find(waiter->keys.begin(), waiter->keys.end(), name) != waiter->keys.end()) continue;
    waiter->keys.push_back(name);
    auto& waiters = keyspace_.shard(key.shard()).waiters;
    if (waiters == nullptr) waiters = std::make_unique<WaiterList>();
    waiters->Add(name, waiter);
  }
  call.client.waiter = waiter;
  call.client.is_blocked = true;
  Session* session = worker_.Find(call.client.handle.id);
  if (session != nullptr) session->ArmBlockTimer(waiter->deadline_ms);
  server_.CountBlocked(1);
  waiter->spent_ticks = Ticks() - ticks_;
}

// Serves waiters of the keys that changed, which may make further keys ready.
void Dispatcher::ServeReady(std::vector<DbKey> ready) {
  for (size_t i = 0; i < ready.size(); ++i) {
    DbKey name = ready[i];
    const auto& waiters = keyspace_.shard(HashKey(name.key).shard()).waiters;
    if (waiters == nullptr) continue;
    const auto* line = waiters->Find(name.db, name.key);
    if (line == nullptr) continue;
    auto snapshot = *line;
    for (const auto& waiter : snapshot) {
      ServeWaiter(std::static_pointer_cast<BlockedRequest>(waiter), &ready);
    }
  }
}

bool Dispatcher::ServeWaiter(const std::shared_ptr<BlockedRequest>& waiter,
                             std::vector<DbKey>* ready) {
  if (waiter->is_served) return true;
  std::vector<std::string_view> arguments(waiter->arguments.begin(), waiter->arguments.end());
  if (waiter->user != nullptr) {
    if (Denial denial = waiter->user->Check(*waiter->command, arguments))
      return RefuseWaiter(waiter, denial);
  }
  ByteBuffer bytes;
  Reply reply(bytes, waiter->protocol_version);
  CallEffects effects;
  retry_client_.handle = waiter->client;
  retry_client_.db = waiter->db;
  retry_client_.protocol_version = waiter->protocol_version;
  Call call(*waiter->command, ArgumentCursor(arguments, 1, &kNoKey), reply,
            Db(keyspace_, waiter->db, context_), retry_client_, services_, effects);
  call.is_retry = true;
  uint64_t started = Ticks();
  Tracker& tracker = worker_.tracker();
  Tracker::Aside aside = tracker.BeginFor(waiter->client);
  Invoke(call);
  if (effects.block.wanted) {
    tracker.EndFor(waiter->client, std::move(aside));
    return false;
  }
  if (waiter->is_tracking) tracker.Remember(*waiter->command, arguments, waiter->client);
  waiter->is_served = true;
  LeaveLines(*waiter);
  Account(*waiter->command, call, started);
  --command_stats_[waiter->command->number].calls;  // it was counted when it began to wait
  for (DbKey& key : effects.ready) ready->push_back(std::move(key));
  server_.SendUnblock(waiter->client, std::string(bytes.view()));
  tracker.EndFor(waiter->client, std::move(aside));
  return true;
}

// Its user lost the right to what it waits for.
bool Dispatcher::RefuseWaiter(const std::shared_ptr<BlockedRequest>& waiter, Denial denial) {
  waiter->is_served = true;
  LeaveLines(*waiter);
  CommandStats& stats = command_stats_[waiter->command->number];
  --stats.calls;  // it was counted when it began to wait
  stats.ticks -= waiter->spent_ticks;
  ++stats.rejected;
  CountError(kNoPermission);
  server_.RefuseWaiting(waiter, denial);
  return true;
}

void Dispatcher::LeaveLines(const Waiter& waiter) {
  for (const DbKey& key : waiter.keys) {
    auto& waiters = keyspace_.shard(HashKey(key.key).shard()).waiters;
    if (waiters == nullptr) continue;
    waiters->Remove(key, &waiter);
    if (waiters->empty()) waiters.reset();
  }
  server_.CountBlocked(-1);
}

void Dispatcher::EndWait(Session& session) {
  auto waiter = std::static_pointer_cast<BlockedRequest>(session.client().waiter);
  if (waiter == nullptr) return;
  LockPlan plan;
  for (uint32_t shard : waiter->shards) plan.Add(shard);
  plan.Lock(keyspace_, false);
  bool was_served = waiter->is_served;  // then the reply is in the mail
  if (!was_served) {
    waiter->is_served = true;
    LeaveLines(*waiter);
  }
  plan.Unlock(keyspace_);
  if (!was_served) session.Unblock(waiter->answer ? waiter->answer() : waiter->timeout_reply);
}

void Dispatcher::EndReplicationWait(Session& session, uint64_t ticket, std::string_view reply) {
  auto waiter = std::static_pointer_cast<BlockedRequest>(session.client().waiter);
  bool is_meant = session.client().replication_wait == ticket;
  if (waiter == nullptr || waiter->is_served || !waiter->answer || !is_meant) return;
  waiter->is_served = true;
  LeaveLines(*waiter);
  session.Unblock(reply);
}

bool Dispatcher::EndWaitAlone(Client& client, std::string_view reply) {
  auto waiter = std::static_pointer_cast<BlockedRequest>(client.waiter);
  if (waiter == nullptr || waiter->is_served) return false;
  waiter->is_served = true;
  LeaveLines(*waiter);
  if (reply.starts_with('-')) {
    ++worker_.command_stats()[waiter->command->number].failed;
    CountError(reply.substr(1));
  }
  if (reply.empty() && waiter->answer) {
    server_.SendUnblock(client.handle, waiter->answer());
    return true;
  }
  server_.SendUnblock(client.handle, std::string(reply.empty() ? waiter->timeout_reply : reply));
  return true;
}

void Dispatcher::ForgetAlone(Client& client) {
  auto waiter = std::static_pointer_cast<BlockedRequest>(client.waiter);
  if (waiter == nullptr || waiter->is_served) return;
  waiter->is_served = true;
  LeaveLines(*waiter);
}

void Dispatcher::Forget(Session& session) {
  Client& client = session.client();
  if (auto waiter = std::static_pointer_cast<BlockedRequest>(client.waiter)) {
    LockPlan plan;
    for (uint32_t shard : waiter->shards) plan.Add(shard);
    plan.Lock(keyspace_, false);
    if (!waiter->is_served) LeaveLines(*waiter);
    waiter->is_served = true;
    plan.Unlock(keyspace_);
    client.waiter.reset();
    if (client.replication_wait != 0) server_.replication().ForgetWait(client.replication_wait);
  }
  DiscardTransaction(client, false);
}

// ---- Accounting ----

void Dispatcher::CountError(std::string_view text) {
  ++worker_.stats().error_replies;
  std::string code(text.substr(0, text.find(' ')));
  // Scripts can make up codes: a bound keeps the table small.
  constexpr size_t kMaxCodes = 128;
  auto& errors = worker_.errors();
  if (errors.size() < kMaxCodes || errors.contains(code)) ++errors[code];
}

}  // namespace kiln
