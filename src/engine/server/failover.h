// Failover: FAILOVER, by which a primary hands over to a replica without loss: it pauses writes,
// waits until the replica has everything, and becomes that one's replica.
//
// Thread safety: alone, but for is_on.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "engine/commands/replication.h"
#include "engine/replication/replica_table.h"

namespace kiln {

class Server;

class Failover {
 public:
  explicit Failover(Server& server) : server_(server) {}

  enum class State : uint8_t { kNone, kWaitsForSync, kHandsOver };
  bool is_on() const { return state_.load(std::memory_order_relaxed) != State::kNone; }
  const char* StateName() const;  // as INFO calls it

  // An error text, or empty.
  std::string Start(const FailoverWish& wish);
  // False when there is none.
  bool Abort(const std::string& why);
  void OnTick();
  // How the replica that is to take over answered.
  void OnAnswer(bool has_agreed);

 private:
  std::string Check(const FailoverWish& wish) const;
  void HandOver(const std::string& host, int64_t port);
  void End();

  Server& server_;
  std::atomic<State> state_{State::kNone};
  FailoverWish wish_;
  int64_t deadline_ms_ = 0;  // 0: none
};

}  // namespace kiln
