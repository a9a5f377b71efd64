// The orchestrator: keeps observing, planning and carrying out until the world is as desired.
//
// One thread of its own. It wakes when a document or a node has changed, and otherwise every
// kIdleMs for what depends on time alone. It keeps the documents it has read, and reads again those
// that a watch has named.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "control/agent/agent.h"
#include "control/model/documents.h"
#include "control/model/events.h"
#include "control/orchestrator/group_plan.h"
#include "control/orchestrator/lease_book.h"
#include "control/orchestrator/plan.h"
#include "control/store/address_book.h"
#include "control/store/store.h"

namespace kiln {

class Orchestrator {
 public:
  static constexpr int kIdleMs = 5000;
  static constexpr int kWaitMs = 20;  // While a shard is without a primary.

  Orchestrator(Store& store, Agent& agent, AddressBook& addresses, std::function<int64_t()> now_ms,
               FailoverLimits limits = {});
  ~Orchestrator();

  void Start();
  void Stop();  // Returns when the round in progress has ended.

  // One round, on the caller's thread: for tests. True when it did or wrote anything.
  bool RunOnce();

 private:
  template <typename Document>
  struct Held {
    Document document;
    uint64_t revision;
  };
  template <typename Document>
  using Holding = std::map<std::string, Held<Document>>;  // By id.

  void Run();
  void NoteChange(const std::string& key);
  void ReadChanged(const std::set<std::string>& keys);
  bool ReadAll();
  void ReadOne(const std::string& key);
  template <typename Document>
  bool ReadUnder(std::string_view prefix, Holding<Document>* held);
  template <typename Document>
  void Hold(Holding<Document>* held, const std::string& id, const StoreEntry* entry);

  bool PlanClusters(const NodeReports& reports);
  bool PlanOneCluster(const std::string& id, const CacheCluster& cluster,
                      const NodeReports& reports);
  bool PlanGroups(const NodeReports& reports);
  GroupView ViewOf(const ReplicationGroup& group, const NodeReports& reports) const;
  void GrantLeases(const std::string& id, const GroupPlan& plan);
  int64_t IdleMs() const;
  std::optional<ShardView> ShardOf(const CacheCluster& cluster) const;
  void CarryOut(const NodeStep& step);
  bool WriteCluster(const std::string& id, ClusterPlan plan);
  bool RemoveCluster(const std::string& id, const ClusterPlan& plan);
  void LeaveGroup(const CacheCluster& cluster, Transaction* transaction);
  bool ApplyPendingOf(const std::string& id);
  bool WriteGroup(const std::string& id, const GroupPlan& plan);
  void AddEvent(const std::string& message, std::string_view type, const std::string& source,
                Transaction* transaction);
  bool Commit(const Transaction& transaction, const std::string& key);
  ParameterGroup ParametersOf(const CacheCluster& cluster) const;
  void ForgetOldEvents();

  Store& store_;
  Agent& agent_;
  AddressBook& addresses_;
  std::function<int64_t()> now_ms_;
  const FailoverLimits limits_;

  std::mutex mutex_;
  std::condition_variable woken_;
  std::set<std::string> changed_;  // Keys to read again.
  bool has_news_ = true;
  bool is_stopping_ = false;
  std::vector<std::unique_ptr<StoreWatch>> watches_;
  std::thread thread_;

  // Of the running thread.
  bool has_read_all_ = false;
  Holding<CacheCluster> clusters_;
  std::set<std::string> unreadable_;  // Keys of documents that cannot be read.
  Holding<ReplicationGroup> groups_;
  // By group and node group, of this round. Absent: its document could not be written.
  std::map<std::string, std::map<std::string, ShardState>> shards_;
  bool is_waiting_ = false;  // A shard is to be planned again in a moment.
  bool is_behind_ = false;   // A document is known to be another than the one that is held.
  int64_t round_ms_ = 0;     // When the round began, on the boot clock.
  LeaseBook leases_;
  Holding<ParameterGroup> parameters_;
  int64_t events_swept_ms_ = 0;
};

}  // namespace kiln
