#include "engine/server/failover.h"

#include <fmt/format.h>

#include <limits>

#include "base/log.h"
#include "engine/replication/link_clock.h"
#include "engine/server/replication.h"
#include "engine/server/server.h"

namespace kiln {

const char* Failover::StateName() const {
  switch (state_.load()) {
    case State::kNone:
      return "no-failover";
    case State::kWaitsForSync:
      return "waiting-for-sync";
    case State::kHandsOver:
      return "failover-in-progress";
  }
  return "";
}

std::string Failover::Check(const FailoverWish& wish) const {
  const Replication& replication = server_.replication();
  if (is_on()) return "FAILOVER already in progress.";
  if (replication.IsReplica()) return "FAILOVER is not valid when server is a replica.";
  std::vector<ReplicaInfo> replicas = server_.replication().links().table().All();
  if (replicas.empty()) return "FAILOVER requires connected replicas.";
  if (wish.is_forced && (wish.timeout_ms == 0 || wish.host.empty()))
    return "FAILOVER with force option requires both a timeout and target HOST and IP.";
  if (wish.host.empty()) return {};
  for (const ReplicaInfo& replica : replicas) {
    if (replica.address != wish.host || replica.port != wish.port) continue;
    return replica.state == ReplicaState::kOnline ? "" : "FAILOVER target replica is not online.";
  }
  return "FAILOVER target HOST and PORT is not a replica.";
}

std::string Failover::Start(const FailoverWish& wish) {
  if (std::string error = Check(wish); !error.empty()) return error;
  Log(LogLevel::kNotice, wish.host.empty()
                             ? "FAILOVER requested to any replica."
                             : fmt::format("FAILOVER requested to {}:{}.", wish.host, wish.port));
  wish_ = wish;
  deadline_ms_ = wish.timeout_ms == 0 ? 0 : LinkClockMs() + wish.timeout_ms;
  state_ = State::kWaitsForSync;
  server_.Pause(std::numeric_limits<int64_t>::max(), true);
  server_.replication().links().AskForAcks();
  return {};
}

bool Failover::Abort(const std::string& why) {
  if (!is_on()) return false;
  Log(LogLevel::kNotice, "Aborting failover: " + why);
  bool has_followed = state_ == State::kHandsOver;
  End();
  if (has_followed) server_.replication().BecomePrimary();
  return true;
}

void Failover::End() {
  state_ = State::kNone;
  server_.Unpause();
}

void Failover::HandOver(const std::string& host, int64_t port) {
  Log(LogLevel::kNotice, fmt::format("Failover target {}:{} is synced, failing over.", host, port));
  state_ = State::kHandsOver;
  server_.replication().FollowForFailover(host, port);
}

void Failover::OnTick() {
  if (state_ != State::kWaitsForSync) return;
  uint64_t end = server_.journal().end();
  for (const ReplicaInfo& replica : server_.replication().links().table().All()) {
    bool is_meant =
        wish_.host.empty() || (replica.address == wish_.host && replica.port == wish_.port);
    if (is_meant && replica.state == ReplicaState::kOnline && replica.offset >= end)
      return HandOver(replica.address, replica.port);
  }
  if (deadline_ms_ == 0 || LinkClockMs() < deadline_ms_) return;
  if (!wish_.is_forced) return (void)Abort("Replica never caught up before timeout");
  Log(LogLevel::kNotice,
      fmt::format("Failover to {}:{} time out exceeded, failing over.", wish_.host, wish_.port));
  HandOver(wish_.host, wish_.port);
}

void Failover::OnAnswer(bool has_agreed) {
  if (state_ != State::kHandsOver) return;
  if (!has_agreed) return (void)Abort("Failover target rejected psync request");
  Log(LogLevel::kNotice, "Failover target has accepted");
  End();
}

}  // namespace kiln
