// Farewell: before the server ends, its replicas get what they have not got yet. Writes pause as
// long as that takes, at most `shutdown-timeout` seconds.
//
// Thread safety: alone, but for is_on and IsOver, which worker 0 asks.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/commands/client.h"

namespace kiln {

class Server;

class Farewell {
 public:
  explicit Farewell(Server& server) : server_(server) {}

  // Whether some replica lacks something now, and there is time to give it to it.
  bool IsWanted(uint32_t flags) const;
  // `flags` of ShutdownFlag, for what comes when it is over.
  void Begin(uint32_t flags);
  bool is_on() const { return deadline_ms_ != 0; }
  int64_t LeftMs() const;
  // Whether all replicas that are online have everything, or time is up.
  bool IsOver() const;
  // Nobody waits any more. Returns the flags.
  uint32_t End();

  // Somebody's SHUTDOWN is answered when the server does not end after all.
  void AddAsker(ClientHandle client) { askers_.push_back(client); }
  void AnswerAskers();

 private:
  Server& server_;
  uint32_t flags_ = 0;
  int64_t deadline_ms_ = 0;  // 0: none is under way
  std::vector<ClientHandle> askers_;
};

}  // namespace kiln
