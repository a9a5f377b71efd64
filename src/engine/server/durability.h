// Durability: what must have happened to a change before its client is told that it was made
// (parameter durability), and whether this server may tell at all (its lease).
//
// In mode `sync` a reply waits until all changes that were made before it, its client's or others',
// are with a replica in another zone, or in the append-only file, on the disk: so nobody is told of
// what could be lost. In mode `async` replies go at once; writes are refused while all replicas
// have been behind for too long. Where a lease is required, a primary whose lease is over closes
// the connection instead of acknowledging a write: somebody else may be the primary.
//
// Thread safety: any worker, inside the Gate.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

#include "engine/commands/client.h"

namespace kiln {

class Server;

class DurabilityGuard {
 public:
  explicit DurabilityGuard(Server& server);

  // ---- By a session, before it sends replies ----
  enum class Verdict { kSend, kHold, kClose };
  Verdict MaySend(const Client& client, uint64_t told_offset) const;
  // Whether it waits for its reply, which tells of changes that could still be lost.
  bool HoldsBack(const Client& client) const;
  // Whether there is anything to ask.
  bool is_on() const { return is_on_.load(std::memory_order_relaxed); }
  // Whether it matters who has seen data.
  bool is_sync() const { return is_sync_.load(std::memory_order_relaxed); }

  // Why writes are refused; empty: they are not.
  std::string_view Refusal() const;
  bool MayRefuse() const { return needs_lease_.load(std::memory_order_relaxed) || is_late_; }
  bool HoldsLease() const;
  // For INFO.
  bool needs_lease() const { return needs_lease_.load(std::memory_order_relaxed); }
  int64_t lease_left_ms() const;

  // ---- Alone ----
  // `from_ms` on the machine's boot clock. It matters where one is required.
  void GrantLease(int64_t duration_ms, int64_t from_ms);
  void OnDemoted();   // a lease is not for who will be the primary some other time
  void OnSettings();  // or another role

  // ---- Worker 0, ten times a second ----
  void OnTick();

 private:
  bool IsSafe(uint64_t offset) const;
  bool IsTooLate();

  Server& server_;
  std::atomic<bool> is_on_{false};
  std::atomic<bool> is_sync_{false};
  std::atomic<bool> needs_lease_{false};
  std::atomic<bool> is_late_{false};  // of mode async: too far behind; of sync: nobody has changes
  std::atomic<int64_t> lease_until_ms_{0};
  bool had_lease_ = false;      // when it was last looked at
  uint64_t marked_offset_ = 0;  // of changes that were made by marked_ms_
  int64_t marked_ms_ = 0;
};

}  // namespace kiln
