// INFO: replication; and ROLE.

#include <fmt/format.h>

#include <algorithm>

#include "base/time.h"
#include "engine/replication/link_clock.h"
#include "engine/server/info.h"
#include "engine/server/primary_link.h"
#include "engine/server/replication.h"

namespace kiln {
namespace {

int64_t SecondsSince(int64_t then_ms) {
  return std::max<int64_t>(LinkClockMs() - then_ms, 0) / 1000;
}

}  // namespace

void InfoWriter::WriteReplication() {
  Replication& replication = server_.replication();
  const ReplicationHistory& history = replication.history();
  const Journal& journal = server_.journal();
  Field("role", replication.IsReplica() ? "slave" : "master");
  if (replication.IsReplica()) WriteLink();
  if (replication.durability().needs_lease())
    Field("lease_left_ms", replication.durability().lease_left_ms());
  WriteReplicas();
  Field("master_failover_state", replication.failover().StateName());
  Field("master_replid", history.id());
  Field("master_replid2", history.previous_id());
  Field("master_repl_offset", journal.end());
  Field("second_repl_offset", history.previous_end() < 0 ? -1 : history.previous_end() + 1);
  bool has_backlog = server_.IsJournaling(JournalUser::kReplicas);
  auto size = static_cast<uint64_t>(server_.settings().repl_backlog_bytes);
  uint64_t held = has_backlog ? replication.links().BacklogBytes() : 0;
  Field("repl_backlog_active", has_backlog ? 1 : 0);
  Field("repl_backlog_size", size);
  Field("repl_backlog_first_byte_offset", has_backlog ? journal.end() - held + 1 : 0);
  Field("repl_backlog_histlen", held);
}

void InfoWriter::WriteLink() {
  Replication& replication = server_.replication();
  const PrimaryLink* link = replication.link();
  bool is_up = !replication.IsWithoutPrimary();
  bool is_syncing = link != nullptr && link->IsSyncing();
  uint64_t offset = server_.journal().end();
  Field("master_host", replication.primary().host);
  Field("master_port", replication.primary().port);
  Field("master_link_status", is_up ? "up" : "down");
  Field("master_last_io_seconds_ago", is_up ? SecondsSince(link->last_heard_ms()) : -1);
  Field("master_sync_in_progress", is_syncing ? 1 : 0);
  if (replication.IsHeld()) Field("replica_held", 1);
  Field("slave_read_repl_offset", offset + (link == nullptr ? 0 : link->held_bytes()));
  Field("slave_repl_offset", offset);
  if (is_syncing) {
    uint64_t total = link->frame().total_bytes();
    uint64_t read = link->frame().bytes();
    Field("master_sync_total_bytes", total);
    Field("master_sync_read_bytes", read);
    Field("master_sync_left_bytes", total - std::min(total, read));
    Field("master_sync_perc",
          total == 0 ? 0.0 : static_cast<double>(read) * 100 / static_cast<double>(total));
    Field("master_sync_last_io_seconds_ago", SecondsSince(link->last_heard_ms()));
  }
  if (!is_up)
    Field("master_link_down_since_seconds",
          std::max<int64_t>(NowMs() / 1000 - replication.link_down_since_s(), 0));
  const Settings& settings = server_.settings();
  Field("slave_priority", settings.replica_priority);
  Field("slave_read_only", settings.replica_read_only ? 1 : 0);
  Field("replica_announced", settings.replica_announced ? 1 : 0);
}

void InfoWriter::WriteReplicas() {
  const ReplicaTable& table = server_.replication().links().table();
  std::vector<ReplicaInfo> all = table.All();
  Field("connected_slaves", all.size());
  const Settings& settings = server_.settings();
  if (settings.min_replicas_to_write > 0 && settings.min_replicas_max_lag_s > 0) {
    Field("min_slaves_good_slaves",
          table.CountHeardSince(LinkClockMs() - settings.min_replicas_max_lag_s * 1000));
  }
  for (size_t i = 0; i < all.size(); ++i) {
    const ReplicaInfo& one = all[i];
    Field(fmt::format("slave{}", i),
          fmt::format("ip={},port={},state={},offset={},lag={}", one.address, one.port,
                      NameOf(one.state), one.offset,
                      one.state == ReplicaState::kOnline ? SecondsSince(one.heard_ms) : 0));
  }
}

void Replication::DescribeRole(Reply& reply) {
  if (IsReplica()) {
    reply.Array(5);
    reply.Bulk("slave");
    reply.Bulk(primary_.host);
    reply.Integer(primary_.port);
    reply.Bulk(link_ == nullptr ? "connect" : link_->StateName());
    reply.Integer(is_link_up_ ? static_cast<int64_t>(server_.journal().end()) : -1);
    return;
  }
  std::vector<ReplicaInfo> online = links_.table().All();
  std::erase_if(online, [](const ReplicaInfo& one) { return one.state != ReplicaState::kOnline; });
  reply.Array(3);
  reply.Bulk("master");
  reply.Integer(static_cast<int64_t>(server_.journal().end()));
  reply.Array(online.size());
  for (const ReplicaInfo& one : online) {
    reply.Array(3);
    reply.Bulk(one.address);
    reply.Bulk(std::to_string(one.port));
    reply.Bulk(std::to_string(one.offset));
  }
}

}  // namespace kiln
