#include "engine/commands/pubsub_registry.h"

#include <algorithm>
#include <mutex>

#include "base/glob.h"
#include "protocol/resp/reply.h"

namespace kiln {
namespace {

std::shared_ptr<const std::string> Message(int version, std::span<const std::string_view> parts) {
  ByteBuffer bytes;
  Reply reply(bytes, version);
  reply.Push(parts.size());
  for (std::string_view part : parts) reply.Bulk(part);
  return std::make_shared<const std::string>(bytes.view());
}

}  // namespace

void PubSub::Subscribe(Kind kind, std::string_view name, const Client& client) {
  std::unique_lock lock(mutex_);
  Names_& names = names_[static_cast<size_t>(kind)];
  names[std::string(name)][client.handle.id] = {client.handle, client.protocol_version};
}

void PubSub::Unsubscribe(Kind kind, std::string_view name, const Client& client) {
  std::unique_lock lock(mutex_);
  Names_& names = names_[static_cast<size_t>(kind)];
  auto found = names.find(name);
  if (found == names.end()) return;
  found->second.erase(client.handle.id);
  if (found->second.empty()) names.erase(found);
}

// Each version's bytes are made once, however many listen.
size_t PubSub::Send(const Listeners& listeners, std::span<const std::string_view> parts, Own* own) {
  std::shared_ptr<const std::string> messages[2];
  for (const auto& [id, listener] : listeners) {
    auto& message = messages[listener.protocol_version >= 3];
    if (message == nullptr) message = Message(listener.protocol_version, parts);
    if (own != nullptr && id == own->client_id) {
      own->messages += *message;
    } else {
      clients_.Send(listener.client, message);
    }
  }
  return listeners.size();
}

size_t PubSub::Publish(std::string_view channel, std::string_view message, Own* own) {
  std::shared_lock lock(mutex_);
  size_t receivers = 0;
  const Names_& channels = names_[static_cast<size_t>(Kind::kChannel)];
  if (auto found = channels.find(channel); found != channels.end()) {
    std::string_view parts[] = {"message", channel, message};
    receivers += Send(found->second, parts, own);
  }
  for (const auto& [pattern, listeners] : names_[static_cast<size_t>(Kind::kPattern)]) {
    if (!GlobMatches(pattern, channel)) continue;
    std::string_view parts[] = {"pmessage", pattern, channel, message};
    receivers += Send(listeners, parts, own);
  }
  return receivers;
}

size_t PubSub::PublishShard(std::string_view channel, std::string_view message, Own* own) {
  std::shared_lock lock(mutex_);
  const Names_& channels = names_[static_cast<size_t>(Kind::kShard)];
  auto found = channels.find(channel);
  if (found == channels.end()) return 0;
  std::string_view parts[] = {"smessage", channel, message};
  return Send(found->second, parts, own);
}

std::vector<std::string> PubSub::Names(Kind kind, std::string_view pattern) const {
  std::shared_lock lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [name, listeners] : names_[static_cast<size_t>(kind)]) {
    if (GlobMatches(pattern, name)) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

size_t PubSub::CountListeners(Kind kind, std::string_view name) const {
  std::shared_lock lock(mutex_);
  const Names_& names = names_[static_cast<size_t>(kind)];
  auto found = names.find(name);
  return found == names.end() ? 0 : found->second.size();
}

size_t PubSub::CountNames(Kind kind) const {
  std::shared_lock lock(mutex_);
  return names_[static_cast<size_t>(kind)].size();
}

}  // namespace kiln
