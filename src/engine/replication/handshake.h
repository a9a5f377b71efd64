// ReplicationHandshake: what a replica says to its primary, and makes of the answers, until it is
// told whether it gets everything or can go on where it was.
//
//   PING, AUTH, REPLCONF kiln-secret, listening-port, ip-address, availability-zone and capa, PSYNC
//
// One line of the primary's at a time. Thread safety: none. Source: Redis's replication protocol;
// the secret, the zone and "capa kiln" are Kiln's own, and passed over by others.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace kiln {

struct ReplicaIdentity {
  std::string user = {};      // empty: the password alone
  std::string password = {};  // empty: no AUTH
  std::string secret = {};    // of the nodes of a managed group; empty: none
  uint16_t port = 0;
  std::string zone = {};     // to be told; empty: none
  std::string address = {};  // to be told instead of the real one; empty: none
  // The history that the replica's data are of, and how much of it; "?" and 0: none.
  std::string history = "?";
  uint64_t offset = 0;
  bool takes_over = false;  // the primary is to become a replica: a coordinated failover
};

class ReplicationHandshake {
 public:
  explicit ReplicationHandshake(ReplicaIdentity identity) : identity_(std::move(identity)) {}

  enum class Outcome {
    kGoesOn,    // *to_send is to be sent, if there is something
    kSnapshot,  // everything comes, and then changes from offset() of history()
    kContinue,  // changes come, from where the replica was; history() may be a new id
    kFailed,    // error() says why; the next try may go well
  };
  // What to send first.
  std::string Begin();
  // A line, without its end.
  Outcome OnLine(std::string_view line, std::string* to_send);

  const std::string& history() const { return identity_.history; }
  uint64_t offset() const { return identity_.offset; }
  const std::string& error() const { return error_; }

 private:
  enum class Step { kPing, kAuth, kSecret, kPort, kAddress, kZone, kCapabilities, kSync };

  Outcome Fail(std::string_view what, std::string_view line);
  Outcome OnSync(std::string_view line);
  // The next step that this replica has to take, and its command.
  std::string Next();
  bool IsNeeded(Step step) const;
  std::string CommandOf(Step step) const;

  ReplicaIdentity identity_;
  Step step_ = Step::kPing;
  std::string error_;
};

}  // namespace kiln
