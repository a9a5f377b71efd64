#include "engine/replication/replica_table.h"

#include <algorithm>
#include <utility>

namespace kiln {

const char* NameOf(ReplicaState state) {
  switch (state) {
    // Redis says so too while it streams; "send_bulk" is for snapshots that are sent from a file.
    case ReplicaState::kWaits:
    case ReplicaState::kReceives:
      return "wait_bgsave";
    case ReplicaState::kOnline:
      return "online";
  }
  return "";
}

void ReplicaTable::Add(ReplicaInfo replica) {
  std::lock_guard<std::mutex> lock(mutex_);
  replicas_.push_back(std::move(replica));
}

bool ReplicaTable::Remove(ClientHandle client) {
  std::lock_guard<std::mutex> lock(mutex_);
  return std::erase_if(replicas_, [&](const ReplicaInfo& one) { return one.client == client; }) > 0;
}

void ReplicaTable::SetState(ClientHandle client, ReplicaState state, int64_t now_ms) {
  std::lock_guard<std::mutex> lock(mutex_);
  for (ReplicaInfo& one : replicas_) {
    if (!(one.client == client)) continue;
    one.state = state;
    one.heard_ms = now_ms;
  }
}

void ReplicaTable::OnAck(ClientHandle client, uint64_t offset, std::optional<uint64_t> in_file,
                         int64_t now_ms) {
  std::lock_guard<std::mutex> lock(mutex_);
  for (ReplicaInfo& one : replicas_) {
    if (!(one.client == client)) continue;
    one.offset = std::max(one.offset, offset);
    one.in_file = std::max(one.in_file, in_file.value_or(0));
    one.heard_ms = now_ms;
  }
}

std::vector<ReplicaInfo> ReplicaTable::All() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return replicas_;
}

std::optional<ReplicaInfo> ReplicaTable::Find(ClientHandle client) const {
  std::lock_guard<std::mutex> lock(mutex_);
  for (const ReplicaInfo& one : replicas_) {
    if (one.client == client) return one;
  }
  return std::nullopt;
}

size_t ReplicaTable::size() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return replicas_.size();
}

template <class F>
size_t ReplicaTable::CountOnline(F&& f) const {
  std::lock_guard<std::mutex> lock(mutex_);
  auto count = std::count_if(replicas_.begin(), replicas_.end(), [&](const ReplicaInfo& one) {
    return one.state == ReplicaState::kOnline && f(one);
  });
  return static_cast<size_t>(count);
}

size_t ReplicaTable::CountWith(uint64_t offset) const {
  return CountOnline([&](const ReplicaInfo& one) { return one.offset >= offset; });
}

size_t ReplicaTable::CountWithInFile(uint64_t offset) const {
  return CountOnline([&](const ReplicaInfo& one) { return one.in_file >= offset; });
}

std::optional<uint64_t> ReplicaTable::FurthestOutside(std::string_view zone) const {
  std::lock_guard<std::mutex> lock(mutex_);
  std::optional<uint64_t> furthest;
  for (const ReplicaInfo& one : replicas_) {
    bool is_outside = zone.empty() || one.zone.empty() || one.zone != zone;
    if (one.state == ReplicaState::kOnline && is_outside)
      furthest = std::max(furthest.value_or(0), one.offset);
  }
  return furthest;
}

size_t ReplicaTable::CountHeardSince(int64_t since_ms) const {
  return CountOnline([&](const ReplicaInfo& one) { return one.heard_ms >= since_ms; });
}

}  // namespace kiln
