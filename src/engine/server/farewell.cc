#include "engine/server/farewell.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "base/log.h"
#include "engine/commands/persistence.h"
#include "engine/replication/link_clock.h"
#include "engine/server/replication.h"
#include "engine/server/server.h"

namespace kiln {
namespace {

bool HasAll(const ReplicaInfo& replica, uint64_t end) {
  return replica.state != ReplicaState::kOnline || replica.offset >= end;
}

}  // namespace

bool Farewell::IsWanted(uint32_t flags) const {
  bool has_time = (flags & kShutdownNow) == 0 && server_.settings().shutdown_timeout_s > 0;
  if (!has_time || server_.replication().IsReplica()) return false;
  uint64_t end = server_.journal().changes_end();
  std::vector<ReplicaInfo> replicas = server_.replication().links().table().All();
  return !std::all_of(replicas.begin(), replicas.end(),
                      [&](const ReplicaInfo& one) { return HasAll(one, end); });
}

void Farewell::Begin(uint32_t flags) {
  Log(LogLevel::kNotice, "Waiting for replicas before shutting down.");
  flags_ = flags;
  deadline_ms_ = LinkClockMs() + server_.settings().shutdown_timeout_s * 1000;
  server_.Pause(std::numeric_limits<int64_t>::max(), true);
  server_.replication().links().AskForAcks();
}

int64_t Farewell::LeftMs() const {
  return std::max<int64_t>(deadline_ms_ - LinkClockMs(), 0);
}

bool Farewell::IsOver() const {
  return LeftMs() == 0 || !IsWanted(flags_);
}

uint32_t Farewell::End() {
  uint64_t end = server_.journal().changes_end();
  std::vector<ReplicaInfo> replicas = server_.replication().links().table().All();
  size_t in_sync = 0;
  for (const ReplicaInfo& one : replicas) {
    if (one.state == ReplicaState::kOnline && one.offset >= end) {
      ++in_sync;
      continue;
    }
    Log(LogLevel::kNotice,
        fmt::format("Lagging replica {}:{} reported offset {} behind master, lag={}, state={}.",
                    one.address, one.port, end - std::min(end, one.offset),
                    (LinkClockMs() - one.heard_ms) / 1000, NameOf(one.state)));
  }
  Log(LogLevel::kNotice,
      fmt::format("{} of {} replicas are in sync when shutting down.", in_sync, replicas.size()));
  deadline_ms_ = 0;
  server_.Unpause();
  return flags_;
}

void Farewell::AnswerAskers() {
  for (ClientHandle client : std::exchange(askers_, {})) (void)server_.Unblock(client, false);
}

}  // namespace kiln
