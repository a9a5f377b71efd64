#include "engine/server/replica_links.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "base/log.h"
#include "base/time.h"
#include "engine/commands/services.h"
#include "engine/replication/link_clock.h"
#include "engine/server/background_save.h"
#include "engine/server/persistence.h"
#include "engine/server/replica_sync.h"
#include "engine/server/replication.h"
#include "engine/server/server.h"
#include "engine/server/worker.h"

namespace kiln {
namespace {

constexpr std::string_view kPing = "*1\r\n$4\r\nPING\r\n";
constexpr std::string_view kGetAck = "*3\r\n$8\r\nREPLCONF\r\n$6\r\nGETACK\r\n$1\r\n*\r\n";

// A replica that has nothing yet is worth more than a file that is finished sooner.
constexpr int kSyncNiceness = 0;

// What it told, or where it comes from.
std::string AddressOf(const Client& client) {
  const std::string& told = client.replica->address;
  return told.empty() ? client.address.substr(0, client.address.rfind(':')) : told;
}

}  // namespace

ReplicaLinks::ReplicaLinks(Server& server, const ReplicationHistory& history)
    : server_(server),
      history_(history),
      last_ping_ms_(LinkClockMs()),
      alone_since_ms_(LinkClockMs()) {}

std::string ReplicaLinks::NameOf(const Client& client) const {
  uint16_t port = client.replica->port;
  return port == 0 ? client.address : fmt::format("{}:{}", AddressOf(client), port);
}

// What some replica has not taken yet is there for others too.
uint64_t ReplicaLinks::BacklogBytes() const {
  const Journal& journal = server_.journal();
  auto size = static_cast<uint64_t>(server_.settings().repl_backlog_bytes);
  return std::min(journal.end() - journal.begin(), std::max(size, journal.readers().lag));
}

// ---- Coming and going ----

bool ReplicaLinks::CanContinue(std::string_view id, int64_t next) const {
  const Journal& journal = server_.journal();
  if (next < 1 || !server_.IsJournaling(JournalUser::kReplicas)) return false;
  uint64_t offset = static_cast<uint64_t>(next) - 1;
  if (!history_.Includes(id, offset)) {
    Log(LogLevel::kNotice,
        fmt::format("Partial resynchronization not accepted: Replication ID mismatch (Replica "
                    "asked for '{}', my replication IDs are '{}' and '{}')",
                    id, history_.id(), history_.previous_id()));
    return false;
  }
  bool is_there = offset <= journal.end() && journal.end() - offset <= BacklogBytes();
  if (!is_there) {
    Log(LogLevel::kNotice,
        fmt::format("Unable to partial resync with replica for lack of backlog (Replica request "
                    "was: {}).",
                    next));
  }
  return is_there;
}

void ReplicaLinks::AddFeed(Client& client) {
  uint32_t index = client.handle.worker;
  while (feeds_.size() < server_.workers()) feeds_.push_back(std::make_unique<Feeds>());
  Feeds& feeds = *feeds_[index];
  feeds.sessions.push_back(client.handle.id);
  feeds.any = true;
  feeds.sent_until = 0;
  feed_count_.fetch_add(1);
  server_.worker(index).Find(client.handle.id)->BeginFeed(server_.journal());
}

std::string ReplicaLinks::Attach(Client& client, Reply& reply, std::string_view id, int64_t next) {
  ReplicaTraits& traits = *client.replica;
  std::string name = NameOf(client);
  if (server_.replication().IsWithoutPrimary())
    return "NOMASTERLINK Can't SYNC while not connected with my master";
  traits.is_attached = true;
  traits.wants_place = !id.empty();
  client.is_plain = false;
  server_.SetJournaling(JournalUser::kReplicas, true);
  AddFeed(client);
  Session& session = *server_.worker(client.handle.worker).Find(client.handle.id);
  ReplicaInfo info{.client = client.handle,
                   .address = AddressOf(client),
                   .port = traits.port,
                   .zone = traits.zone,
                   .heard_ms = LinkClockMs()};
  if (!traits.wants_snapshot_only && CanContinue(id, next)) {
    ++counts_.partial;
    info.state = ReplicaState::kOnline;
    info.offset = static_cast<uint64_t>(next) - 1;
    table_.Add(info);
    reply.Simple("CONTINUE " + history_.id());
    session.feed()->BeginChanges(info.offset);
    Log(LogLevel::kNotice,
        fmt::format("Partial resynchronization request from {} accepted. Sending {} bytes of "
                    "backlog starting from offset {}.",
                    name, server_.journal().end() - info.offset, next));
    server_.replication().UpdateDoubts();
    return {};
  }
  ++counts_.full;
  if (!id.empty() && id != "?") ++counts_.refused;
  table_.Add(info);
  Log(LogLevel::kNotice, fmt::format("Full resync requested by replica {}", name));
  StartSync();
  return {};
}

void ReplicaLinks::OnDisconnected(Client& client) {
  if (!table_.Remove(client.handle)) return;
  Log(LogLevel::kNotice, fmt::format("Connection with replica {} lost.", NameOf(client)));
  Feeds& feeds = *feeds_[client.handle.worker];
  std::erase(feeds.sessions, client.handle.id);
  feeds.any = !feeds.sessions.empty();
  feed_count_.fetch_sub(1);
  if (table_.size() == 0) alone_since_ms_ = LinkClockMs();
  server_.replication().OnReplicasChanged();
}

void ReplicaLinks::CloseAll() {
  for (const ReplicaInfo& replica : table_.All()) {
    // Nothing more is sent: what the new history has comes under its own id.
    Session* session = server_.worker(replica.client.worker).Find(replica.client.id);
    if (session != nullptr) server_.Kill(session->client());
  }
}

void ReplicaLinks::OnPromoted() {
  alone_since_ms_ = LinkClockMs();
}

void ReplicaLinks::OnAck(Client& client, uint64_t offset, std::optional<uint64_t> in_file) {
  if (!client.replica->is_attached) return;
  int64_t now_ms = LinkClockMs();
  table_.OnAck(client.handle, offset, in_file, now_ms);
  Session* session = server_.worker(client.handle.worker).Find(client.handle.id);
  session->feed()->OnSnapshotTaken();
  auto known = table_.Find(client.handle);
  bool is_new = known && known->state != ReplicaState::kOnline;
  if (is_new && !session->feed()->IsSendingSnapshot()) {
    if (client.replica->wants_snapshot_only) return session->Close();
    table_.SetState(client.handle, ReplicaState::kOnline, now_ms);
    Log(LogLevel::kNotice,
        fmt::format("Synchronization with replica {} succeeded", NameOf(client)));
    session->Flush();
    server_.replication().OnReplicasChanged();
  }
  server_.replication().OnProgress();
}

bool ReplicaLinks::IsReplicas(const Command* command) {
  return command != nullptr &&
         (command->name == "REPLCONF" || command->name == "PSYNC" || command->name == "SYNC");
}

void ReplicaLinks::CutOff(Session& session, const Command* command) {
  std::string name(command == nullptr ? "<unknown>" : command->name);
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  if (command != nullptr && command->Is(kWrite | kReadOnly | kMayReplicate)) {
    Log(LogLevel::kWarning,
        "== CRITICAL == This master is sending an error to its replica: 'ERR Replica can't "
        "interact with the keyspace' after processing the command '" +
            name + "'");
  }
  Log(LogLevel::kWarning,
      fmt::format("Replica generated a reply to command '{}', disconnecting it: {}", name,
                  session.worker().server().Describe(session.client())));
  session.Close();
}

// ---- Sending ----

void ReplicaLinks::WakeAll() {
  for (size_t i = 0; i < feeds_.size(); ++i) {
    if (feeds_[i]->any && !feeds_[i]->is_woken.exchange(true))
      server_.worker(i).loop().mailbox().Wake();
  }
}

void ReplicaLinks::AfterTurn(Worker& worker) {
  if (feed_count_.load(std::memory_order_relaxed) == 0) return;
  Journal& journal = server_.journal();
  if (asks_for_acks_.load(std::memory_order_relaxed) && asks_for_acks_.exchange(false) &&
      !server_.replication().IsReplica()) {
    journal.AppendNote(kGetAck);
  }
  uint64_t end = journal.end();
  for (size_t i = 0; i < feeds_.size(); ++i) {
    Feeds& feeds = *feeds_[i];
    if (!feeds.any.load(std::memory_order_relaxed)) continue;
    if (i == worker.index()) {
      feeds.is_woken = false;
      SendAll(worker);
      feeds.sent_until.store(end, std::memory_order_relaxed);
    } else if (feeds.sent_until.load(std::memory_order_relaxed) < end &&
               !feeds.is_woken.exchange(true)) {
      server_.worker(i).loop().mailbox().Wake();
    }
  }
}

void ReplicaLinks::SendAll(Worker& worker) {
  std::vector<uint64_t> sessions = feeds_[worker.index()]->sessions;  // some may close
  for (uint64_t id : sessions) {
    Session* session = worker.Find(id);
    if (session == nullptr) continue;
    if (session->feed()->is_broken()) {
      session->Close();
    } else {
      session->Flush();
    }
  }
}

void ReplicaLinks::CheckFeeds(Worker& worker) {
  if (feed_count_.load(std::memory_order_relaxed) == 0) return;
  std::vector<uint64_t> sessions = feeds_[worker.index()]->sessions;
  for (uint64_t id : sessions) {
    if (Session* session = worker.Find(id)) session->CheckFeed();
  }
}

// ---- Full syncs ----

bool ReplicaLinks::IsTime(const std::vector<ReplicaInfo>& waiting) const {
  const Settings& settings = server_.settings();
  auto most = static_cast<size_t>(settings.repl_diskless_sync_max_replicas);
  if (most > 0 && waiting.size() >= most) return true;
  int64_t first_ms = waiting.front().heard_ms;
  for (const ReplicaInfo& one : waiting) first_ms = std::min(first_ms, one.heard_ms);
  return LinkClockMs() - first_ms >= settings.repl_diskless_sync_delay_s * 1000;
}

void ReplicaLinks::StartSync() {
  if (server_.background_save().is_running() || server_.persistence().is_loading()) return;
  std::vector<ReplicaInfo> waiting = table_.All();
  std::erase_if(waiting, [](const ReplicaInfo& one) { return one.state != ReplicaState::kWaits; });
  if (waiting.empty() || !IsTime(waiting)) return;
  if (std::vector<Session*> sessions = TakeWaiting(); !sessions.empty()) RunSync(sessions);
}

// Those that can be served together with the first.
std::vector<Session*> ReplicaLinks::TakeWaiting() {
  std::vector<Session*> sessions;
  const ReplicaTraits* first = nullptr;
  for (const ReplicaInfo& replica : table_.All()) {
    if (replica.state != ReplicaState::kWaits) continue;
    Session* session = server_.worker(replica.client.worker).Find(replica.client.id);
    if (session == nullptr || session->client().is_killed) continue;
    const ReplicaTraits& traits = *session->client().replica;
    if (first == nullptr) first = &traits;
    if (traits.can_read_marked != first->can_read_marked ||
        traits.wants_functions_only != first->wants_functions_only) {
      continue;
    }
    sessions.push_back(session);
  }
  return sessions;
}

void ReplicaLinks::RunSync(const std::vector<Session*>& sessions) {
  const ReplicaTraits& traits = *sessions[0]->client().replica;
  Journal& journal = server_.journal();
  // A replica's journal is its primary's: nothing can be put in. What it is at stands in the file.
  if (!server_.replication().IsReplica()) journal.ForgetDatabase();
  RdbSaveOptions options = server_.persistence().SaveOptions();
  options.key = nullptr;
  bool all_kiln = std::all_of(sessions.begin(), sessions.end(),
                              [](Session* one) { return one->client().replica->is_kiln; });
  if (!all_kiln) options.version = std::min(options.version, kRdbVersionOld);
  options.place = ReplicationPlace{history_.id(), journal.end(), std::max(journal.database(), 0)};
  auto stream = std::make_shared<SnapshotStream>([this] { WakeAll(); });
  std::string answer = fmt::format("+FULLRESYNC {} {}\r\n", history_.id(), journal.end());
  for (Session* session : sessions) {
    session->feed()->BeginSnapshot(session->client().replica->wants_place ? answer : "", stream,
                                   traits.can_read_marked);
    table_.SetState(session->client().handle, ReplicaState::kReceives, LinkClockMs());
  }
  Log(LogLevel::kNotice,
      fmt::format("Starting BGSAVE for SYNC with target: replicas sockets ({})", sessions.size()));
  Log(LogLevel::kNotice, fmt::format("Background RDB transfer started by pid {}", getpid()));
  SnapshotSending sending{stream, traits.can_read_marked, traits.wants_functions_only, &progress_};
  is_sending_ = true;
  sending_since_s_ = NowMs() / 1000;
  server_.background_save().Start(
      std::move(options), kSyncNiceness,
      [sending](const RdbContents& contents, const RdbSaveOptions& how,
                const ProduceFunction& produce) { return sending.Run(contents, how, produce); },
      [this, stream](const std::string& error) {
        is_sending_ = false;
        if (error.empty()) {
          Log(LogLevel::kNotice, "Background RDB transfer terminated with success");
        } else {
          Log(LogLevel::kWarning, "Background transfer error: " + error);
        }
        StartSync();
      });
}

// ---- From time to time ----

void ReplicaLinks::OnTick() {
  int64_t now_ms = LinkClockMs();
  if (table_.size() == 0) {
    int64_t ttl_ms = server_.settings().repl_backlog_ttl_s * 1000;
    bool is_over = ttl_ms > 0 && now_ms - alone_since_ms_ > ttl_ms;
    if (is_over && server_.IsJournaling(JournalUser::kReplicas) &&
        !server_.replication().IsReplica() && !server_.replication().durability().is_on()) {
      server_.gate().Exclusive(0, [&] {
        if (table_.size() == 0) server_.SetJournaling(JournalUser::kReplicas, false);
      });
    }
    return;
  }
  std::vector<ReplicaInfo> all = table_.All();
  bool any_waits = std::any_of(all.begin(), all.end(), [](const ReplicaInfo& one) {
    return one.state == ReplicaState::kWaits;
  });
  if (any_waits) server_.gate().Exclusive(0, [&] { StartSync(); });
  if (now_ms < next_second_ms_) return;
  next_second_ms_ = now_ms + 1000;
  CloseSilent();
  Ping();
}

void ReplicaLinks::Ping() {
  // Who waits for its snapshot is told that it has not been forgotten.
  for (const ReplicaInfo& replica : table_.All()) {
    if (replica.state == ReplicaState::kWaits) server_.SendBytes(replica.client, "\n");
  }
  int64_t now_ms = LinkClockMs();
  if (now_ms - last_ping_ms_ < server_.settings().repl_ping_replica_period_s * 1000) return;
  last_ping_ms_ = now_ms;
  const Replication& replication = server_.replication();
  if (!replication.IsReplica() && !replication.IsFailingOver()) server_.journal().AppendNote(kPing);
}

void ReplicaLinks::CloseSilent() {
  int64_t limit_ms = server_.settings().repl_timeout_s * 1000;
  for (const ReplicaInfo& replica : table_.All()) {
    if (replica.state != ReplicaState::kOnline || LinkClockMs() - replica.heard_ms <= limit_ms)
      continue;
    Log(LogLevel::kWarning, fmt::format("Disconnecting timedout replica (streaming sync): {}:{}",
                                        replica.address, replica.port));
    server_.Close(replica.client, false);
  }
}

}  // namespace kiln
