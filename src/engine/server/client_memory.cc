#include "engine/server/client_memory.h"

#include <algorithm>

#include "base/log.h"
#include "engine/commands/client_tracking.h"
#include "engine/server/server.h"
#include "engine/server/session.h"

namespace kiln {
namespace {

// A name in a set or map, here and in the server's own table of it.
constexpr size_t kNameBytes = 160;
// Buffers count in steps, so that what a client needs does not change with every request.
constexpr size_t kStepBytes = 4096;

size_t InSteps(size_t bytes) {
  return (bytes + kStepBytes - 1) / kStepBytes * kStepBytes;
}

}  // namespace

size_t ClientBytes(const Client& client) {
  size_t names = client.subscriptions.count() + client.subscriptions.shard_channels.size() +
                 client.transaction.watched.size();
  if (client.tracking != nullptr) names += client.tracking->prefixes.size();
  return sizeof(Session) + InSteps(client.input_bytes) + InSteps(client.output_bytes) +
         client.transaction.queue_bytes + names * kNameBytes;
}

size_t Server::ClientMemoryLimit() const {
  int64_t limit = settings().maxmemory_clients_bytes;
  if (limit >= 0) return static_cast<size_t>(limit);
  return static_cast<size_t>(settings().maxmemory_bytes / 100 * -limit);
}

void Server::CountMemoryOf(Client& client) {
  size_t bytes = client.is_admin || client.is_killed ? 0 : ClientBytes(client);
  counted_client_bytes_.fetch_add(bytes - client.counted_bytes, std::memory_order_relaxed);
  client.counted_bytes = bytes;
}

// What could not be brought down is not tried again until there is more of it.
bool Server::AreClientsOverLimit() const {
  size_t limit = ClientMemoryLimit();
  size_t bytes = counted_client_bytes_.load(std::memory_order_relaxed);
  return limit > 0 && bytes > limit && bytes > unevictable_bytes_.load(std::memory_order_relaxed);
}

void Server::EvictClients() {
  size_t limit = ClientMemoryLimit();
  if (limit == 0) return;
  std::vector<Client*> candidates;
  counted_client_bytes_ = 0;
  ForEach([&](Client& client) {
    client.counted_bytes = 0;
    CountMemoryOf(client);
    if (!client.is_admin && !client.no_evict) candidates.push_back(&client);
  });
  std::sort(candidates.begin(), candidates.end(),
            [](const Client* a, const Client* b) { return a->counted_bytes > b->counted_bytes; });
  for (Client* client : candidates) {
    if (counted_client_bytes_ <= limit) break;
    Log(LogLevel::kNotice, "Evicting client: " + Describe(*client));
    Kill(*client);
    CountMemoryOf(*client);
    ++evicted_clients_;
  }
  size_t left = counted_client_bytes_;
  unevictable_bytes_ = left > limit ? left : 0;
}

}  // namespace kiln
