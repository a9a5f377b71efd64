// Replication: the server's place in replication: a primary, with replicas perhaps, or a replica of
// another; how it comes to be one or the other, and what follows for its clients.
//
// Thread safety: functions marked "alone" need the Gate alone; what is atomic may be read anywhere.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/commands/command.h"
#include "engine/commands/replication.h"
#include "engine/replication/history.h"
#include "engine/server/durability.h"
#include "engine/server/failover.h"
#include "engine/server/replica_links.h"

namespace kiln {

class PrimaryLink;
class Server;
class Worker;

class Replication final : public ReplicationControl {
 public:
  explicit Replication(Server& server);
  ~Replication() override;

  // ---- The server's life ----
  // Before Run, when the databases have been loaded: from what a snapshot said, if it did.
  void Start(const std::optional<ReplicationPlace>& place);
  void OnTick();      // worker 0, ten times a second
  void Stop();        // after Run
  void OnSettings();  // alone

  // ---- ReplicationControl ----
  bool IsReplica() const override { return is_replica_.load(std::memory_order_relaxed); }
  bool HasReplicas() const override { return links_.any(); }
  std::string_view WriteRefusal(const Client& client) const override;
  bool IsStale() const override;
  void Replicate(std::span<const std::string_view> words) override;
  bool Follow(std::string_view host, int64_t port) override;
  void BecomePrimary() override;
  std::string Attach(Client& client, Reply& reply, std::string_view id, int64_t next) override {
    return links_.Attach(client, reply, id, next);
  }
  std::string TakeOver(std::string_view id) override;
  void OnAck(Client& client, uint64_t offset, std::optional<uint64_t> in_file) override {
    links_.OnAck(client, offset, in_file);
  }
  void OnAckWanted() override;
  void GrantLease(int64_t duration_ms, int64_t from_ms) override {
    durability_.GrantLease(duration_ms, from_ms);
  }
  std::string Hold(int64_t duration_ms) override;
  bool IsSyncing() const override;
  Client* PrimaryClient() override;
  void DropLink() override;
  void DescribeRole(Reply& reply) override;
  std::string StartFailover(const FailoverWish& wish) override { return failover_.Start(wish); }
  bool AbortFailover() override { return failover_.Abort("Failover manually aborted"); }
  bool IsFailingOver() const override { return failover_.is_on(); }
  std::string WaitReply(const ReplicationWait& wait) override;
  std::optional<std::string> StartWait(Client& client, const ReplicationWait& wait) override;

  // ---- Admission: any worker ----
  // Why the command must not run now, as an error reply's text; empty: it may.
  std::string Refusal(const Command& command, const Client& client) const;
  bool RefusesWrites(const Client& client) const;
  // Flags of the commands that Refusal must be asked about.
  uint32_t doubtful_flags() const;

  // ---- For its parts ----
  ReplicaLinks& links() { return links_; }
  const Failover& failover() const { return failover_; }
  const DurabilityGuard& durability() const { return durability_; }
  const ReplicationHistory& history() const { return history_; }
  // For a snapshot that is written now; none where nobody could go on from it. Alone.
  std::optional<ReplicationPlace> Place() const;
  // A replica whose link is down has nothing to give on. Alone.
  bool IsWithoutPrimary() const;
  // It keeps what it has, for now. Inside the Gate, or worker 0.
  bool IsHeld() const { return held_until_ms_ != 0; }
  // Alone.
  void UpdateDoubts();
  void ChangeId() { history_.BeginAnew(); }
  void OnJournalOff();
  // A replica came online, or went; or said how far it is. Any worker, inside the Gate.
  void OnReplicasChanged() { must_update_doubts_ = true; }
  void OnProgress();
  // A wait has ended otherwise. Any worker.
  void ForgetWait(uint64_t ticket);
  // The same, with another role: for FAILOVER. Alone.
  void FollowForFailover(const std::string& host, int64_t port);

  // ---- For the link to the primary, on worker 0 ----
  // Alone: the primary's changes go on from where this server is, under another id perhaps.
  void OnContinued(const std::string& id);
  // Alone: the databases are the primary's, as they were at this place.
  void OnLoaded(const ReplicationPlace& place);
  void OnLinkChanged();      // up or down; alone
  void OnRefusedHandOver();  // alone

  struct Primary {
    std::string host;
    int64_t port = 0;
  };
  const Primary& primary() const { return primary_; }  // inside the Gate
  PrimaryLink* link() { return link_.get(); }          // alone, or worker 0
  int64_t link_down_since_s() const { return link_down_since_s_; }

 private:
  struct Wait {
    ReplicationWait what;
    ClientHandle client;
    uint64_t ticket = 0;
  };

  void JournalDeletions(const std::vector<std::pair<int, std::string>>& keys);
  void SetPrimary(std::string_view host, int64_t port, bool takes_over);
  void SetRole(bool is_replica);
  void DropLinkForGood();
  void Relink();  // worker 0
  bool IsOver(const ReplicationWait& wait) const;
  size_t CountFor(const ReplicationWait& wait) const;
  bool IsInLocalFile(uint64_t offset) const;
  void ServeWaits();
  bool HasEnoughReplicas() const;

  Server& server_;
  ReplicationHistory history_;
  ReplicaLinks links_;
  Failover failover_;
  DurabilityGuard durability_;
  std::atomic<bool> is_replica_{false};
  std::atomic<bool> lacks_replicas_{false};
  std::atomic<bool> is_link_up_{false};
  std::atomic<bool> must_update_doubts_{false};
  Primary primary_;           // changed alone
  bool takes_over_ = false;   // the next link is part of a failover
  bool has_started_ = false;  // the databases have been loaded
  std::unique_ptr<PrimaryLink> link_;
  int64_t link_down_since_s_ = 0;
  std::atomic<int64_t> held_until_ms_{0};  // on the boot clock; 0: it is not held
  int64_t next_update_ms_ = 0;

  std::mutex waits_mutex_;
  std::vector<Wait> waits_;
  uint64_t last_ticket_ = 0;
  std::atomic<bool> has_waits_{false};
};

}  // namespace kiln
