#include "control/orchestrator/orchestrator.h"

#include <chrono>

#include "base/log.h"
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
                           std::function<int64_t()> now_ms)
    : store_(store), agent_(agent), addresses_(addresses), now_ms_(std::move(now_ms)) {
  for (std::string_view prefix : {kClusterPrefix, kReplicationGroupPrefix, kParameterGroupPrefix}) {
    watches_.push_back(
        store_.Watch(std::string(prefix), [this](const std::string& key) { NoteChange(key); }));
  }
  agent_.OnChange([this] { NoteChange({}); });
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
      woken_.wait_for(lock, std::chrono::milliseconds(kIdleMs),
                      [this] { return has_news_ || is_stopping_; });
      if (is_stopping_) return;
    }
    RunOnce();
  }
}

bool Orchestrator::RunOnce() {
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
  bool did_any = PlanClusters(reports);
  if (PlanGroups()) did_any = true;
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
  if (!entry) return NoteChange(key);  // Again in the next round.
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
  for (const std::string& id : ids) {
    const CacheCluster& cluster = present.at(id);
    auto group = groups_.find(cluster.replication_group_id);
    ParameterGroup parameters = ParametersOf(cluster);
    ClusterPlan plan = PlanCluster({cluster, parameters,
                                    group == groups_.end() ? nullptr : &group->second.document,
                                    reports, now_ms_()});
    for (const NodeStep& step : plan.steps) CarryOut(step);
    if (!plan.steps.empty()) did_any = true;
    if (plan.is_gone) {
      did_any = RemoveCluster(id, plan) || did_any;
    } else if (plan.record || !plan.events.empty()) {
      did_any = WriteCluster(id, std::move(plan)) || did_any;
    } else if (plan.applies_pending) {
      did_any = ApplyPendingOf(id) || did_any;
    }
  }
  return did_any;
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
  }
}

bool Orchestrator::PlanGroups() {
  bool did_any = false;
  std::vector<std::string> ids;
  for (const auto& [id, held] : groups_) ids.push_back(id);
  for (const std::string& id : ids) {
    std::vector<const CacheCluster*> members;
    for (const std::string& member : groups_.at(id).document.member_clusters) {
      auto found = clusters_.find(member);
      if (found != clusters_.end()) members.push_back(&found->second.document);
    }
    GroupPlan plan = PlanGroup(groups_.at(id).document, members);
    if (plan.is_gone || plan.record) did_any = WriteGroup(id, std::move(plan)) || did_any;
  }
  return did_any;
}

// ---- Writing ----

// A conflict is no trouble: somebody changed the document meanwhile, and the watch has told so.
bool Orchestrator::Commit(const Transaction& transaction, const std::string& key) {
  auto revision = store_.Txn(transaction);
  if (revision) {
    ReadOne(key);
    return true;
  }
  if (revision.error() != StoreError::kConflict) {
    Log(LogLevel::kWarning, "Cannot write " + key + ": " + std::string(Describe(revision.error())));
  }
  return false;
}

void Orchestrator::AddEvents(const std::vector<std::string>& messages, std::string_view type,
                             const std::string& source, Transaction* transaction) {
  for (const std::string& message : messages) {
    Event event{source, std::string(type), message, now_ms_()};
    transaction->puts.push_back({NewEventKey(event.time_ms), ToJson(event)});
    Log(LogLevel::kNotice, source + ": " + message);
  }
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
  AddEvents(plan.events, "cache-cluster", id, &transaction);
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
  AddEvents(plan.events, "cache-cluster", id, &transaction);
  return Commit(transaction, key);
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

bool Orchestrator::WriteGroup(const std::string& id, GroupPlan plan) {
  const Held<ReplicationGroup>& held = groups_.at(id);
  std::string key = ReplicationGroupKey(id);
  Transaction transaction{.compares = {{key, held.revision}}, .puts = {}, .deletes = {}};
  if (plan.is_gone) {
    transaction.deletes.push_back(key);
    AddressBook::Release(held.document.primary_endpoint, &transaction);
    AddressBook::Release(held.document.reader_endpoint, &transaction);
  } else {
    transaction.puts.push_back({key, ToJson(*plan.record)});
  }
  AddEvents(plan.events, "replication-group", id, &transaction);
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
