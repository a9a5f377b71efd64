// What client-side caching is to commands: how a client tracks, and who keeps account of it.
//
// A client that tracks is told when a key changes that it has read (or, broadcasting, any key under
// its prefixes), so that it can drop what it has cached. Source of the modes and their rules:
// https://redis.io/docs/latest/develop/reference/client-side-caching/
#pragma once

#include <set>
#include <string>

#include "engine/commands/client.h"

namespace kiln {

struct ClientTracking {
  enum class Mode : uint8_t {
    kAll,        // what it reads
    kOptIn,      // what it reads in the command or transaction after CLIENT CACHING YES
    kOptOut,     // what it reads but in the one after CLIENT CACHING NO
    kBroadcast,  // every key under its prefixes
  };
  Mode mode = Mode::kAll;
  bool is_noloop = false;                       // is not told of its own changes
  bool has_caching = false;                     // CLIENT CACHING was said of the next command
  bool is_redirection_broken = false;           // it was to be told through a client that is gone
  ClientHandle redirect;                        // who is told in its place; id 0: itself
  std::set<std::string, std::less<>> prefixes;  // of kBroadcast; "" stands for every key

  bool is_broadcast() const { return mode == Mode::kBroadcast; }
  // Whether what the client reads now is to be remembered.
  bool RemembersReads() const {
    if (mode == Mode::kOptIn) return has_caching;
    return mode == Mode::kAll || (mode == Mode::kOptOut && !has_caching);
  }
};

// Each worker has its own, for its clients.
class ClientTracker {
 public:
  virtual ~ClientTracker() = default;
  // Begins to track as `wish` says, or changes how; prefixes are added to those it has. Alone.
  virtual void Start(Client& client, ClientTracking wish) = 0;
  // Nothing happens to a client that does not track.
  virtual void Stop(Client& client) = 0;
};

}  // namespace kiln
