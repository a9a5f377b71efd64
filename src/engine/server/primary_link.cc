#include "engine/server/primary_link.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/time.h"
#include "engine/replication/link_clock.h"
#include "engine/server/append_only.h"
#include "engine/server/replication.h"
#include "engine/server/server.h"
#include "engine/server/worker.h"

namespace kiln {
namespace {

constexpr size_t kReadBytes = size_t{256} << 10;
constexpr int64_t kRetryMs = 1000;
constexpr int64_t kAckMs = 1000;
constexpr size_t kMaxLineBytes = 64 << 10;
constexpr size_t kMaxHeldBytes = size_t{64} << 20;

bool IsNumeric(const std::string& host) {
  in6_addr address;
  return inet_pton(AF_INET, host.c_str(), &address) == 1 ||
         inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

// May take as long as the resolver likes; empty: no such host.
std::string Resolve(const std::string& host) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return {};
  char text[NI_MAXHOST] = "";
  (void)getnameinfo(found->ai_addr, found->ai_addrlen, text, sizeof(text), nullptr, 0,
                    NI_NUMERICHOST);
  freeaddrinfo(found);
  return text;
}

}  // namespace

PrimaryLink::PrimaryLink(Server& server, std::string host, uint16_t port, bool takes_over)
    : server_(server),
      worker_(server.worker(0)),
      host_(std::move(host)),
      port_(port),
      takes_over_(takes_over),
      is_alive_(std::make_shared<bool>(true)) {
  Connect();
}

PrimaryLink::~PrimaryLink() {
  *is_alive_ = false;
  if (resolver_.joinable()) resolver_.join();
  (void)Watch(false);
}

bool PrimaryLink::Watch(bool on, uint32_t events) {
  if (stream_ == nullptr) return false;
  if (on && is_watched_) return worker_.loop().Modify(stream_->fd(), events, this), true;
  if (on == is_watched_) return true;
  if (!on) {
    worker_.loop().Remove(stream_->fd(), this);
    is_watched_ = false;
    return true;
  }
  is_watched_ = worker_.loop().Add(stream_->fd(), events, this).code == 0;
  return is_watched_;
}

const char* PrimaryLink::StateName() const {
  switch (state_) {
    case State::kConnect:
      return "connect";
    case State::kConnecting:
      return "connecting";
    case State::kHandshake:
      return "handshake";
    case State::kSnapshot:
    case State::kLoading:
      return "sync";
    case State::kStreaming:
      return "connected";
  }
  return "";
}

void PrimaryLink::SetState(State state) {
  bool changes = (state_ == State::kStreaming) != (state == State::kStreaming);
  state_ = state;
  if (changes) server_.gate().Exclusive(0, [&] { server_.replication().OnLinkChanged(); });
}

// ---- Connecting ----

void PrimaryLink::Connect() {
  Log(LogLevel::kNotice, fmt::format("Connecting to MASTER {}:{}", host_, port_));
  last_heard_ms_ = LinkClockMs();
  state_ = State::kConnecting;
  if (IsNumeric(host_)) return ConnectTo(host_);
  if (resolver_.joinable()) resolver_.join();
  resolver_ =
      std::thread([this, alive = is_alive_, host = host_, &mailbox = worker_.loop().mailbox()] {
        std::string address = Resolve(host);
        mailbox.Post([this, alive, address] {
          if (*alive && !is_abandoned_ && state_ == State::kConnecting) ConnectTo(address);
        });
      });
}

void PrimaryLink::ConnectTo(const std::string& address) {
  if (address.empty()) return Lose("Unable to find the address of the primary " + host_);
  auto socket = ConnectTcp(address, port_);
  if (!socket) return Lose("Unable to connect to MASTER: " + socket.error().Text());
  SetNoDelay(socket->get());
  stream_ = std::make_unique<PlainStream>(std::move(*socket));
  if (!Watch(true, EPOLLIN | EPOLLOUT)) Lose("Unable to watch the connection to MASTER");
}

void PrimaryLink::Lose(const std::string& why) {
  if (!why.empty()) Log(LogLevel::kWarning, why);
  (void)Watch(false);
  stream_.reset();
  handshake_.reset();
  receiver_.reset();
  replayer_.reset();
  input_.Release();
  output_.clear();
  next_try_ms_ = LinkClockMs() + kRetryMs;
  bool goes_on = state_ == State::kStreaming && !wants_everything_;
  SetState(State::kConnect);
  if (!goes_on) return;
  // Who had the changes comes back at once, while the primary still has the next ones.
  worker_.loop().mailbox().Post([this, alive = is_alive_] {
    if (*alive && !is_abandoned_ && state_ == State::kConnect) Connect();
  });
}

Client* PrimaryLink::client() {
  if (state_ != State::kStreaming || replayer_ == nullptr) return nullptr;
  Client& client = replayer_->client();
  client.last_active_ms = static_cast<uint64_t>(NowMs() - (LinkClockMs() - last_heard_ms_));
  return &client;
}

void PrimaryLink::Drop() {
  if (stream_ == nullptr) return;
  stream_->Shutdown();
  worker_.loop().mailbox().Post([this, alive = is_alive_, fd = stream_->fd()] {
    if (*alive && stream_ != nullptr && stream_->fd() == fd) Lose("Connection with master lost.");
  });
}

const char* PrimaryLink::TimeoutText() const {
  if (state_ == State::kStreaming) return "MASTER timeout: no data nor PING received...";
  if (state_ != State::kSnapshot) return "Timeout connecting to the MASTER...";
  return "Timeout receiving bulk data from MASTER... If the problem persists try to set the "
         "'repl-timeout' parameter to a larger value.";
}

void PrimaryLink::OnTick() {
  if (is_abandoned_) return;
  int64_t now_ms = LinkClockMs();
  if (state_ == State::kConnect) {
    if (now_ms >= next_try_ms_) Connect();
    return;
  }
  bool is_loading = state_ == State::kLoading;
  int64_t silent_ms = now_ms - last_heard_ms_;
  if (!is_loading && silent_ms > server_.settings().repl_timeout_s * 1000)
    return Lose(TimeoutText());
  if (state_ == State::kStreaming && input_.size() > 0) {
    (void)Watch(true);
    TakeChanges();
    if (state_ != State::kStreaming) return;
  }
  if (now_ms < next_ack_ms_) return;
  next_ack_ms_ = now_ms + kAckMs;
  if (state_ == State::kStreaming) SendAck();
  // So that the primary knows that somebody is there.
  if (is_loading) Say("\n");
}

// ---- Talking ----

void PrimaryLink::OnEvents(uint32_t events) {
  if (is_abandoned_ || stream_ == nullptr) return;
  if (state_ == State::kConnecting) {
    if (NetError error = PendingError(stream_->fd()); error.code != 0)
      return Lose("Error condition on socket for SYNC: " + error.Text());
    Log(LogLevel::kNotice, "Non blocking connect for SYNC fired the event.");
    const Settings& settings = server_.settings();
    const ReplicationHistory& history = server_.replication().history();
    ReplicaIdentity identity{.user = settings.masteruser,
                             .password = settings.managed_node ? "" : settings.masterauth,
                             .secret = settings.managed_node ? settings.masterauth : "",
                             .port = static_cast<uint16_t>(settings.replica_announce_port != 0
                                                               ? settings.replica_announce_port
                                                               : settings.port),
                             .zone = settings.availability_zone,
                             .address = settings.replica_announce_ip,
                             .takes_over = takes_over_};
    if (!wants_everything_ && server_.IsJournaling(JournalUser::kReplicas)) {
      identity.history = history.id();
      identity.offset = server_.journal().end();
    }
    handshake_ = std::make_unique<ReplicationHandshake>(std::move(identity));
    state_ = State::kHandshake;
    (void)Watch(true);
    return Say(handshake_->Begin());
  }
  if (events & EPOLLOUT) WriteOut();
  if (stream_ != nullptr && (events & (EPOLLIN | EPOLLHUP | EPOLLERR))) Read();
}

void PrimaryLink::Say(std::string_view bytes) {
  if (stream_ == nullptr || bytes.empty()) return;
  bool was_empty = output_.empty();
  output_.append(bytes);
  if (was_empty) WriteOut();
}

void PrimaryLink::WriteOut() {
  while (!output_.empty()) {
    ssize_t sent = stream_->Write(output_);
    if (sent == Stream::kError) return Lose("Connection with MASTER lost.");
    if (sent == Stream::kWouldBlock) break;
    output_.erase(0, static_cast<size_t>(sent));
  }
  uint32_t wants = output_.empty() ? 0u : static_cast<uint32_t>(EPOLLOUT);
  if (is_watched_) (void)Watch(true, EPOLLIN | wants);
}

void PrimaryLink::Read() {
  if (state_ == State::kLoading || (receiver_ != nullptr && receiver_->IsFull())) {
    // It is looked at again when that has changed.
    (void)Watch(false);
    return;
  }
  ssize_t got = stream_->Read({input_.Reserve(kReadBytes), kReadBytes});
  if (got == Stream::kWouldBlock) return;
  if (got <= 0) return Lose("Connection with MASTER lost.");
  input_.Commit(static_cast<size_t>(got));
  last_heard_ms_ = LinkClockMs();
  server_.NoteReplicationInput(static_cast<size_t>(got));
  Take();
}

void PrimaryLink::Take() {
  while (stream_ != nullptr && state_ == State::kHandshake && TakeLine()) {
  }
  if (stream_ != nullptr && state_ == State::kSnapshot) TakeSnapshot();
  if (stream_ != nullptr && state_ == State::kStreaming) TakeChanges();
}

bool PrimaryLink::TakeLine() {
  std::string_view bytes = input_.view();
  size_t end = bytes.find('\n');
  if (end == std::string_view::npos) {
    if (bytes.size() > kMaxLineBytes) Lose("The primary's line is too long");
    return false;
  }
  std::string line(bytes.substr(0, end));
  if (line.ends_with('\r')) line.pop_back();
  input_.Consume(end + 1);
  std::string to_send;
  ReplicationHandshake::Outcome outcome = handshake_->OnLine(line, &to_send);
  Say(to_send);
  if (stream_ != nullptr) OnAnswer(outcome);
  return true;
}

void PrimaryLink::OnAnswer(ReplicationHandshake::Outcome outcome) {
  using Outcome = ReplicationHandshake::Outcome;
  if (outcome == Outcome::kGoesOn) return;
  if (outcome == Outcome::kFailed) {
    std::string error = handshake_->error();
    if (takes_over_) {
      // The other will not be the primary: this server is again.
      Log(LogLevel::kWarning, error);
      return server_.gate().Exclusive(0, [&] { server_.replication().OnRefusedHandOver(); });
    }
    return Lose(error);
  }
  takes_over_ = false;
  std::string id = handshake_->history();
  if (outcome == Outcome::kSnapshot) {
    Log(LogLevel::kNotice, fmt::format("Full resync from master: {}:{}", id, handshake_->offset()));
    return BeginSnapshot();
  }
  Log(LogLevel::kNotice, "Successful partial resynchronization with master.");
  server_.gate().Exclusive(0, [&] { server_.replication().OnContinued(id); });
  BeginStream(std::max(server_.journal().database(), 0));
}

// ---- The snapshot ----

void PrimaryLink::BeginSnapshot() {
  frame_ = {};
  bool is_same = handshake_->history() == server_.replication().history().id();
  receiver_ = SnapshotReceiver::Make(server_, is_same, [this, alive = is_alive_] {
    if (*alive && !is_abandoned_ && state_ == State::kSnapshot) (void)Watch(true);
  });
  state_ = State::kSnapshot;
}

bool PrimaryLink::TakeSnapshot() {
  std::string_view payload;
  size_t used = 0;
  SnapshotFrame::Status status = frame_.Feed(input_.view(), &payload, &used);
  std::string error = status == SnapshotFrame::Status::kBroken ? frame_.error() : "";
  if (error.empty() && !payload.empty()) error = receiver_->Take(payload);
  input_.Consume(used);
  if (!error.empty()) return Lose("The snapshot could not be received: " + error), false;
  if (status == SnapshotFrame::Status::kGoesOn) return false;
  state_ = State::kLoading;
  ReplicationPlace place{handshake_->history(), handshake_->offset(), 0};
  receiver_->Finish([this, &server = server_, alive = is_alive_, place](std::string why, int db) {
    // What was loaded is there, also if the primary has gone meanwhile.
    bool is_database = db >= 0 && db < server.keyspace().databases();
    if (why.empty() && !is_database) why = "It goes on in a database that there is not here";
    if (why.empty()) server.replication().OnLoaded({place.id, place.offset, db});
    server.worker(0).loop().mailbox().Post([&server] { server.append_only().ResumeAfterLoad(); });
    if (*alive && !is_abandoned_) OnLoaded(why, db);
  });
  return true;
}

void PrimaryLink::OnLoaded(const std::string& error, int db) {
  wants_everything_ = !error.empty();
  if (state_ != State::kLoading) return;  // the primary has gone meanwhile
  if (!error.empty()) {
    worker_.loop().mailbox().Post([this, alive = is_alive_, error] {
      if (*alive) Lose("The primary's snapshot could not be loaded: " + error);
    });
    return;
  }
  Log(LogLevel::kNotice, "MASTER <-> REPLICA sync: Finished with success");
  worker_.loop().mailbox().Post([this, alive = is_alive_, db] {
    if (!*alive || is_abandoned_ || stream_ == nullptr) return;
    receiver_.reset();
    BeginStream(db);
    if (stream_ != nullptr && input_.size() > 0) TakeChanges();
  });
}

// ---- The changes ----

void PrimaryLink::BeginStream(int db) {
  handshake_.reset();
  replayer_ = std::make_unique<Replayer>(worker_, &server_.journal());
  replayer_->SelectDatabase(db);
  Client& client = replayer_->client();
  client.handle.id = server_.NextClientId();
  client.fd = stream_->fd();
  client.address = PeerAddressText(client.fd);
  client.local_address = LocalAddressText(client.fd);
  client.created_ms = static_cast<uint64_t>(NowMs());
  (void)Watch(true);
  last_heard_ms_ = LinkClockMs();
  SetState(State::kStreaming);
  SendAck();
}

void PrimaryLink::TakeChanges() {
  // CLIENT PAUSE holds changes back too; what comes meanwhile is taken in the next tick behind it.
  if (server_.IsPaused(static_cast<uint64_t>(NowMs()))) {
    if (input_.size() > kMaxHeldBytes) (void)Watch(false);
    return;
  }
  size_t used = replayer_->Feed(input_.view());
  input_.Consume(used);
  if (input_.size() == 0) input_.Release();
  if (!replayer_->error().empty()) {
    wants_everything_ = true;
    return Lose("The primary's changes make no sense: " + replayer_->error());
  }
  (void)server_.append_only().WriteOut();
  if (std::exchange(must_ack_, false)) SendAck();
}

void PrimaryLink::SendAck() {
  std::string offset = std::to_string(server_.journal().end());
  std::string bytes;
  if (server_.append_only().is_on()) {
    std::string in_file = std::to_string(server_.append_only().SyncedOffset());
    std::string_view words[] = {"REPLCONF", "ACK", offset, "FACK", in_file};
    AppendCommand(&bytes, words);
  } else {
    std::string_view words[] = {"REPLCONF", "ACK", offset};
    AppendCommand(&bytes, words);
  }
  Say(bytes);
}

}  // namespace kiln
