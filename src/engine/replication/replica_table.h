// ReplicaTable: a primary's replicas: where they are, how far they are, and how long ago they said
// so.
//
// Thread safety: any function from any thread.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/commands/client.h"

namespace kiln {

enum class ReplicaState : uint8_t {
  kWaits,     // for a snapshot to begin
  kReceives,  // the snapshot
  kOnline,
};
const char* NameOf(ReplicaState state);  // as INFO calls it

struct ReplicaInfo {
  ClientHandle client;
  std::string address = {};
  uint16_t port = 0;
  std::string zone = {};  // empty: unknown
  ReplicaState state = ReplicaState::kWaits;
  uint64_t offset = 0;   // up to which it has the journal
  uint64_t in_file = 0;  // and in its append-only file
  int64_t heard_ms = 0;  // when it last said so
};

class ReplicaTable {
 public:
  void Add(ReplicaInfo replica);
  // False when it was none.
  bool Remove(ClientHandle client);
  void SetState(ClientHandle client, ReplicaState state, int64_t now_ms);
  void OnAck(ClientHandle client, uint64_t offset, std::optional<uint64_t> in_file, int64_t now_ms);

  std::vector<ReplicaInfo> All() const;
  std::optional<ReplicaInfo> Find(ClientHandle client) const;
  size_t size() const;
  // Those online that have everything up to the offset.
  size_t CountWith(uint64_t offset) const;
  size_t CountWithInFile(uint64_t offset) const;
  // The most that one of them has that is not in this zone; none if there is no such replica. An
  // unknown zone is another.
  std::optional<uint64_t> FurthestOutside(std::string_view zone) const;
  // Those online that were heard of since.
  size_t CountHeardSince(int64_t since_ms) const;

 private:
  template <class F>
  size_t CountOnline(F&& f) const;

  mutable std::mutex mutex_;
  std::vector<ReplicaInfo> replicas_;
};

}  // namespace kiln
