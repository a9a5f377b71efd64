#include "control/orchestrator/orchestrator.h"

#include <chrono>

#include "base/boot_clock.h"
#include "base/log.h"
#include "base/time.h"
#include "control/model/cluster_changes.h"
#include "control/model/events.h"
#include "control/model/parameter_groups.h"
#include "control/model/store_keys.h"

namespace kiln {
namespace {

constexpr int64_t kEventSweepMs = 3600 * 1000;
constexpr size_t kEventsPerSweep = 1000;

std::string IdIn(const std::string& key, std::string_view prefix) {
  return key.substr(prefix.size());
}

}  // namespace

Orchestrator::Orchestrator(Store& store, Agent& agent, AddressBook& addresses,
                           std::function<int64_t()> now_ms, FailoverLimits limits)
    : store_(store),
      agent_(agent),
      addresses_(addresses),
      now_ms_(std::move(now_ms)),
      limits_(limits) {
  for (std::string_view prefix : {kClusterPrefix, kReplicationGroupPrefix, kParameterGroupPrefix}) {
    watches_.push_back(
        store_.Watch(std::string(prefix), [this](const std::string& key) { NoteChange(key); }));
  }
  agent_.OnChange([this] { NoteChange({}); });
  if (limits_.can_end) return;
  for (const NodeReport& report : agent_.Observe()) leases_.Adopt(report.running.Key(), BootMs());
}

Orchestrator::~Orchestrator() {
  Stop();
  agent_.OnChange(nullptr);
}

void Orchestrator::Start() {
  thread_ = std::thread([this] { Run(); });
}

void Orchestrator::Stop() {
  {
    std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  woken_.notify_all();
  if (thread_.joinable()) thread_.join();
}

// `key`: of the document that has changed; empty: a node has.
void Orchestrator::NoteChange(const std::string& key) {
  {
    std::lock_guard lock(mutex_);
    has_news_ = true;
    if (!key.empty()) changed_.insert(key);
  }
  woken_.notify_one();
}

void Orchestrator::Run() {
  while (true) {
    {
      std::unique_lock lock(mutex_);
      woken_.wait_for(lock, std::chrono::milliseconds(is_waiting_ ? kWaitMs : IdleMs()),
                      [this] { return has_news_ || is_stopping_; });
      if (is_stopping_) return;
    }
    RunOnce();
  }
}

// Leases are renewed several times before they are over.
int64_t Orchestrator::IdleMs() const {
  return limits_.can_end ? kIdleMs : std::min<int64_t>(kIdleMs, limits_.lease_ms / 4);
}

bool Orchestrator::RunOnce() {
  round_ms_ = BootMs();
  is_behind_ = false;
  std::set<std::string> changed;
  {
    std::lock_guard lock(mutex_);
    has_news_ = false;
    changed.swap(changed_);
  }
  if (!has_read_all_) {
    has_read_all_ = ReadAll();
    if (!has_read_all_) return false;
  } else {
    ReadChanged(changed);
  }
  NodeReports reports;
  for (NodeReport& report : agent_.Observe()) {
    std::string key = report.running.Key();
    reports.emplace(std::move(key), std::move(report));
  }
  bool did_any = PlanGroups(reports);
  if (PlanClusters(reports)) did_any = true;
  ForgetOldEvents();
  return did_any;
}

// ---- Documents ----

template <typename Document>
void Orchestrator::Hold(Holding<Document>* held, const std::string& id, const StoreEntry* entry) {
  held->erase(id);
  if (entry == nullptr) return;
  if (std::optional<Document> document = FromJson<Document>(entry->value)) {
    held->emplace(id, Held<Document>{std::move(*document), entry->revision});
  } else {
    unreadable_.insert(entry->key);
    Log(LogLevel::kWarning, "The document " + entry->key + " cannot be read; it is left alone");
  }
}

template <typename Document>
bool Orchestrator::ReadUnder(std::string_view prefix, Holding<Document>* held) {
  auto entries = store_.List(prefix);
  if (!entries) return false;
  held->clear();
  for (const StoreEntry& entry : *entries) Hold(held, IdIn(entry.key, prefix), &entry);
  return true;
}

bool Orchestrator::ReadAll() {
  return ReadUnder(kParameterGroupPrefix, &parameters_) &&
         ReadUnder(kReplicationGroupPrefix, &groups_) && ReadUnder(kClusterPrefix, &clusters_);
}

void Orchestrator::ReadChanged(const std::set<std::string>& keys) {
  for (const std::string& key : keys) ReadOne(key);
}

void Orchestrator::ReadOne(const std::string& key) {
  auto entry = store_.Get(key);
  if (!entry) {
    is_behind_ = true;
    return NoteChange(key);  // Again in the next round.
  }
  const StoreEntry* found = *entry ? &**entry : nullptr;
  unreadable_.erase(key);
  if (key.starts_with(kClusterPrefix)) {
    Hold(&clusters_, IdIn(key, kClusterPrefix), found);
  } else if (key.starts_with(kReplicationGroupPrefix)) {
    Hold(&groups_, IdIn(key, kReplicationGroupPrefix), found);
  } else if (key.starts_with(kParameterGroupPrefix)) {
    Hold(&parameters_, IdIn(key, kParameterGroupPrefix), found);
  }
}

ParameterGroup Orchestrator::ParametersOf(const CacheCluster& cluster) const {
  if (auto found = parameters_.find(cluster.parameter_group); found != parameters_.end())
    return found->second.document;
  return FindDefaultParameterGroup(cluster.parameter_group).value_or(ParameterGroup{});
}

// ---- Rounds ----

bool Orchestrator::PlanClusters(const NodeReports& reports) {
  bool did_any = false;
  std::map<std::string, CacheCluster> present;
  std::vector<std::string> ids;
  for (const auto& [id, held] : clusters_) {
    present.emplace(id, held.document);
    ids.push_back(id);
  }
  for (const NodeStep& step : PlanStrays(present, reports)) {
    if (unreadable_.contains(ClusterKey(step.spec.cluster_id))) continue;  // Not a stray.
    CarryOut(step);
    did_any = true;
  }
  for (const std::string& id : ids) did_any |= PlanOneCluster(id, present.at(id), reports);
  return did_any;
}

bool Orchestrator::PlanOneCluster(const std::string& id, const CacheCluster& cluster,
                                  const NodeReports& reports) {
  ParameterGroup parameters = ParametersOf(cluster);
  std::optional<ShardView> shard = ShardOf(cluster);
  // Its group's document has not been read yet, which says what it is to be.
  bool is_early = !cluster.replication_group_id.empty() && !shard;
  if (is_early && cluster.status != "deleting") return false;
  ClusterPlan plan =
      PlanCluster({cluster, parameters, shard ? &*shard : nullptr, reports, now_ms_()});
  for (const NodeStep& step : plan.steps) CarryOut(step);
  bool did_any = !plan.steps.empty();
  if (plan.is_gone) return RemoveCluster(id, plan) || did_any;
  if (plan.record || !plan.events.empty()) return WriteCluster(id, std::move(plan)) || did_any;
  if (plan.applies_pending) return ApplyPendingOf(id) || did_any;
  return did_any;
}

// Nullopt: it stands alone.
std::optional<ShardView> Orchestrator::ShardOf(const CacheCluster& cluster) const {
  auto group = groups_.find(cluster.replication_group_id);
  if (group == groups_.end()) return std::nullopt;
  const NodeGroup* shard = group->second.document.ShardOf(cluster.id);
  if (shard == nullptr) return std::nullopt;
  ShardView view{.group = group->second.document, .shard = *shard, .primary_node = {}};
  view.has_leases = !limits_.can_end && view.group.HasFailover();
  auto primary = clusters_.find(shard->primary_cluster);
  if (primary != clusters_.end() && !primary->second.document.nodes.empty())
    view.primary_node = primary->second.document.nodes.front().endpoint;
  view.is_primary_seeding = primary != clusters_.end() && !primary->second.document.seed.empty();
  ShardState state{.may_start_primary = false, .may_end_primary = false};
  if (auto known = shards_.find(group->first); known != shards_.end()) {
    auto found = known->second.find(shard->id);
    if (found != known->second.end()) state = found->second;
  }
  view.may_start_primary = state.may_start_primary;
  view.may_end_primary = state.may_end_primary;
  view.has_reader = state.has_reader;
  view.is_endpoint_taken = state.is_endpoint_taken;
  return view;
}

void Orchestrator::CarryOut(const NodeStep& step) {
  switch (step.kind) {
    case NodeStep::Kind::kStart:
      return agent_.Start(step.spec);
    case NodeStep::Kind::kRestart:
      return agent_.Restart(step.spec);
    case NodeStep::Kind::kConfigure:
      return agent_.Configure(step.spec);
    case NodeStep::Kind::kRemove:
      return agent_.Remove(step.spec.Key());
    case NodeStep::Kind::kKill:
      return agent_.Kill(step.spec.Key());
    case NodeStep::Kind::kHandOver:
      return agent_.HandOver(step.spec.Key(), step.to);
    case NodeStep::Kind::kHold:
      return agent_.Hold(step.spec.Key());
  }
}

// A group's document is written before anything is done by it, and before its members are planned.
bool Orchestrator::PlanGroups(const NodeReports& reports) {
  bool did_any = false;
  shards_.clear();
  is_waiting_ = false;
  std::vector<std::string> ids;
  for (const auto& [id, held] : groups_) ids.push_back(id);
  for (const std::string& id : ids) {
    GroupPlan plan = PlanGroup(ViewOf(groups_.at(id).document, reports));
    is_waiting_ |= plan.is_waiting;
    bool is_written = true;
    if (plan.is_gone || plan.record || !plan.events.empty()) {
      is_written = WriteGroup(id, plan);
      did_any |= is_written;
    }
    GrantLeases(id, plan);
    if (!is_written) continue;
    for (const NodeStep& step : plan.steps) CarryOut(step);
    did_any |= !plan.steps.empty();
    shards_[id] = std::move(plan.shards);
  }
  return did_any;
}

GroupView Orchestrator::ViewOf(const ReplicationGroup& group, const NodeReports& reports) const {
  GroupView view{group, {}, reports, static_cast<int64_t>(MonotonicUs() / 1000), limits_};
  for (const std::string& member : group.MemberClusters()) {
    auto found = clusters_.find(member);
    if (found == clusters_.end()) continue;
    const CacheCluster& cluster = found->second.document;
    view.members.emplace(member, &cluster);
    if (limits_.can_end || cluster.nodes.empty()) continue;
    std::string key = member + "." + cluster.nodes.front().id;
    view.lease_left_ms[member] = leases_.UntilMs(key) - round_ms_;
  }
  return view;
}

// To those alone that are written down as primaries, in a document that is no older than the round.
void Orchestrator::GrantLeases(const std::string& id, const GroupPlan& plan) {
  auto group = groups_.find(id);
  if (is_behind_ || group == groups_.end()) return;
  for (const std::string& member : plan.leased) {
    const NodeGroup* shard = group->second.document.ShardOf(member);
    auto cluster = clusters_.find(member);
    if (shard == nullptr || shard->primary_cluster != member || cluster == clusters_.end())
      continue;
    std::string key = member + "." + cluster->second.document.nodes.front().id;
    leases_.Grant(key, round_ms_, limits_.lease_ms);
    agent_.Lease(key, round_ms_, limits_.lease_ms);
  }
}

// ---- Writing ----

// A conflict is no trouble: somebody changed the document meanwhile, and the watch has told so.
bool Orchestrator::Commit(const Transaction& transaction, const std::string& key) {
  auto revision = store_.Txn(transaction);
  if (revision) {
    ReadOne(key);
    return true;
  }
  is_behind_ |= revision.error() == StoreError::kConflict;
  if (revision.error() != StoreError::kConflict) {
    Log(LogLevel::kWarning, "Cannot write " + key + ": " + std::string(Describe(revision.error())));
  }
  return false;
}

void Orchestrator::AddEvent(const std::string& message, std::string_view type,
                            const std::string& source, Transaction* transaction) {
  Event event{source, std::string(type), message, now_ms_()};
  transaction->puts.push_back({NewEventKey(event.time_ms), ToJson(event)});
  Log(LogLevel::kNotice, source + ": " + message);
}

bool Orchestrator::WriteCluster(const std::string& id, ClusterPlan plan) {
  const Held<CacheCluster>& held = clusters_.at(id);
  const CacheCluster& next = plan.record ? *plan.record : held.document;
  std::string key = ClusterKey(id);
  Transaction transaction{
      .compares = {{key, held.revision}}, .puts = {{key, ToJson(next)}}, .deletes = {}};
  for (const CacheNode& node : held.document.nodes) {
    bool is_kept = false;
    for (const CacheNode& other : next.nodes) is_kept = is_kept || other.id == node.id;
    if (!is_kept) AddressBook::Release(node.endpoint, &transaction);
  }
  for (const std::string& message : plan.events)
    AddEvent(message, "cache-cluster", id, &transaction);
  return Commit(transaction, key);
}

bool Orchestrator::RemoveCluster(const std::string& id, const ClusterPlan& plan) {
  const Held<CacheCluster>& held = clusters_.at(id);
  std::string key = ClusterKey(id);
  Transaction transaction{.compares = {{key, held.revision}}, .puts = {}, .deletes = {key}};
  for (const CacheNode& node : held.document.nodes) {
    AddressBook::Release(node.endpoint, &transaction);
  }
  AddressBook::Release(held.document.configuration_endpoint, &transaction);
  LeaveGroup(held.document, &transaction);
  for (const std::string& message : plan.events)
    AddEvent(message, "cache-cluster", id, &transaction);
  return Commit(transaction, key);
}

// A member that goes is none any more.
void Orchestrator::LeaveGroup(const CacheCluster& cluster, Transaction* transaction) {
  auto group = groups_.find(cluster.replication_group_id);
  if (group == groups_.end() || group->second.document.status == "deleting") return;
  ReplicationGroup next = group->second.document;
  NodeGroup* shard = next.ShardOf(cluster.id);
  if (shard == nullptr) return;
  std::erase(shard->member_clusters, cluster.id);
  std::string key = ReplicationGroupKey(next.id);
  transaction->compares.push_back({key, group->second.revision});
  transaction->puts.push_back({key, ToJson(next)});
}

bool Orchestrator::ApplyPendingOf(const std::string& id) {
  const Held<CacheCluster>& held = clusters_.at(id);
  CacheCluster next = held.document;
  std::string key = ClusterKey(id);
  Transaction transaction{.compares = {{key, held.revision}}, .puts = {}, .deletes = {}};
  bool has_addresses = ApplyPending(&next, [&](const std::string& node_id) {
    return addresses_.ReserveFurther(next.port, id + "." + node_id, &transaction);
  });
  if (!has_addresses) return false;
  transaction.puts.push_back({key, ToJson(next)});
  return Commit(transaction, key);
}

bool Orchestrator::WriteGroup(const std::string& id, const GroupPlan& plan) {
  const Held<ReplicationGroup>& held = groups_.at(id);
  std::string key = ReplicationGroupKey(id);
  Transaction transaction{.compares = {{key, held.revision}}, .puts = {}, .deletes = {}};
  if (plan.is_gone) {
    transaction.deletes.push_back(key);
    for (const NodeGroup& shard : held.document.node_groups) {
      AddressBook::Release(shard.primary_endpoint, &transaction);
      AddressBook::Release(shard.reader_endpoint, &transaction);
    }
  } else if (plan.record) {
    transaction.puts.push_back({key, ToJson(*plan.record)});
  }
  for (const GroupEvent& event : plan.events) {
    bool is_own = event.source.empty();
    AddEvent(event.message, is_own ? "replication-group" : "cache-cluster",
             is_own ? id : event.source, &transaction);
  }
  return Commit(transaction, key);
}

void Orchestrator::ForgetOldEvents() {
  int64_t now = now_ms_();
  if (now - events_swept_ms_ < kEventSweepMs) return;
  events_swept_ms_ = now;
  auto events = store_.List(kEventPrefix, {}, kEventsPerSweep);
  if (!events) return;
  Transaction transaction;
  std::string first_kept = FirstEventKey(now - kEventLifetimeMs);
  for (const StoreEntry& entry : *events) {
    if (entry.key < first_kept) transaction.deletes.push_back(entry.key);
  }
  if (!transaction.deletes.empty() && !store_.Txn(transaction)) {
    Log(LogLevel::kWarning, "Cannot remove old events from the state store");
  }
}

}  // namespace kiln
