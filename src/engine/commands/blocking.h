// Blocking commands: a client that finds nothing waits in line for its keys, and whoever makes a
// key ready serves it.
//
// A blocking handler looks, and when it finds nothing says call.Block(...). The dispatcher keeps
// the request as a BlockedRequest and puts it in line in the shard of each key. A later command
// that changes one of those keys runs the same handler again on the waiter's behalf, under its own
// locks and before it lets go of them, so a waiter is always served before any later command, first
// come, first served.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/commands/client.h"
#include "engine/commands/command.h"
#include "engine/store/record.h"
#include "engine/store/waiters.h"

namespace kiln {

struct BlockedRequest : Waiter {
  ClientHandle client;
  const Command* command = nullptr;
  std::vector<std::string> arguments;
  const AclUser* user = nullptr;  // whose rights are looked at again; null: whoever may do all
  int db = 0;
  int protocol_version = 2;
  uint64_t deadline_ms = 0;             // Unix ms; 0 waits for ever
  std::string timeout_reply;            // sent when the deadline passes
  std::function<std::string()> answer;  // makes that reply instead, if it is set
  uint64_t spent_ticks = 0;             // before it began to wait
  bool ends_without_key = false;        // the wait is over, with an error, when a key goes
  bool is_tracking = false;             // the client is told when what it reads changes
  bool is_served = false;  // or timed out, or gone: whoever comes later leaves it alone
};

// What a handler asks for when it blocks.
struct BlockWish {
  bool wanted = false;
  std::vector<Key> keys;
  uint64_t deadline_ms = 0;
  std::string timeout_reply;
  // Instead of the request's own, which would mean something else when it runs again; empty: none.
  std::vector<std::string> arguments;
  bool ends_without_key = false;
  // Makes the reply for when the deadline passes, instead of timeout_reply; on the client's worker.
  std::function<std::string()> answer = {};
};

}  // namespace kiln
