#include "engine/server/worker.h"

#include <algorithm>

#include "base/ticks.h"
#include "base/time.h"
#include "engine/commands/command_table.h"
#include "engine/server/append_only.h"
#include "engine/server/dispatcher.h"
#include "engine/server/replication.h"
#include "engine/server/server.h"

namespace kiln {
namespace {

// What background work may take of a turn.
constexpr double kBackgroundUs = 500;
// Elements, records or TTL entries between looks at the clock.
constexpr size_t kSliceBudget = 128;

}  // namespace

void WorkerStats::Add(const WorkerStats& other) {
  commands += other.commands;
  connections += other.connections;
  input_bytes += other.input_bytes;
  output_bytes += other.output_bytes;
  protocol_errors += other.protocol_errors;
  error_replies += other.error_replies;
  output_limit_disconnections += other.output_limit_disconnections;
  input_limit_disconnections += other.input_limit_disconnections;
  reads += other.reads;
  writes += other.writes;
  turns += other.turns;
  turn_ticks += other.turn_ticks;
  command_ticks += other.command_ticks;
  timer_ticks += other.timer_ticks;
  longest_turn_ticks = std::max(longest_turn_ticks, other.longest_turn_ticks);
  most_commands_in_turn = std::max(most_commands_in_turn, other.most_commands_in_turn);
}

Worker::Worker(Server& server, uint32_t index)
    : server_(server),
      keyspace_(server.keyspace()),
      commands_(server.commands()),
      memcache_commands_(server.memcache_commands()),
      index_(index),
      context_(server.settings(), static_cast<uint64_t>(NowUs()) + index),
      journal_unit_(server.journal()),
      tracker_(server, *this),
      dispatcher_(std::make_unique<Dispatcher>(server, *this)),
      command_stats_(server.CommandCount()),
      read_space_(std::make_unique<char[]>(kReadBytes)),
      tick_(Timer::Calling<&Worker::OnTick>(this)),
      pause_end_(Timer::Calling<&Worker::OnPauseEnd>(this)) {
  context_.events = server.key_events();
  context_.changes = &tracker_;
  context_.SetTime(static_cast<uint64_t>(NowMs()));
}

Worker::~Worker() = default;

void Worker::Run() {
  loop_.SetHooks(this);
  loop_.ArmIn(tick_, 1);
  loop_.Run();
}

void Worker::BeforeTurn() {
  server_.gate().Enter(index_);
  ++stats_.turns;
  turn_started_ticks_ = Ticks();
  commands_before_turn_ = stats_.commands;
  context_.SetTime(static_cast<uint64_t>(NowMs()));
}

void Worker::AfterTurn() {
  RunBatch();
  if (tracker_.HasBroadcast()) tracker_.Broadcast();
  counts_clients() ? FlushAndCountDirty() : FlushDirty();
  RunBackground();
  if (tracker_.HasBroadcast()) tracker_.Broadcast();
  FlushDirty();
  server_.replication().links().AfterTurn(*this);
  closed_.clear();
  uint64_t spent = Ticks() - turn_started_ticks_;
  stats_.turn_ticks += spent;
  stats_.longest_turn_ticks = std::max(stats_.longest_turn_ticks, spent);
  if (stats_.commands > commands_before_turn_) {  // otherwise CONFIG RESETSTAT may have run in it
    stats_.most_commands_in_turn =
        std::max(stats_.most_commands_in_turn, stats_.commands - commands_before_turn_);
  }
  server_.gate().Leave(index_);
}

bool Worker::MayReply(Session& session) {
  bool may = server_.append_only().WriteOut();
  const DurabilityGuard& durability = server_.replication().durability();
  if (may && durability.is_on()) [[unlikely]] {
    switch (durability.MaySend(session.client(), session.told_offset())) {
      case DurabilityGuard::Verdict::kSend:
        break;
      case DurabilityGuard::Verdict::kClose:
        return session.Close(), false;
      case DurabilityGuard::Verdict::kHold:
        server_.replication().links().AskForAcks();
        may = false;
    }
  }
  if (may) {
    session.NoteTold();
    return true;
  }
  held_replies_.push_back(session.client().handle.id);
  holds_replies_ = true;
  return false;
}

void Worker::ReleaseReplies() {
  holds_replies_ = false;
  for (uint64_t id : std::exchange(held_replies_, {})) {
    if (Session* session = Find(id)) session->Flush();
  }
}

void Worker::FlushDirty() {
  size_t kept = 0;
  for (size_t i = 0; i < dirty_.size(); ++i) {
    if (dirty_[i]->is_masked()) {
      dirty_[kept++] = dirty_[i];
    } else {
      dirty_[i]->Flush();
    }
  }
  dirty_.resize(kept);
}

// The limit of a client's own output comes first: what it frees need not be freed by closing
// others.
void Worker::FlushAndCountDirty() {
  std::vector<Session*> written = dirty_;
  FlushDirty();
  for (Session* session : written) session->CountMemory();
  LimitClients();
}

void Worker::LimitClients() {
  // While a script runs for too long somebody else has the Gate.
  if (is_serving_busy_ || !server_.AreClientsOverLimit()) return;
  server_.gate().Exclusive(index_, [&] { server_.EvictClients(); });
}

// ---- Connections ----

void Worker::TakeConnection(Fd socket, Origin origin) {
  loop_.mailbox().Post([this, fd = socket.Release(), origin] { AddSession(Fd(fd), origin); });
}

void Worker::AddSession(Fd socket, Origin origin) {
  int fd = socket.get();
  uint64_t id = server_.NextClientId();
  auto session =
      std::make_unique<Session>(*this, std::make_unique<PlainStream>(std::move(socket)), id);
  Client& client = session->client();
  client.is_memcache = origin.is_memcache;
  client.is_admin = origin.is_admin;
  client.created_ms = client.last_active_ms = context_.now_ms;
  client.address = PeerAddressText(fd);
  client.local_address = LocalAddressText(fd);
  client.is_local =
      IsUnixSocket(fd) || client.address.starts_with("127.") || client.address.starts_with("[::1]");
  if (IsUnixSocket(fd)) client.address += ":0";
  if (client.is_memcache) session->BeginMemcache();
  server_.Welcome(client);
  client.is_plain = client.IsPlain();
  if (!client.is_admin) ++stats_.connections;  // looking must not change what is seen
  NetError error = loop_.Add(fd, EPOLLIN, session.get());
  if (error.code != 0) return;
  Session* kept = session.get();
  sessions_[id] = std::move(session);
  server_.OnConnected(*kept);
  if (server_.memcache_log().Wants(kWatchConnections)) [[unlikely]]
    LogConnection(server_.memcache_log(), server_, kept->client(), {});
  if (counts_clients()) kept->CountMemory();
}

Session* Worker::Find(uint64_t client_id) {
  auto found = sessions_.find(client_id);
  return found == sessions_.end() ? nullptr : found->second.get();
}

void Worker::DropFeeds() {
  ForEachSession([](Session& session) { session.DropFeed(); });
}

void Worker::OnClosed(Session* session) {
  dispatcher_->Forget(*session);
  if (session->feed() != nullptr) server_.replication().links().OnDisconnected(session->client());
  tracker_.Stop(session->client());
  if (session->client().watched_events != 0)
    server_.memcache_log().Remove(session->client().handle);
  if (server_.memcache_log().Wants(kWatchConnections)) [[unlikely]]
    LogConnection(server_.memcache_log(), server_, session->client(), "normal");
  server_.OnDisconnected(*session);
  auto found = sessions_.find(session->client().handle.id);
  if (found == sessions_.end()) return;
  closed_.push_back(std::move(found->second));
  sessions_.erase(found);
}

std::span<char> Worker::ReadSpace(size_t bytes) {
  if (kReadBytes - read_used_ < bytes) {
    RunBatch();
    read_used_ = 0;
  }
  return {read_space_.get() + read_used_, bytes};
}

void Worker::TakeBackOutput(ByteBuffer& output) {
  output.Clear();
  if (output.capacity() > kMaxSpareBufferBytes || spare_buffers_.size() >= kMaxSpareBuffers) {
    output.Release();
    return;
  }
  spare_buffers_.emplace_back();
  spare_buffers_.back().Swap(output);
}

void Worker::ResumeAll() {
  std::vector<Session*> all;
  ForEachSession([&](Session& session) { all.push_back(&session); });
  for (Session* session : all) session->EndPause();
}

void Worker::ResumeAt(uint64_t pause_until_ms) {
  auto now_ms = static_cast<uint64_t>(NowMs());
  loop_.ArmIn(pause_end_,
              pause_until_ms > now_ms ? static_cast<int64_t>(pause_until_ms - now_ms) : 1);
}

void Worker::OnPauseEnd() {
  if (!server_.IsPaused(static_cast<uint64_t>(NowMs()))) return ResumeAll();
  loop_.ArmIn(pause_end_, 1);
}

// ---- Requests ----

const Command* Worker::FindForAdmin(const Client& client, Arguments arguments) const {
  const CommandTable& table = client.is_memcache ? server_.memcache_commands() : server_.commands();
  return table.FindFor(true, arguments);
}

void Worker::RunBatch() {
  if (batch_.size == 0) return;
  if (is_serving_busy_) [[unlikely]] {
    dispatcher_->RunBusyBatch(batch_, 0);
    return batch_.Clear();
  }
  server_.gate().StepAside(index_);
  if (loop_.IsStopped()) return batch_.Clear();  // the last snapshot is written
  stats_.commands += batch_.size;
  for (size_t i = 0; i < batch_.size; ++i) {
    Table<RecordPolicy>::PrefetchEntry(&batch_.requests[i].hint);
  }
  dispatcher_->RunBatch(batch_);
  batch_.Clear();
}

// ---- Background ----

void Worker::OnTick() {
  uint64_t started = Ticks();
  rates_.commands.Sample(stats_.commands, context_.now_ms);
  rates_.input_bytes.Sample(stats_.input_bytes, context_.now_ms);
  rates_.output_bytes.Sample(stats_.output_bytes, context_.now_ms);
  rates_.turns.Sample(stats_.turns, context_.now_ms);
  rates_.turn_ticks.Sample(stats_.turn_ticks, context_.now_ms);
  CloseIdle();
  CloseSlowReaders();
  if (!held_replies_.empty()) ReleaseReplies();
  server_.replication().links().CheckFeeds(*this);
  context_.shown_hash.reset();
  if (!context_.local_expiries.empty()) DropLocalExpiries();
  ArmTick();
  if (index_ == 0) server_.OnTick();
  stats_.timer_ticks += Ticks() - started;
}

// Comes again when the next key is due, but soon in any case.
void Worker::ArmTick() {
  uint64_t soonest = ExpiryIndex::kNever;
  size_t step = server_.workers();
  bool expires = server_.keyspace().expires_actively() && !context_.is_replica;
  size_t shards = expires ? kShardCount : 0;
  for (size_t shard = index_; shard < shards; shard += step) {
    soonest = std::min(
        soonest, server_.keyspace().shard(shard).next_expiry_ms.load(std::memory_order_relaxed));
  }
  uint64_t now_ms = context_.now_ms;
  expiry_is_due_ = soonest <= now_ms;
  int64_t wait_ms = soonest <= now_ms
                        ? ExpiryIndex::kTickMs
                        : static_cast<int64_t>(std::min<uint64_t>(soonest - now_ms, kIdleTickMs));
  loop_.ArmIn(tick_, wait_ms);
}

void Worker::RunBackground() {
  if (loop_.IsStopped()) return;
  uint64_t deadline = Ticks() + static_cast<uint64_t>(kBackgroundUs * server_.ticks_per_us());
  if (server_.IsPaused(context_.now_ms) || context_.is_replica) expiry_is_due_ = false;
  if (expiry_is_due_) expiry_is_due_ = !ExpireShards(deadline);
  if (expiry_is_due_) loop_.PostponeToNextTurn();
  if (!Reclaim(deadline)) loop_.RestBeforeNextTurn();
}

bool Worker::Reclaim(uint64_t deadline_ticks) {
  while (!context_.reclaimer.empty()) {
    if (Ticks() > deadline_ticks) return false;
    context_.reclaimer.Run(kSliceBudget);
  }
  return FreeFlushed(deadline_ticks);
}

// Goes round this worker's shards from where the last slice ended; false when time ran out.
bool Worker::ExpireShards(uint64_t deadline_ticks) {
  size_t step = server_.workers();
  size_t own = (kShardCount - index_ + step - 1) / step;
  Keyspace& keyspace = server_.keyspace();
  for (size_t visited = 0; visited < own; ++visited) {
    size_t shard = index_ + (next_shard_ % own) * step;
    Shard& state = keyspace.shard(shard);
    while (state.next_expiry_ms.load(std::memory_order_relaxed) <= context_.now_ms) {
      if (Ticks() > deadline_ticks) return false;
      size_t budget = kSliceBudget;
      state.lock.Lock();
      bool done = keyspace.ExpireDue(shard, &budget, context_);
      state.lock.Unlock();
      if (done) break;
    }
    ++next_shard_;
  }
  return true;
}

// Some of them, from where the last call stopped.
void Worker::DropLocalExpiries() {
  constexpr size_t kMostKeys = 1000;
  auto& keys = context_.local_expiries;
  auto at = keys.upper_bound(last_local_expiry_);
  for (size_t i = 0; i < kMostKeys && at != keys.end(); ++i) {
    last_local_expiry_ = *at;
    Key key = HashKey(at->second);
    Shard& state = server_.keyspace().shard(key.shard());
    state.lock.Lock();
    bool is_over = Db(server_.keyspace(), at->first, context_).DropIfDue(key);
    state.lock.Unlock();
    at = is_over ? keys.erase(at) : std::next(at);
  }
  if (at == keys.end()) last_local_expiry_ = {};
}

bool Worker::FreeFlushed(uint64_t deadline_ticks) {
  Keyspace& keyspace = server_.keyspace();
  if (!keyspace.HasFlushed()) return true;
  size_t step = server_.workers();
  size_t own = (kShardCount - index_ + step - 1) / step;
  for (size_t visited = 0; visited < own; ++visited, ++next_flushed_shard_) {
    size_t shard = index_ + (next_flushed_shard_ % own) * step;
    bool done = false;
    while (!done) {
      if (Ticks() > deadline_ticks) return false;
      size_t budget = kSliceBudget;
      keyspace.shard(shard).lock.Lock();
      done = keyspace.FreeFlushed(shard, &budget, context_);
      keyspace.shard(shard).lock.Unlock();
    }
  }
  return true;
}

void Worker::WatchOutput(Session& session) {
  slow_readers_.insert(session.client().handle.id);
}

void Worker::CloseSlowReaders() {
  std::erase_if(slow_readers_, [&](uint64_t id) {
    Session* session = Find(id);
    return session == nullptr || !session->CheckOutputLimit();
  });
}

void Worker::CloseIdle() {
  auto timeout_s = static_cast<uint64_t>(settings().timeout_s);
  if (timeout_s == 0 || context_.now_ms < next_idle_check_ms_) return;
  next_idle_check_ms_ = context_.now_ms + 1000;
  std::vector<Session*> idle;
  ForEachSession([&](Session& session) {
    const Client& client = session.client();
    bool may_wait = client.is_blocked || client.subscriptions.any() || client.is_admin;
    if (!may_wait && session.IdleSeconds() >= timeout_s) idle.push_back(&session);
  });
  for (Session* session : idle) session->Close();
}

}  // namespace kiln
