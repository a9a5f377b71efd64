#include "engine/server/session.h"

#include <algorithm>
#include <array>

#include "base/log.h"
#include "base/time.h"
#include "engine/commands/output_source.h"
#include "engine/server/admission.h"
#include "engine/server/dispatcher.h"
#include "engine/server/replication.h"
#include "engine/server/server.h"
#include "engine/server/worker.h"
#include "protocol/resp/reply.h"

namespace kiln {

Session::Session(Worker& worker, std::unique_ptr<PlainStream> stream, uint64_t id)
    : worker_(worker),
      stream_(std::move(stream)),
      block_timer_(Timer::Calling<&Session::OnBlockTimeout>(this)) {
  client_.handle = {worker.index(), id};
  client_.fd = stream_->fd();
}

Session::~Session() = default;

void Session::OnEvents(uint32_t events) {
  if (is_closed_ || is_masked_) return;
  if (events == 0) {
    is_postponed_ = false;
    if (client_.source != nullptr) [[unlikely]]
      WriteSource();
    Resume();
    return;
  }
  if (events & EPOLLOUT) Flush();
  if (!is_closed_ && (events & (EPOLLIN | EPOLLHUP | EPOLLERR))) OnReadable();
}

bool Session::CanRun() const {
  return !is_closed_ && !is_masked_ && !client_.is_blocked && !client_.is_held_back &&
         !client_.close_after_reply && client_.source == nullptr;
}

// A piece of a long reply, when all before it has left.
void Session::WriteSource() {
  if (is_closed_ || output_.unsent() > 0) return;
  worker_.LendOutput(output_);
  if (!client_.source->Write(output_)) client_.source.reset();
  OutputGrew();
}

void Session::SendEvent(std::string_view line) {
  constexpr size_t kMaxUnsentBytes = size_t{256} << 10;
  if (output_.unsent() > kMaxUnsentBytes) {
    ++client_.skipped_events;
    return;
  }
  if (client_.skipped_events > 0) {
    Send("[skipped: " + std::to_string(client_.skipped_events) + "]\n");
    client_.skipped_events = 0;
  }
  Send(line);
}

// A request that would be refused anyway need not wait for the refusal. Whoever pauses the others
// through the admin socket goes on working.
bool Session::IsHeldBack(std::span<const std::string_view> arguments) {
  Server& server = worker_.server();
  if (client_.is_admin) return false;
  if (client_.is_memcache) {
    const Command* verb = server.memcache_commands().Find(arguments);
    return verb != nullptr && !client_.is_limited && server.IsHeldBack(verb, arguments, client_);
  }
  const Command* command = server.commands().Find(arguments);
  return server.IsHeldBack(command, arguments, client_) &&
         !Admit(command, arguments, client_, worker_);
}

void Session::SetHeldBack(bool held_back) {
  if (client_.is_held_back == held_back) return;
  client_.is_held_back = held_back;
  worker_.server().CountBlocked(held_back ? 1 : -1);
  // The turn's clock may be behind the timer that has just ended the pause on this worker.
  if (held_back) worker_.ResumeAt(worker_.server().pause_until_ms());
}

void Session::EndPause() {
  SetHeldBack(false);
  Resume();
}

void Session::OnReadable() {
  Session* before = worker_.SetActive(this);
  Read();
  worker_.SetActive(before);
}

void Session::Read() {
  bool in_place = input_.empty();
  std::span<char> space;
  if (in_place) {
    space = worker_.ReadSpace(kTurnBytes);
  } else {
    size_t missing = MissingBytes();
    size_t wanted = std::clamp<size_t>(missing, kTurnBytes, size_t{1} << 20);
    // When a quarter of a big request is here, room is made for all of it. A buffer that only
    // doubles is copied once more near the end, while the value that it replaces is still there.
    if (input_.size() >= missing / 3) input_.Reserve(missing);
    space = {input_.Reserve(wanted), wanted};
  }
  ssize_t got = stream_->Read(space);
  if (got == Stream::kWouldBlock) return;
  if (got == Stream::kEnd) FinishInput();
  if (got <= 0) return Close();
  auto bytes = static_cast<size_t>(got);
  worker_.stats().input_bytes += bytes;
  ++worker_.stats().reads;
  if (in_place) {
    worker_.UseReadSpace(bytes);
    std::string_view received(space.data(), bytes);
    client_.input_bytes = bytes;
    size_t used = CanRun() ? Parse(received) : 0;
    KeepRest(received.substr(used));
    return;
  }
  input_.Commit(bytes);
  auto limit = static_cast<size_t>(worker_.settings().client_query_buffer_limit_bytes);
  if (input_.size() - input_used_ >
      (client_.authenticated ? limit : std::min<size_t>(limit, size_t{1} << 20))) {
    ++worker_.stats().input_limit_disconnections;
    return Close();
  }
  NoteInput();
  if (worker_.counts_clients()) [[unlikely]] {
    CountMemory();
    worker_.LimitClients();  // before a request that is too big can run
  }
  Resume();
  NoteInput();
}

// The peer has said its last: what it sent before is still answered, all at once, for it cannot
// send more.
void Session::FinishInput() {
  size_t left = input_.size() + 1;
  while (!is_closed_ && input_.size() - input_used_ < left) {
    left = input_.size() - input_used_;
    Resume();
  }
  worker_.RunBatch();
  Flush();
}

void Session::Resume() {
  if (input_.empty() || !CanRun()) return;
  Session* before = worker_.SetActive(this);
  size_t used = Parse(input_.view().substr(input_used_));
  if (used > 0 && !is_closed_) worker_.RunBatch();  // its requests look into input_
  worker_.SetActive(before);
  if (used == 0 || is_closed_) return;
  input_used_ += used;
  if (input_used_ == input_.size()) {
    input_.Release();
    input_used_ = 0;
  } else if (input_used_ > input_.size() / 2) {
    input_.Consume(input_used_);
    input_used_ = 0;
  }
}

void Session::KeepRest(std::string_view rest) {
  if (rest.empty() || is_closed_) return;
  input_.Append(rest);
  NoteInput();
  if (worker_.counts_clients()) CountMemory();
}

void Session::NoteInput() {
  client_.input_bytes = input_.size() - input_used_;
  client_.parsed_bytes = input_.empty() ? 0 : parser_.parsed_bytes();
}

[[gnu::always_inline]] inline Session::After Session::ParseOne(std::string_view bytes,
                                                               const RequestLimits& limits,
                                                               size_t* consumed) {
  RequestBatch& batch = worker_.batch();
  size_t first = batch.arguments.size();
  switch (parser_.Parse(bytes, limits, &batch.arguments, consumed)) {
    case RequestParser::Status::kIncomplete:
      return After::kStop;
    case RequestParser::Status::kBroken:
      worker_.RunBatch();
      BreakProtocol(parser_.error());
      return After::kStop;
    case RequestParser::Status::kComplete:
      break;
  }
  Arguments arguments{batch.arguments.data() + first, batch.arguments.size() - first};
  if (arguments.empty()) return After::kEmpty;
  if (is_paused_ && IsHeldBack(arguments)) [[unlikely]] {
    batch.Clear();  // it held nothing else: it ran before this request was parsed
    *consumed = 0;
    SetHeldBack(true);
    return After::kStop;
  }
  bool is_inline = bytes[0] != '*';
  const Command* command =
      worker_.AddRequest(*this, client_, arguments, is_inline ? nullptr : bytes.data());
  bool must_run = is_inline || !limits.authenticated || command == nullptr ||
                  command->Is(kEndsBatch | kBlocking);
  if (!must_run && batch.size < RequestBatch::kMax) return After::kGoOn;
  worker_.RunBatch();
  return After::kRan;
}

[[gnu::always_inline]] inline Session::After Session::ParseOneMemcache(
    std::string_view bytes, const memcache::RequestLimits& limits, size_t* consumed) {
  using Status = memcache::RequestParser::Status;
  RequestBatch& batch = worker_.batch();
  size_t first = batch.arguments.size();
  switch (memcache_parser_.Parse(bytes, limits, &batch.arguments, consumed)) {
    case Status::kIncomplete:
      return After::kStop;
    case Status::kRefused:
      worker_.RunBatch();
      Send(memcache_parser_.error());
      return After::kRan;
    case Status::kBroken:
      worker_.RunBatch();
      ++worker_.stats().protocol_errors;
      CloseAfterOutput();
      return After::kStop;
    case Status::kComplete:
      break;
  }
  Arguments arguments{batch.arguments.data() + first, batch.arguments.size() - first};
  if (arguments.empty()) return After::kEmpty;
  if (is_paused_ && IsHeldBack(arguments)) [[unlikely]] {
    batch.Clear();  // it held nothing else: it ran before this request was parsed
    *consumed = 0;
    SetHeldBack(true);
    return After::kStop;
  }
  const Command* command = worker_.AddRequest(*this, client_, arguments);
  bool must_run = command == nullptr || command->Is(kEndsBatch);
  if (!must_run && batch.size < RequestBatch::kMax) return After::kGoOn;
  worker_.RunBatch();
  return After::kRan;
}

size_t Session::MostRequests() const {
  int64_t asked = client_.is_memcache ? worker_.settings().memcache.requests_per_turn : 0;
  return asked == 0 ? kTurnRequests : static_cast<size_t>(asked);
}

size_t Session::MissingBytes() const {
  if (dialect_ == Dialect::kBinary) return binary_parser_.missing_bytes();
  return client_.is_memcache ? memcache_parser_.missing_bytes() : parser_.missing_bytes();
}

size_t Session::Parse(std::string_view bytes) {
  size_t used = 0;
  if (dialect_ != Dialect::kUsual) [[unlikely]] {
    used = ParseRareDialect(bytes);
    if (dialect_ != Dialect::kUsual || !CanRun()) return used;
  }
  RequestLimits limits{std::min(worker_.settings().proto_max_bulk_len_bytes, kMaxValueBytes),
                       client_.authenticated};
  const MemcacheSettings& memcache = worker_.settings().memcache;
  memcache::RequestLimits item_limits{static_cast<size_t>(memcache.max_item_bytes),
                                      memcache.has_cas};
  size_t most_requests = MostRequests();
  is_paused_ = worker_.server().IsPaused(worker_.context().now_ms);
  for (size_t requests = 0; used < bytes.size(); ++requests) {
    if (is_paused_) [[unlikely]] {
      worker_.RunBatch();  // what a request may do depends on those before it
      if (!CanRun()) break;
    }
    if (requests == most_requests) {
      if (!is_postponed_) worker_.loop().PostponeToNextTurn(this);
      is_postponed_ = true;
      break;
    }
    size_t consumed = 0;
    std::string_view rest = bytes.substr(used);
    After after = client_.is_memcache ? ParseOneMemcache(rest, item_limits, &consumed)
                                      : ParseOne(rest, limits, &consumed);
    used += consumed;
    if (after == After::kGoOn) continue;
    if (after == After::kEmpty) {
      --requests;  // costs nothing, counts for nothing
      continue;
    }
    if (after == After::kStop || !CanRun()) break;
    limits.authenticated = client_.authenticated;
    is_paused_ = worker_.server().IsPaused(worker_.context().now_ms);
  }
  return used;
}

void Session::BreakProtocol(std::string_view error) {
  if (is_closed_) return;
  Reply(output_).Error(error);
  ++worker_.stats().protocol_errors;
  CloseAfterOutput();
}

void Session::OutputGrewMuch() {
  if (output_.unsent() > kFlushBytes) Flush();
  if (is_dirty_ || is_closed_) return;
  is_dirty_ = true;
  worker_.AddDirty(this);
}

void Session::Send(std::string_view bytes) {
  if (is_closed_) return;
  if (is_masked_) [[unlikely]] {
    worker_.loop().mailbox().Post(
        [worker = &worker_, id = client_.handle.id, kept = std::string(bytes)] {
          if (Session* session = worker->Find(id)) session->Send(kept);
        });
    return;
  }
  worker_.LendOutput(output_);
  output_.Append(bytes);
  OutputGrew();
}

ssize_t Session::SendPieces() {
  constexpr size_t kMostPieces = 64;
  std::array<iovec, kMostPieces> pieces;
  return stream_->Writev({pieces.data(), output_.FillPieces(pieces)});
}

bool Session::SendOutput() {
  while (output_.unsent() > 0) {
    ssize_t sent = output_.has_parts() ? SendPieces() : stream_->Write(output_.own_unsent());
    if (sent == Stream::kError) return Close(), false;
    if (sent == Stream::kWouldBlock) break;
    output_.NoteSent(static_cast<size_t>(sent));
    worker_.stats().output_bytes += static_cast<uint64_t>(sent);
    ++worker_.stats().writes;
  }
  return true;
}

void Session::AwaitWritable(bool on) {
  if (on == is_writable_armed_) return;
  is_writable_armed_ = on;
  worker_.loop().Modify(stream_->fd(), EPOLLIN | (on ? static_cast<uint32_t>(EPOLLOUT) : 0u), this);
}

void Session::Flush() {
  is_dirty_ = false;
  if (is_closed_) return;
  if (feed_ != nullptr) [[unlikely]]
    return FlushFeed();
  if (worker_.context().journal != nullptr && !worker_.MayReply(*this)) [[unlikely]]
    return;
  if (IsOverHardLimit()) return CloseForOutput();  // nothing of it is sent
  if (!SendOutput()) return;
  bool all_sent = output_.unsent() == 0;
  if (all_sent) {
    output_.ForgetAllSent();
    soft_limit_since_ms_ = 0;
    worker_.TakeBackOutput(output_);
    // When the server ends, connections end together, after the listeners.
    if (client_.close_after_reply && !worker_.loop().IsStopped()) return Close();
  } else if (IsOverOutputLimit()) {
    return CloseForOutput();
  } else {
    output_.ForgetSent();
  }
  client_.output_bytes = output_.unsent();
  client_.input_bytes = input_.size();
  if (all_sent && client_.source != nullptr && !is_postponed_) [[unlikely]] {
    is_postponed_ = true;
    worker_.loop().PostponeToNextTurn(this);
  }
  AwaitWritable(!all_sent);
}

// ---- Replicas ----

void Session::BeginFeed(Journal& journal) {
  feed_ = std::make_unique<ReplicaFeed>(journal);
  fed_ms_ = worker_.context().now_ms;
}

// What was replied before goes first.
void Session::FlushFeed() {
  constexpr size_t kMaxTurnBytes = size_t{1} << 20;
  if (client_.is_killed || !SendOutput()) return;
  if (output_.unsent() > 0) return AwaitWritable(true);
  output_.ForgetAllSent();
  size_t total = 0;
  for (std::string_view bytes = feed_->Peek(); !bytes.empty(); bytes = feed_->Peek()) {
    if (total >= kMaxTurnBytes) return AwaitWritable(true);
    ssize_t sent = stream_->Write(bytes);
    if (sent == Stream::kError) return Close();
    if (sent == Stream::kWouldBlock) return AwaitWritable(true);
    total += static_cast<size_t>(sent);
    feed_->Skip(static_cast<size_t>(sent));
    worker_.server().NoteReplicationOutput(static_cast<size_t>(sent));
    fed_ms_ = worker_.context().now_ms;
  }
  AwaitWritable(false);
}

void Session::CheckFeed() {
  if (is_closed_) return;
  uint64_t now_ms = worker_.context().now_ms;
  const OutputLimit& limit = worker_.settings().output_limits[kReplicaClient];
  uint64_t lag = feed_->lag();
  // What the backlog holds anyway is no reason.
  if (lag <= static_cast<uint64_t>(worker_.settings().repl_backlog_bytes)) lag = 0;
  bool is_soft = limit.soft_bytes > 0 && lag > static_cast<uint64_t>(limit.soft_bytes);
  if (!is_soft) soft_limit_since_ms_ = 0;
  if (is_soft && soft_limit_since_ms_ == 0) soft_limit_since_ms_ = now_ms;
  bool is_late =
      (limit.hard_bytes > 0 && lag > static_cast<uint64_t>(limit.hard_bytes)) ||
      (is_soft && now_ms - soft_limit_since_ms_ > static_cast<uint64_t>(limit.soft_seconds) * 1000);
  if (is_late) {
    Log(LogLevel::kWarning, "Client " + worker_.server().Describe(client_) +
                                " scheduled to be closed ASAP for overcoming of output buffer "
                                "limits.");
    return CloseForOutput();
  }
  auto timeout_ms = static_cast<uint64_t>(worker_.settings().repl_timeout_s) * 1000;
  bool is_stuck = feed_->HasSnapshotLeft() && now_ms - fed_ms_ > timeout_ms;
  if (!is_stuck) return;
  Log(LogLevel::kWarning,
      "Disconnecting timedout replica (full sync): " + worker_.server().Describe(client_));
  Close();
}

const OutputLimit& Session::Limit() const {
  return worker_.settings()
      .output_limits[client_.subscriptions.any() ? kPubSubClient : kNormalClient];
}

bool Session::IsOverHardLimit() const {
  auto hard_bytes = static_cast<size_t>(Limit().hard_bytes);
  return hard_bytes > 0 && output_.unsent() > hard_bytes;
}

bool Session::IsOverOutputLimit() {
  size_t unsent = output_.unsent();
  if (!client_.authenticated) return unsent > kMaxUnauthenticatedOutput;
  if (IsOverHardLimit()) return true;
  const OutputLimit& limit = Limit();
  if (limit.soft_bytes == 0 || unsent <= static_cast<size_t>(limit.soft_bytes)) {
    soft_limit_since_ms_ = 0;
    return false;
  }
  uint64_t now_ms = worker_.context().now_ms;
  if (soft_limit_since_ms_ == 0) {
    soft_limit_since_ms_ = now_ms;
    worker_.WatchOutput(*this);
  }
  return now_ms - soft_limit_since_ms_ > static_cast<uint64_t>(limit.soft_seconds) * 1000;
}

bool Session::CheckOutputLimit() {
  if (is_closed_ || soft_limit_since_ms_ == 0) return false;
  if (IsOverOutputLimit()) CloseForOutput();
  return !is_closed_ && soft_limit_since_ms_ != 0;
}

void Session::CloseForOutput() {
  ++worker_.stats().output_limit_disconnections;
  Close();
}

void Session::CloseAfterOutput() {
  client_.CloseAfterReply();
  OutputGrew();
}

void Session::Close() {
  if (is_closed_) return;
  is_closed_ = true;
  client_.is_plain = false;
  client_.source.reset();
  SetHeldBack(false);
  block_timer_.Cancel();
  worker_.server().DropMemoryOf(client_);
  worker_.loop().Remove(stream_->fd(), this);
  if (is_postponed_) worker_.loop().Forget(this);
  worker_.OnClosed(this);
}

void Session::ArmBlockTimer(uint64_t deadline_ms) {
  if (deadline_ms == 0) return;
  uint64_t now_ms = static_cast<uint64_t>(NowMs());
  worker_.loop().ArmIn(block_timer_,
                       deadline_ms > now_ms ? static_cast<int64_t>(deadline_ms - now_ms) : 1);
}

void Session::OnBlockTimeout() {
  worker_.dispatcher().EndWait(*this);
}

void Session::Unblock(std::string_view reply) {
  if (is_closed_ || !client_.is_blocked) return;
  client_.is_blocked = false;
  client_.has_seen_data = true;
  // Whoever served it made the change for it.
  if (worker_.context().journal != nullptr)
    client_.written_offset = worker_.server().journal().changes_end();
  client_.waiter.reset();
  if (client_.replication_wait != 0)
    worker_.server().replication().ForgetWait(std::exchange(client_.replication_wait, 0));
  block_timer_.Cancel();
  Send(reply);
  if (!input_.empty() && !is_postponed_) {
    is_postponed_ = true;
    worker_.loop().PostponeToNextTurn(this);
  }
}

void Session::CountMemory() {
  if (is_closed_) return;
  NoteInput();
  client_.output_bytes = output_.unsent();
  worker_.server().CountMemoryOf(client_);
}

uint64_t Session::IdleSeconds() const {
  return (worker_.context().now_ms - client_.last_active_ms) / 1000;
}

}  // namespace kiln
