// The server's reach to its clients: messages through mailboxes, and looks into all workers by
// whoever runs alone.

#include <fmt/format.h>

#include <algorithm>

#include "base/split_args.h"
#include "base/time.h"
#include "engine/commands/call.h"
#include "engine/commands/client_tracking.h"
#include "engine/commands/replication.h"
#include "engine/server/client_memory.h"
#include "engine/server/dispatcher.h"
#include "engine/server/replication.h"
#include "engine/server/server.h"

namespace kiln {
namespace {

std::string FlagsOf(const Client& client) {
  std::string flags;
  if (client.replica != nullptr && client.replica->is_attached) flags += 'S';
  if (client.is_primary) flags += 'M';
  if (client.is_monitor) flags += 'O';
  if (client.subscriptions.any()) flags += 'P';
  if (client.transaction.active) flags += 'x';
  if (client.is_blocked || client.is_held_back) flags += 'b';
  if (client.tracking != nullptr) {
    flags += 't';
    if (client.tracking->is_redirection_broken) flags += 'R';
    if (client.tracking->is_broadcast()) flags += 'B';
  }
  if (client.transaction.state != nullptr &&
      client.transaction.state->dirty.load(std::memory_order_relaxed)) {
    flags += 'd';
  }
  if (client.close_after_reply) flags += 'c';
  if (client.no_evict) flags += 'e';
  if (client.no_touch) flags += 'T';
  return flags.empty() ? "N" : flags;
}

std::string LowerName(const Command* command) {
  if (command == nullptr) return "NULL";
  std::string name(command->name);
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return name;
}

}  // namespace

void Server::Send(ClientHandle to, std::shared_ptr<const std::string> bytes) {
  Worker* worker = workers_[to.worker].get();
  worker->loop().mailbox().Post([worker, id = to.id, bytes = std::move(bytes)] {
    Session* session = worker->Find(id);
    if (session == nullptr) return;
    // A message that was on its way when a RESP2 client left its last channel would look like a
    // reply.
    const Client& client = session->client();
    if (client.watched_events != 0) return session->SendEvent(*bytes);
    if (client.protocol_version >= 3 || client.subscriptions.any()) session->Send(*bytes);
  });
}

void Server::SendBytes(ClientHandle to, std::string bytes) {
  Worker* worker = workers_[to.worker].get();
  worker->loop().mailbox().Post([worker, id = to.id, bytes = std::move(bytes)] {
    if (Session* session = worker->Find(id)) session->Send(bytes);
  });
}

void Server::ReleaseReplies() {
  for (auto& worker : workers_) {
    if (worker->HoldsReplies())
      worker->loop().mailbox().Post([owner = worker.get()] { owner->ReleaseReplies(); });
  }
}

void Server::EndReplicationWait(ClientHandle who, uint64_t ticket, std::string reply) {
  Worker* worker = workers_[who.worker].get();
  worker->loop().mailbox().Post([worker, id = who.id, ticket, reply = std::move(reply)] {
    Session* session = worker->Find(id);
    if (session != nullptr) worker->dispatcher().EndReplicationWait(*session, ticket, reply);
  });
}

void Server::Close(ClientHandle who, bool after_output) {
  Worker* worker = workers_[who.worker].get();
  worker->loop().mailbox().Post([worker, id = who.id, after_output] {
    Session* session = worker->Find(id);
    if (session == nullptr) return;
    after_output ? session->CloseAfterOutput() : session->Close();
  });
}

void Server::Kill(Client& client) {
  if (client.is_primary) return replication_->DropLink();
  client.CloseAfterReply();
  client.is_killed = true;
  workers_[client.handle.worker]->dispatcher().ForgetAlone(client);
  Close(client.handle, false);
}

bool Server::Unblock(ClientHandle who, bool with_error) {
  if (who.worker >= workers_.size()) return false;
  Session* session = workers_[who.worker]->Find(who.id);
  if (session == nullptr) return false;
  constexpr std::string_view kError = "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n";
  return workers_[who.worker]->dispatcher().EndWaitAlone(session->client(),
                                                         with_error ? kError : std::string_view());
}

void Server::ForEach(const std::function<void(Client&)>& f) {
  for (auto& worker : workers_) {
    worker->ForEachSession([&](Session& session) {
      if (!session.client().is_killed) f(session.client());
    });
  }
}

std::string Server::Describe(const Client& client) {
  auto now_ms = static_cast<uint64_t>(NowMs());
  auto seconds_since = [&](uint64_t then_ms) {
    return now_ms > then_ms ? (now_ms - then_ms) / 1000 : 0;
  };
  return fmt::format(
      "id={} addr={} laddr={} fd={} name={} age={} idle={} flags={} db={} sub={} psub={} ssub={} "
      "multi={} "
      "qbuf={} qbuf-free={} argv-mem={} multi-mem={} rbs={} rbp={} obl={} oll={} omem={} "
      "tot-mem={} events={} "
      "cmd={} user={} redir={} resp={} lib-name={} lib-ver={}",
      client.handle.id, client.address, client.local_address, client.fd, client.name,
      seconds_since(client.created_ms), seconds_since(client.last_active_ms), FlagsOf(client),
      client.db, client.subscriptions.channels.size(), client.subscriptions.patterns.size(),
      client.subscriptions.shard_channels.size(),
      client.transaction.active ? static_cast<int>(client.transaction.queue.size()) : -1,
      client.input_bytes - std::min(client.input_bytes, client.parsed_bytes), 0,
      client.parsed_bytes, client.transaction.queue_bytes, 1024, 0, 0,
      client.output_bytes > 0 ? 1 : 0, client.output_bytes, ClientBytes(client), "r",
      LowerName(client.last_command), client.is_primary ? "(superuser)" : client.user,
      client.tracking == nullptr ? -1 : static_cast<int64_t>(client.tracking->redirect.id),
      client.protocol_version, client.lib_name, client.lib_version);
}

void Server::Pause(uint64_t until_ms, bool only_writes) {
  bool holds_all = IsPaused(static_cast<uint64_t>(NowMs())) && !pause_only_writes_;
  pause_until_ms_ = std::max(pause_until_ms_, until_ms);
  pause_only_writes_ = only_writes && !holds_all;
  for (auto& worker : workers_) {
    Worker* owner = worker.get();
    owner->loop().mailbox().Post([owner, until = pause_until_ms_] { owner->ResumeAt(until); });
  }
}

void Server::Unpause() {
  pause_until_ms_ = 0;
  for (auto& worker : workers_) {
    Worker* owner = worker.get();
    owner->loop().mailbox().Post([owner] { owner->ResumeAll(); });
  }
}

bool Server::IsHeldBack(const Command* command, Arguments arguments, const Client& client) const {
  if (!pause_only_writes_) return true;
  if (command == nullptr || !command->HasArity(arguments.size())) return false;
  auto changes = [&](const Command& what, Arguments words) {
    bool is_script = what.acl == Acl::kScripting && what.Is(kSkipMonitor);
    return what.Is(kWrite | kMayReplicate) && !(is_script && scripts_->IsReadOnly(what, words));
  };
  if (!command->Is(kLocksQueue)) return changes(*command, arguments);
  const auto& queue = client.transaction.queue;
  return std::any_of(queue.begin(), queue.end(), [&](const QueuedRequest& request) {
    std::vector<std::string_view> words(request.arguments.begin(), request.arguments.end());
    return changes(*request.command, words);
  });
}

void Server::SetMonitor(Client& client, bool on) {
  if (client.is_monitor == on) return;
  client.is_monitor = on;
  monitors_.fetch_add(on ? 1 : -1, std::memory_order_relaxed);
}

void Server::FeedMonitors(const Call& call) {
  if (call.command.Is(kAdmin) ||
      (call.command.Is(kSkipMonitor) && !Has(call.command.acl, Acl::kScripting)))
    return;
  const Client& client = call.client;
  auto now_us = NowUs();
  std::string line = fmt::format("+{}.{:06} [{} {}]", now_us / 1000000, now_us % 1000000, client.db,
                                 client.in_script ? "lua" : client.address);
  for (size_t i = 0; i < call.args.all().size(); ++i) {
    line += ' ';
    AppendQuoted(call.IsHidden(i) ? "(redacted)" : call.args.all()[i], &line);
  }
  line += "\r\n";
  auto shared = std::make_shared<const std::string>(std::move(line));
  for (auto& worker : workers_) {
    Worker* owner = worker.get();
    owner->loop().mailbox().Post([owner, shared] {
      owner->ForEachSession([&](Session& session) {
        if (session.client().is_monitor) session.Send(*shared);
      });
    });
  }
}

}  // namespace kiln
