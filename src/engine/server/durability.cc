#include "engine/server/durability.h"

#include <algorithm>

#include "base/boot_clock.h"
#include "base/log.h"
#include "engine/server/append_only.h"
#include "engine/server/replication.h"
#include "engine/server/server.h"

namespace kiln {
namespace {

constexpr char kNoLease[] =
    "READONLY You can't write against a primary whose lease is over: it may not be the primary "
    "any more.";
constexpr char kTooLate[] =
    "NOREPLICAS Not enough good replicas to write: none has confirmed changes for longer than "
    "durability-max-lag.";
constexpr char kNobody[] =
    "NOREPLICAS Not enough good replicas to write: durability sync needs a replica in another "
    "zone, or the append-only file.";

}  // namespace

DurabilityGuard::DurabilityGuard(Server& server)
    : server_(server), needs_lease_(server.settings().requires_lease) {
  is_on_ = needs_lease_.load();
}

// ---- Before replies are sent ----

bool DurabilityGuard::IsSafe(uint64_t offset) const {
  const ReplicaTable& table = server_.replication().links().table();
  if (table.FurthestOutside(server_.settings().availability_zone).value_or(0) >= offset)
    return true;
  const AofLog* log = server_.append_only().log();
  return log != nullptr && log->synced_offset() >= offset;
}

DurabilityGuard::Verdict DurabilityGuard::MaySend(const Client& client,
                                                  uint64_t told_offset) const {
  if (client.is_admin) return Verdict::kSend;
  bool tells_of_writes = client.written_offset > told_offset;
  // What was written by a primary is not acknowledged by the replica that it became meanwhile.
  if (tells_of_writes && !HoldsLease()) return Verdict::kClose;
  if (server_.replication().IsReplica()) return Verdict::kSend;
  return HoldsBack(client) ? Verdict::kHold : Verdict::kSend;
}

bool DurabilityGuard::HoldsBack(const Client& client) const {
  return is_sync() && client.has_seen_data && !IsSafe(server_.journal().changes_end());
}

// ---- Before writes run ----

bool DurabilityGuard::HoldsLease() const {
  return !needs_lease_.load(std::memory_order_relaxed) ||
         BootMs() < lease_until_ms_.load(std::memory_order_relaxed);
}

int64_t DurabilityGuard::lease_left_ms() const {
  return std::max<int64_t>(lease_until_ms_.load(std::memory_order_relaxed) - BootMs(), 0);
}

std::string_view DurabilityGuard::Refusal() const {
  if (!HoldsLease()) return kNoLease;
  if (!is_late_.load(std::memory_order_relaxed)) return {};
  return server_.settings().durability == Durability::kSync ? kNobody : kTooLate;
}

void DurabilityGuard::GrantLease(int64_t duration_ms, int64_t from_ms) {
  lease_until_ms_ = duration_ms == 0 ? 0 : from_ms + duration_ms;
  OnSettings();
  had_lease_ = had_lease_ || HoldsLease();
  server_.replication().UpdateDoubts();
}

void DurabilityGuard::OnDemoted() {
  lease_until_ms_ = 0;
  had_lease_ = false;
}

void DurabilityGuard::OnSettings() {
  bool is_sync = server_.settings().durability == Durability::kSync;
  bool needs_lease = server_.settings().requires_lease;
  is_sync_ = is_sync;
  needs_lease_ = needs_lease;
  is_on_ = needs_lease || is_sync;
  // What was written is known by its place in the journal.
  bool must_know = is_sync || (HoldsLease() && needs_lease && !server_.replication().IsReplica());
  if (must_know) server_.SetJournaling(JournalUser::kReplicas, true);
  marked_ms_ = 0;
  is_late_ = IsTooLate();
}

bool DurabilityGuard::IsTooLate() {
  const Replication& replication = server_.replication();
  const Settings& settings = server_.settings();
  if (replication.IsReplica() || settings.durability == Durability::kDisabled) return false;
  auto furthest = server_.replication().links().table().FurthestOutside(settings.availability_zone);
  if (settings.durability == Durability::kSync)
    return !furthest && server_.append_only().log() == nullptr;
  // Where there was never a replica there is none that could be late.
  if (!server_.IsJournaling(JournalUser::kReplicas)) return false;
  int64_t now_ms = BootMs();
  if (marked_ms_ == 0 || furthest.value_or(0) >= marked_offset_) {
    marked_offset_ = server_.journal().changes_end();
    marked_ms_ = now_ms;
  }
  return now_ms - marked_ms_ > settings.durability_max_lag_s * 1000;
}

void DurabilityGuard::OnTick() {
  bool has_lease = HoldsLease();
  bool has_lost_it = had_lease_ && !has_lease && !server_.replication().IsReplica();
  had_lease_ = has_lease;
  if (has_lost_it) {
    Log(LogLevel::kWarning, "The lease is over: no write is acknowledged any more");
    // They are to look where the primary is now.
    server_.gate().Exclusive(0, [&] {
      server_.ForEach([&](Client& client) {
        bool is_replica = client.replica != nullptr && client.replica->is_attached;
        if (!client.is_admin && !is_replica) server_.Close(client.handle, false);
      });
    });
  }
  bool is_late = IsTooLate();
  if (is_late == is_late_) return;
  is_late_ = is_late;
  Log(LogLevel::kWarning,
      is_late ? "Writes are refused: too few replicas confirm them" : "Writes are accepted again");
  server_.gate().Exclusive(0, [&] { server_.replication().UpdateDoubts(); });
}

}  // namespace kiln
