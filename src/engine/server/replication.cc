#include "engine/server/replication.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/boot_clock.h"
#include "base/log.h"
#include "base/number.h"
#include "base/split_args.h"
#include "base/time.h"
#include "engine/replication/link_clock.h"
#include "engine/server/append_only.h"
#include "engine/server/dispatcher.h"
#include "engine/server/persistence.h"
#include "engine/server/primary_link.h"
#include "engine/server/server.h"
#include "engine/server/worker.h"

namespace kiln {
namespace {

constexpr int64_t kUpdateMs = 1000;

constexpr char kReadOnlyReplica[] = "READONLY You can't write against a read only replica.";
constexpr char kLinkDown[] =
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.";
constexpr char kTooFewReplicas[] = "NOREPLICAS Not enough good replicas to write.";
constexpr char kStateChanged[] =
    "-UNBLOCKED force unblock from blocking operation, instance state changed (master -> "
    "replica?)\r\n";

}  // namespace

Replication::Replication(Server& server)
    : server_(server), links_(server, history_), failover_(server), durability_(server) {}

Replication::~Replication() = default;

// ---- The server's life ----

void Replication::Start(const std::optional<ReplicationPlace>& place) {
  durability_.OnSettings();
  const std::string& words = server_.settings().replicaof;
  Journal& journal = server_.journal();
  // An append-only file has begun to write the journal: then nobody can go on from the snapshot.
  if (place && !server_.IsJournaling(JournalUser::kFile)) {
    journal.Restart(place->offset, place->db);
    words.empty() ? history_.Restore(place->id, place->offset) : history_.Join(place->id);
    server_.SetJournaling(JournalUser::kReplicas, true);
    JournalDeletions(server_.persistence().TakeDueKeys());
  }
  (void)server_.persistence().TakeDueKeys();
  if (!words.empty()) {
    size_t space = words.find(' ');
    auto port = ParseInt64(std::string_view(words).substr(space + 1));
    SetPrimary(words.substr(0, space), port.value_or(0), false);
    SetRole(true);
  }
  has_started_ = true;
  UpdateDoubts();
}

void Replication::OnProgress() {
  ServeWaits();
  if (server_.settings().durability == Durability::kSync) server_.ReleaseReplies();
}

void Replication::JournalDeletions(const std::vector<std::pair<int, std::string>>& keys) {
  std::string bytes;
  for (const auto& [db, key] : keys) {
    bytes.clear();
    std::string_view words[] = {"DEL", key};
    AppendCommand(&bytes, words);
    JournalEntry entry{db, bytes};
    server_.journal().Append({&entry, 1});
  }
}

void Replication::Stop() {
  link_.reset();
}

void Replication::OnTick() {
  if (!has_started_) return;
  if (IsHeld() && BootMs() >= held_until_ms_) {
    held_until_ms_ = 0;
    Relink();
  }
  if (link_ != nullptr) link_->OnTick();
  links_.OnTick();
  durability_.OnTick();
  if (failover_.is_on()) server_.gate().Exclusive(0, [&] { failover_.OnTick(); });
  if (has_waits_.load(std::memory_order_relaxed)) ServeWaits();
  int64_t now_ms = LinkClockMs();
  if (!must_update_doubts_.exchange(false) && now_ms < next_update_ms_) return;
  next_update_ms_ = now_ms + kUpdateMs;
  if (HasEnoughReplicas() == lacks_replicas_) server_.gate().Exclusive(0, [&] { UpdateDoubts(); });
}

void Replication::OnSettings() {
  durability_.OnSettings();
  UpdateDoubts();
  if (server_.settings().appendonly) return;
  std::lock_guard<std::mutex> lock(waits_mutex_);
  std::erase_if(waits_, [&](const Wait& wait) {
    if (!wait.what.local_file) return false;
    server_.EndReplicationWait(wait.client, wait.ticket,
                               "-" + std::string(kWaitAofWithoutFile) + "\r\n");
    return true;
  });
  has_waits_ = !waits_.empty();
}

void Replication::Replicate(std::span<const std::string_view> words) {
  if (!server_.IsJournaling(JournalUser::kReplicas)) return;
  std::string bytes;
  AppendCommand(&bytes, words);
  server_.journal().AppendNote(bytes);
}

// ---- Roles ----

bool Replication::Follow(std::string_view host, int64_t port) {
  if (IsReplica() && primary_.host == host && primary_.port == port && !IsHeld()) return false;
  SetPrimary(host, port, false);
  if (IsReplica()) return true;
  SetRole(true);
  Log(LogLevel::kNotice,
      "Before turning into a replica, using my own master parameters to synthesize a cached "
      "master: I may be able to synchronize with the new master with just a partial transfer.");
  return true;
}

void Replication::FollowForFailover(const std::string& host, int64_t port) {
  SetPrimary(host, port, true);
  SetRole(true);
}

void Replication::SetPrimary(std::string_view host, int64_t port, bool takes_over) {
  primary_ = {std::string(host), port};
  takes_over_ = takes_over;
  held_until_ms_ = 0;
  DropLinkForGood();
  std::string port_text = std::to_string(port);
  std::vector<std::string> words = {"no", "one"};
  if (!host.empty()) words = {primary_.host, port_text};
  (void)server_.parameters().Assign(*FindParameter("replicaof"), words);
}

// Worker 0 makes the next one, if there is to be one.
void Replication::DropLinkForGood() {
  if (link_ != nullptr) link_->Abandon();
  is_link_up_ = false;
  link_down_since_s_ = NowMs() / 1000;
  server_.worker(0).loop().mailbox().Post([this] { Relink(); });
}

void Replication::Relink() {
  if (link_ != nullptr && !link_->is_abandoned()) return;
  link_.reset();
  if (!IsReplica() || IsHeld()) return;
  link_ =
      std::make_unique<PrimaryLink>(server_, primary_.host, static_cast<uint16_t>(primary_.port),
                                    std::exchange(takes_over_, false));
}

void Replication::SetRole(bool is_replica) {
  is_replica_ = is_replica;
  if (is_replica) {
    durability_.OnDemoted();
    // Nobody waits for what this server will not change by itself; and nobody is told any more of
    // changes that the next primary may not have.
    server_.ForEach([&](Client& client) {
      if (client.is_primary) return;
      if (!client.is_admin && durability_.HoldsBack(client))
        return server_.Close(client.handle, false);
      if (!client.is_blocked) return;
      Worker& owner = server_.worker(client.handle.worker);
      if (owner.dispatcher().EndWaitAlone(client, kStateChanged))
        server_.Close(client.handle, true);
    });
  }
  for (size_t i = 0; i < server_.workers(); ++i) {
    StoreContext& context = server_.worker(i).context();
    context.is_replica = is_replica;
    context.local_expiries.clear();
  }
  server_.UpdateJournaling();
  durability_.OnSettings();
  UpdateDoubts();
}

void Replication::BecomePrimary() {
  if (!IsReplica()) return;
  history_.BecomePrimary(server_.journal().end());
  Log(LogLevel::kNotice,
      fmt::format("Setting secondary replication ID to {}, valid up to offset: {}. New replication "
                  "ID is {}",
                  history_.previous_id(), history_.previous_end() + 1, history_.id()));
  SetPrimary({}, 0, false);
  SetRole(false);
  links_.OnPromoted();
  links_.CloseAll();  // they come back, and learn the new id
}

std::string Replication::TakeOver(std::string_view id) {
  if (!IsReplica()) return "PSYNC FAILOVER can't be sent to a master.";
  if (id != history_.id()) return "PSYNC FAILOVER replid must match my replid.";
  Log(LogLevel::kNotice, "Failover request was accepted: this server is the primary now");
  BecomePrimary();
  return {};
}

bool Replication::IsSyncing() const {
  return IsReplica() && link_ != nullptr && !link_->is_abandoned() && link_->IsSyncing();
}

std::string Replication::Hold(int64_t duration_ms) {
  if (!IsReplica()) return "only a replica can hold still.";
  if (IsSyncing()) return "this replica is taking everything anew.";
  held_until_ms_ = BootMs() + duration_ms;
  Log(LogLevel::kNotice,
      fmt::format("Nothing more is taken from the primary for {} ms: this replica may be the next",
                  duration_ms));
  DropLinkForGood();
  UpdateDoubts();
  return {};
}

bool Replication::IsWithoutPrimary() const {
  return IsReplica() && !is_link_up_;
}

std::optional<ReplicationPlace> Replication::Place() const {
  if (!server_.IsJournaling(JournalUser::kReplicas)) return std::nullopt;
  const Journal& journal = server_.journal();
  return ReplicationPlace{history_.id(), journal.end(), std::max(journal.database(), 0)};
}

// What changes from now on is in no journal: who comes later must take everything.
void Replication::OnJournalOff() {
  if (!IsReplica()) history_.BeginAnew();
}

// ---- The link ----

void Replication::OnAckWanted() {
  if (link_ != nullptr) link_->OnAckWanted();
}

Client* Replication::PrimaryClient() {
  return link_ == nullptr || link_->is_abandoned() ? nullptr : link_->client();
}

void Replication::DropLink() {
  if (link_ != nullptr) link_->Drop();
}

void Replication::OnContinued(const std::string& id) {
  if (id == history_.id()) return;
  history_.ContinueAs(id, server_.journal().end());
  links_.CloseAll();
}

void Replication::OnLoaded(const ReplicationPlace& place) {
  links_.CloseAll();
  history_.Join(place.id);
  for (size_t i = 0; i < server_.workers(); ++i) server_.worker(i).context().local_expiries.clear();
  server_.journal().Restart(place.offset, place.db);
  server_.SetJournaling(JournalUser::kReplicas, true);
}

void Replication::OnLinkChanged() {
  bool is_up = link_ != nullptr && link_->state() == PrimaryLink::State::kStreaming;
  if (is_link_up_ && !is_up) link_down_since_s_ = NowMs() / 1000;
  is_link_up_ = is_up;
  if (failover_.is_on() && is_up) failover_.OnAnswer(true);
  UpdateDoubts();
}

void Replication::OnRefusedHandOver() {
  failover_.OnAnswer(false);
}

// ---- Admission ----

bool Replication::HasEnoughReplicas() const {
  const Settings& settings = server_.settings();
  if (settings.min_replicas_to_write == 0 || settings.min_replicas_max_lag_s == 0) return true;
  int64_t since_ms = LinkClockMs() - settings.min_replicas_max_lag_s * 1000;
  return links_.table().CountHeardSince(since_ms) >=
         static_cast<size_t>(settings.min_replicas_to_write);
}

bool Replication::IsStale() const {
  return IsReplica() && !is_link_up_ && !server_.settings().replica_serve_stale_data;
}

std::string_view Replication::WriteRefusal(const Client& client) const {
  if (RefusesWrites(client)) return kReadOnlyReplica;
  if (lacks_replicas_) return kTooFewReplicas;
  return IsReplica() ? std::string_view() : durability_.Refusal();
}

uint32_t Replication::doubtful_flags() const {
  const Settings& settings = server_.settings();
  uint32_t flags = 0;
  if (IsStale()) flags = ~uint32_t{0};
  bool may_refuse = !IsReplica() && durability_.MayRefuse();
  if ((IsReplica() && settings.replica_read_only) || lacks_replicas_ || may_refuse)
    flags |= kWrite | kMayReplicate | kLocksQueue;
  return flags;
}

void Replication::UpdateDoubts() {
  lacks_replicas_ = !IsReplica() && !HasEnoughReplicas();
  server_.persistence().UpdateDoubts();
}

bool Replication::RefusesWrites(const Client& client) const {
  return IsReplica() && server_.settings().replica_read_only && !client.is_primary;
}

std::string Replication::Refusal(const Command& command, const Client& client) const {
  auto any = [&](auto&& f) {
    if (f(command)) return true;
    const auto& queue = client.transaction.queue;
    return command.Is(kLocksQueue) && client.transaction.active &&
           std::any_of(queue.begin(), queue.end(),
                       [&](const QueuedRequest& request) { return f(*request.command); });
  };
  bool writes = any([](const Command& one) { return one.Is(kWrite); });
  if (lacks_replicas_ && writes) return kTooFewReplicas;
  if (writes && RefusesWrites(client)) return kReadOnlyReplica;
  if (writes && !IsReplica()) {
    std::string_view refusal = durability_.Refusal();
    if (!refusal.empty()) return std::string(refusal);
  }
  if (IsStale() && any([](const Command& one) { return !one.Is(kStale); })) return kLinkDown;
  return {};
}

// ---- WAIT and WAITAOF ----

bool Replication::IsInLocalFile(uint64_t offset) const {
  const AppendOnly& append_only = server_.append_only();
  return append_only.is_on() && append_only.SyncedOffset() >= offset;
}

size_t Replication::CountFor(const ReplicationWait& wait) const {
  return wait.is_for_files ? links_.table().CountWithInFile(wait.offset)
                           : links_.table().CountWith(wait.offset);
}

bool Replication::IsOver(const ReplicationWait& wait) const {
  return CountFor(wait) >= static_cast<size_t>(std::max<int64_t>(wait.replicas, 0)) &&
         (!wait.local_file || IsInLocalFile(wait.offset));
}

std::string Replication::WaitReply(const ReplicationWait& wait) {
  size_t count = CountFor(wait);
  if (!wait.is_for_files) return fmt::format(":{}\r\n", count);
  return fmt::format("*2\r\n:{}\r\n:{}\r\n", IsInLocalFile(wait.offset) ? 1 : 0, count);
}

std::optional<std::string> Replication::StartWait(Client& client, const ReplicationWait& wait) {
  std::lock_guard<std::mutex> lock(waits_mutex_);
  if (IsOver(wait)) return WaitReply(wait);
  client.replication_wait = ++last_ticket_;
  waits_.push_back({wait, client.handle, last_ticket_});
  has_waits_ = true;
  links_.AskForAcks();
  return std::nullopt;
}

void Replication::ForgetWait(uint64_t ticket) {
  std::lock_guard<std::mutex> lock(waits_mutex_);
  std::erase_if(waits_, [&](const Wait& wait) { return wait.ticket == ticket; });
  has_waits_ = !waits_.empty();
}

void Replication::ServeWaits() {
  if (!has_waits_.load(std::memory_order_relaxed)) return;
  std::lock_guard<std::mutex> lock(waits_mutex_);
  std::erase_if(waits_, [&](const Wait& wait) {
    if (!IsOver(wait.what)) return false;
    server_.EndReplicationWait(wait.client, wait.ticket, WaitReply(wait.what));
    return true;
  });
  has_waits_ = !waits_.empty();
}

}  // namespace kiln
