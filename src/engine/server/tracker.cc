#include "engine/server/tracker.h"

#include <algorithm>

#include "engine/server/server.h"
#include "engine/server/session.h"
#include "engine/server/worker.h"
#include "protocol/resp/reply.h"

namespace kiln {
namespace {

using SharedKeys = Tracker::SharedKeys;

SharedKeys Everything() {
  static const SharedKeys none = std::make_shared<const Tracker::StaleKeys>();
  return none;
}

// RESP2 has no push type: there the message comes as one of a channel.
void WriteMessage(int version, const Tracker::StaleKeys& keys, ByteBuffer* bytes) {
  Reply reply(*bytes, version);
  reply.Push(version >= 3 ? 2 : 3);
  if (version >= 3) {
    reply.Bulk("invalidate");
  } else {
    reply.Bulk("message");
    reply.Bulk("__redis__:invalidate");
  }
  if (keys.empty()) return reply.Null();
  reply.Array(keys.size());
  for (const std::string& key : keys) reply.Bulk(key);
}

}  // namespace

// ---- Who tracks ----

void Tracker::Start(Client& client, ClientTracking wish) {
  TrackingState& state = server_.tracking();
  if (!state.is_on) {
    state.is_on = true;
    for (size_t i = 0; i < kShardCount; ++i) server_.keyspace().shard(i).SetTracked(true);
  }
  for (const std::string& prefix : wish.prefixes) prefixes_[prefix].insert(client.handle.id);
  if (client.tracking == nullptr) {
    state.clients.fetch_add(1, std::memory_order_relaxed);
    if (wish.is_broadcast()) CountBroadcaster(1);
  } else {
    wish.has_caching = client.tracking->has_caching;
    if (wish.mode == ClientTracking::Mode::kAll) wish.has_caching = false;
    // What it has may be much.
    client.tracking->prefixes.merge(wish.prefixes);
    wish.prefixes.swap(client.tracking->prefixes);
  }
  client.tracking = std::make_unique<ClientTracking>(std::move(wish));
  client.is_plain = false;
}

void Tracker::Stop(Client& client) {
  if (client.tracking == nullptr) return;
  server_.tracking().clients.fetch_sub(1, std::memory_order_relaxed);
  if (client.tracking->is_broadcast()) {
    CountBroadcaster(-1);
    ForgetPrefixes(client);
  }
  client.tracking.reset();
}

void Tracker::CountBroadcaster(int change) {
  broadcast_clients_.fetch_add(change, std::memory_order_relaxed);
  server_.tracking().broadcast_clients.fetch_add(change, std::memory_order_relaxed);
}

void Tracker::ForgetPrefixes(const Client& client) {
  for (const std::string& prefix : client.tracking->prefixes) {
    auto found = prefixes_.find(prefix);
    if (found == prefixes_.end()) continue;
    found->second.erase(client.handle.id);
    if (found->second.empty()) prefixes_.erase(found);
  }
}

// ---- Reads ----

void Tracker::Remember(const Command& command, Arguments arguments, ClientHandle reader) {
  bool is_script = Has(command.acl, Acl::kScripting);
  if (!command.Is(kReadOnly) || command.Is(kPubSub | kWalksShards) || is_script) return;
  positions_.clear();
  if (!KeyPositions(command, arguments, &positions_)) return;
  for (uint32_t position : positions_)
    server_.tracking().table.Add(HashKey(arguments[position]), reader);
}

void Tracker::LimitTable(size_t effort) {
  TrackingTable& table = server_.tracking().table;
  auto limit = static_cast<size_t>(worker_.settings().tracking_table_max_keys);
  StoreContext& context = worker_.context();
  std::string name;
  while (limit > 0 && table.keys() > limit && effort-- > 0) {
    size_t start = context.random.Below(kShardCount);
    bool found = false;
    for (size_t i = 0; i < kShardCount && !found; ++i) {
      size_t shard = (start + i) % kShardCount;
      ShardLock& lock = server_.keyspace().shard(shard).lock;
      lock.Lock();
      found = table.RandomKey(shard, context.random, &name);
      if (found) Tell(table.Take(HashKey(name)), name);
      lock.Unlock();
    }
  }
}

// ---- Changes ----

void Tracker::OnChange(const Key& key, bool by_itself) {
  if (server_.tracking().broadcast_clients.load(std::memory_order_relaxed) > 0) {
    auto [place, is_new] =
        changed_.insert_or_assign(std::string(key.text), by_itself ? 0 : current_id_);
    if (is_new && changed_.size() >= kMaxCollected) PostBroadcast(true);
  }
  TrackingTable::Readers readers = server_.tracking().table.Take(key);
  if (!readers.empty()) Tell(readers, key.text);
}

// One message for each worker that has readers.
void Tracker::Tell(const TrackingTable::Readers& readers, std::string_view key) {
  auto keys = std::make_shared<const StaleKeys>(1, std::string(key));
  for (size_t i = 0; i < server_.workers(); ++i) {
    std::vector<uint64_t> ids;
    for (const ClientHandle& reader : readers) {
      if (reader.worker != i) continue;
      if (reader.id == current_id_) {
        own_.push_back(keys);
      } else {
        ids.push_back(reader.id);
      }
    }
    if (ids.empty()) continue;
    Tracker* owner = &server_.worker(i).tracker();
    server_.worker(i).loop().mailbox().Post([owner, ids = std::move(ids), keys] {
      for (uint64_t id : ids) owner->Invalidate(id, keys, 0);
    });
  }
}

void Tracker::OnFlush() {
  server_.tracking().table.Clear();
  if (server_.tracking().clients.load(std::memory_order_relaxed) == 0) return;
  if (current_id_ != 0) own_.push_back(Everything());
  for (size_t i = 0; i < server_.workers(); ++i) {
    Tracker* owner = &server_.worker(i).tracker();
    server_.worker(i).loop().mailbox().Post(
        [owner, except = current_id_] { owner->InvalidateAll(except); });
  }
}

void Tracker::Broadcast() {
  if (!changed_.empty()) PostBroadcast(false);
}

void Tracker::PostBroadcast(bool to_itself) {
  auto changed = std::make_shared<const ChangedKeys>(std::exchange(changed_, {}));
  for (size_t i = 0; i < server_.workers(); ++i) {
    Tracker* owner = &server_.worker(i).tracker();
    if (owner->broadcast_clients_.load(std::memory_order_relaxed) == 0) continue;
    if (owner == this && !to_itself) {
      DeliverBroadcast(*changed);
    } else {
      server_.worker(i).loop().mailbox().Post(
          [owner, changed] { owner->DeliverBroadcast(*changed); });
    }
  }
}

// ---- The client whose request runs ----

void Tracker::SendOwn(Session& session) {
  uint64_t id = session.client().handle.id;
  for (const SharedKeys& keys : std::exchange(own_, {})) {
    if (keys->empty()) {
      if (session.client().tracking != nullptr) SendTo(session, keys);
    } else {
      Invalidate(id, keys, id);
    }
  }
}

// The word of CLIENT CACHING holds for the request or transaction that follows.
void Tracker::End(Session& session, const Command* command) {
  if (!own_.empty()) SendOwn(session);
  current_id_ = 0;
  Client& client = session.client();
  bool keeps =
      client.transaction.active || (command != nullptr && command->name.starts_with("CLIENT"));
  if (client.tracking != nullptr && !keeps) client.tracking->has_caching = false;
}

Tracker::Aside Tracker::BeginFor(ClientHandle waiter) {
  return {std::exchange(current_id_, waiter.id), std::exchange(own_, {})};
}

void Tracker::EndFor(ClientHandle waiter, Aside aside) {
  current_id_ = aside.client_id;
  std::vector<SharedKeys> own = std::exchange(own_, std::move(aside.own));
  if (own.empty()) return;
  Tracker* owner = &server_.worker(waiter.worker).tracker();
  server_.worker(waiter.worker)
      .loop()
      .mailbox()
      .Post([owner, id = waiter.id, own = std::move(own)] {
        for (const SharedKeys& keys : own) owner->Invalidate(id, keys, id);
      });
}

// ---- On the worker of the client that is told ----

void Tracker::Invalidate(uint64_t client_id, const SharedKeys& keys, uint64_t writer) {
  Session* session = worker_.Find(client_id);
  if (session == nullptr) return;
  const ClientTracking* tracking = session->client().tracking.get();
  // What was read before it chose to hear of everything needs no message of its own.
  if (tracking == nullptr || tracking->is_broadcast()) return;
  if (tracking->is_noloop && writer == client_id) return;
  SendTo(*session, keys);
}

void Tracker::InvalidateAll(uint64_t except) {
  std::vector<Session*> all;
  worker_.ForEachSession([&](Session& session) {
    const Client& client = session.client();
    if (client.tracking != nullptr && client.handle.id != except) all.push_back(&session);
  });
  for (Session* session : all) SendTo(*session, Everything());
}

void Tracker::DeliverBroadcast(const ChangedKeys& changed) {
  // A session that closes when it is sent something leaves prefixes_ while they are gone through.
  std::vector<std::pair<uint64_t, SharedKeys>> messages;
  for (const auto& [prefix, clients] : prefixes_) {
    auto first = changed.lower_bound(prefix);
    auto all = std::make_shared<StaleKeys>();
    for (auto i = first; i != changed.end() && i->first.starts_with(prefix); ++i)
      all->push_back(i->first);
    if (all->empty()) continue;
    for (uint64_t id : clients) {
      Session* session = worker_.Find(id);
      if (session == nullptr || session->client().tracking == nullptr) continue;
      const Client& client = session->client();
      if (!client.tracking->is_noloop && !client.is_limited) {
        messages.emplace_back(id, all);
        continue;
      }
      auto some = std::make_shared<StaleKeys>();
      for (const std::string& key : *all) {
        bool is_own = client.tracking->is_noloop && changed.find(key)->second == id;
        bool is_forbidden = client.is_limited && !server_.access().MayHaveKey(client, key);
        if (!is_own && !is_forbidden) some->push_back(key);
      }
      if (!some->empty()) messages.emplace_back(id, std::move(some));
    }
  }
  for (const auto& [id, keys] : messages) {
    Session* session = worker_.Find(id);
    if (session != nullptr && session->client().tracking != nullptr) SendTo(*session, keys);
  }
}

void Tracker::SendTo(Session& session, const SharedKeys& keys) {
  const Client& client = session.client();
  ClientHandle redirect = client.tracking->redirect;
  if (redirect.id != 0) {
    Worker& target = server_.worker(redirect.worker);
    if (&target == &worker_) return Forward(redirect.id, client.handle, keys);
    target.loop().mailbox().Post([owner = &target.tracker(), id = redirect.id, from = client.handle,
                                  keys] { owner->Forward(id, from, keys); });
    return;
  }
  if (client.protocol_version < 3) return;  // it could not tell the message from a reply
  ByteBuffer bytes;
  WriteMessage(client.protocol_version, *keys, &bytes);
  session.Send(bytes.view());
}

void Tracker::Forward(uint64_t client_id, ClientHandle from, const SharedKeys& keys) {
  Session* session = worker_.Find(client_id);
  if (session == nullptr) {
    Tracker* owner = &server_.worker(from.worker).tracker();
    if (owner == this) return NoteBroken(from.id, client_id);
    server_.worker(from.worker).loop().mailbox().Post([owner, id = from.id, client_id] {
      owner->NoteBroken(id, client_id);
    });
    return;
  }
  const Client& client = session->client();
  if (client.protocol_version < 3 && !client.subscriptions.any()) return;
  ByteBuffer bytes;
  WriteMessage(client.protocol_version, *keys, &bytes);
  session->Send(bytes.view());
}

void Tracker::NoteBroken(uint64_t client_id, uint64_t redirect_id) {
  Session* session = worker_.Find(client_id);
  if (session == nullptr || session->client().tracking == nullptr) return;
  ClientTracking& tracking = *session->client().tracking;
  if (tracking.redirect.id != redirect_id) return;
  tracking.is_redirection_broken = true;
  if (session->client().protocol_version < 3) return;
  ByteBuffer bytes;
  Reply reply(bytes, session->client().protocol_version);
  reply.Push(2);
  reply.Bulk("tracking-redir-broken");
  reply.Integer(static_cast<int64_t>(redirect_id));
  session->Send(bytes.view());
}

}  // namespace kiln
