// PubSub: who listens to which channel, and the way messages reach them.
//
// Messages travel through the mailboxes of the listeners' workers, so a client gets what one
// publisher sent in its order. Thread safety: all functions may be called from any thread, under
// shard locks too (it takes only its own lock and posts to mailboxes).
#pragma once

#include <functional>
#include <map>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "engine/commands/client.h"
#include "engine/commands/services.h"

namespace kiln {

class PubSub {
 public:
  enum class Kind { kChannel, kPattern, kShard };

  explicit PubSub(ClientHub& clients) : clients_(clients) {}

  void Subscribe(Kind kind, std::string_view name, const Client& client);
  void Unsubscribe(Kind kind, std::string_view name, const Client& client);

  // What the publisher itself is to get: kept back for the caller to send.
  struct Own {
    uint64_t client_id;
    std::string messages;
  };
  // Sends to the channel's listeners and to those of matching patterns; returns how many there
  // were.
  size_t Publish(std::string_view channel, std::string_view message, Own* own = nullptr);
  size_t PublishShard(std::string_view channel, std::string_view message, Own* own = nullptr);

  // Names with at least one listener that match `pattern`, sorted.
  std::vector<std::string> Names(Kind kind, std::string_view pattern = "*") const;
  size_t CountListeners(Kind kind, std::string_view name) const;
  size_t CountNames(Kind kind) const;

 private:
  struct Listener {
    ClientHandle client;
    int protocol_version;
  };
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view name) const { return std::hash<std::string_view>()(name); }
  };
  using Listeners = std::unordered_map<uint64_t, Listener>;  // by client id
  using Names_ = std::unordered_map<std::string, Listeners, Hash, std::equal_to<>>;

  size_t Send(const Listeners& listeners, std::span<const std::string_view> parts, Own* own);

  ClientHub& clients_;
  mutable std::shared_mutex mutex_;
  Names_ names_[3];
};

}  // namespace kiln
