// INFO: what was counted, by the server, by command, by error and by latency.

#include <map>

#include "engine/server/info.h"
#include "engine/server/replication.h"

namespace kiln {
namespace {

std::string LowerName(const Command& command) {
  std::string name(command.name);
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return name;
}

// "99.9" for 99.9, "50" for 50.0.
std::string PercentText(double percent) {
  std::string text = fmt::format("{:.6f}", percent);
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text;
}

}  // namespace

void InfoWriter::WriteStats() {
  WorkerStats worker = SumWorkerStats();
  StoreStats store = SumStoreStats();
  Field("total_connections_received", worker.connections);
  Field("total_commands_processed", worker.commands);
  Field("instantaneous_ops_per_sec", static_cast<int64_t>(SumRates(&WorkerRates::commands)));
  Field("total_net_input_bytes", worker.input_bytes);
  Field("total_net_output_bytes", worker.output_bytes);
  Field("total_net_repl_input_bytes", server_.replication_input_bytes_.load());
  Field("total_net_repl_output_bytes", server_.replication_output_bytes_.load());
  Field("instantaneous_input_kbps", SumRates(&WorkerRates::input_bytes) / 1024);
  Field("instantaneous_output_kbps", SumRates(&WorkerRates::output_bytes) / 1024);
  Field("instantaneous_input_repl_kbps", 0.0);
  Field("instantaneous_output_repl_kbps", 0.0);
  Field("rejected_connections", server_.rejected_connections_.load());
  const ReplicaLinks::Counts& syncs = server_.replication().links().counts();
  Field("sync_full", syncs.full);
  Field("sync_partial_ok", syncs.partial);
  Field("sync_partial_err", syncs.refused);
  Field("expired_subkeys", store.expired_fields);
  Field("expired_keys", store.expired);
  Field("expired_stale_perc", 0.0);
  Field("expired_time_cap_reached_count", 0);
  Field("expire_cycle_cpu_milliseconds", 0);
  Field("evicted_keys", store.evicted);
  Field("evicted_clients", server_.evicted_clients_);
  Field("total_eviction_exceeded_time", 0);
  Field("current_eviction_exceeded_time", 0);
  Field("keyspace_hits", store.hits);
  Field("keyspace_misses", store.misses);
  Field("pubsub_channels", server_.pubsub_.CountNames(PubSub::Kind::kChannel));
  Field("pubsub_patterns", server_.pubsub_.CountNames(PubSub::Kind::kPattern));
  Field("pubsubshard_channels", server_.pubsub_.CountNames(PubSub::Kind::kShard));
  Field("latest_fork_usec", 0);
  Field("total_forks", 0);
  Field("migrate_cached_sockets", server_.migrate_links_.size());
  Field("slave_expires_tracked_keys", 0);
  Field("active_defrag_hits", 0);
  Field("active_defrag_misses", 0);
  Field("active_defrag_key_hits", 0);
  Field("active_defrag_key_misses", 0);
  Field("total_active_defrag_time", 0);
  Field("current_active_defrag_time", 0);
  Field("tracking_total_keys", server_.tracking_.table.keys());
  Field("tracking_total_items", server_.tracking_.table.items());
  Field("tracking_total_prefixes", server_.CountTrackedPrefixes());
  Field("unexpected_error_replies", 0);
  Field("total_error_replies", worker.error_replies);
  Field("dump_payload_sanitizations", 0);
  Field("total_reads_processed", worker.reads);
  Field("total_writes_processed", worker.writes);
  Field("io_threaded_reads_processed", server_.workers_.size() > 1 ? worker.reads : 0);
  Field("io_threaded_writes_processed", server_.workers_.size() > 1 ? worker.writes : 0);
  Field("client_query_buffer_limit_disconnections", worker.input_limit_disconnections);
  Field("client_output_buffer_limit_disconnections", worker.output_limit_disconnections);
  Field("reply_buffer_shrinks", 0);
  Field("reply_buffer_expands", 0);
  WriteEventLoops(worker);
  const AclLog& refused = server_.acl_.log();
  Field("acl_access_denied_auth", refused.CountOf(DenialReason::kPassword));
  Field("acl_access_denied_cmd", refused.CountOf(DenialReason::kCommand));
  Field("acl_access_denied_key", refused.CountOf(DenialReason::kKey));
  Field("acl_access_denied_channel", refused.CountOf(DenialReason::kChannel));
}

void InfoWriter::WriteEventLoops(const WorkerStats& worker) {
  // Of all workers; what is told per second or cycle is the mean of a worker.
  double turns_per_s = SumRates(&WorkerRates::turns);
  double turn_us_per_s = SumRates(&WorkerRates::turn_ticks) / server_.ticks_per_us_;
  Field("eventloop_cycles", worker.turns);
  Field("eventloop_duration_sum", Microseconds(worker.turn_ticks));
  Field("eventloop_duration_cmd_sum", Microseconds(worker.command_ticks));
  Field("instantaneous_eventloop_cycles_per_sec",
        static_cast<int64_t>(turns_per_s / static_cast<double>(server_.workers_.size())));
  Field("instantaneous_eventloop_duration_usec",
        static_cast<int64_t>(turns_per_s > 0 ? turn_us_per_s / turns_per_s : 0));
}

void InfoWriter::WriteDebug() {
  WorkerStats worker = SumWorkerStats();
  Field("eventloop_duration_aof_sum", 0);
  Field("eventloop_duration_cron_sum", Microseconds(worker.timer_ticks));
  Field("eventloop_duration_max", Microseconds(worker.longest_turn_ticks));
  Field("eventloop_cmd_per_cycle_max", worker.most_commands_in_turn);
}

void InfoWriter::WriteCommandStats() {
  for (const Command* command : server_.commands_.all()) {
    CommandStats sum;
    for (auto& worker : server_.workers_) sum.Add(worker->command_stats()[command->number]);
    if (sum.calls == 0 && sum.rejected == 0 && sum.failed == 0) continue;
    // Calls that were refused after a wait are taken out again, their time but roughly.
    double us = sum.calls == 0 ? 0 : static_cast<double>(sum.ticks) / server_.ticks_per_us_;
    double us_per_call = sum.calls == 0 ? 0 : us / static_cast<double>(sum.calls);
    Field("cmdstat_" + LowerName(*command),
          fmt::format("calls={},usec={:.0f},usec_per_call={:.2f},rejected_calls={},failed_calls={}",
                      sum.calls, us, us_per_call, sum.rejected, sum.failed));
  }
}

void InfoWriter::WriteErrorStats() {
  std::map<std::string, uint64_t> errors;
  for (auto& worker : server_.workers_) {
    for (const auto& [code, count] : worker->errors()) errors[code] += count;
  }
  for (const auto& [code, count] : errors)
    Field("errorstat_" + code, fmt::format("count={}", count));
}

// Buckets double, from 1.024 us, as those of Redis.
std::vector<LatencyBucket> Server::Latencies(const Command& command) {
  LatencyHistogram sum;
  for (auto& worker : workers_) sum.AddAll(worker->command_stats()[command.number].latencies);
  std::vector<LatencyBucket> buckets;
  uint64_t calls = 0;
  sum.ForEach([&](uint64_t ticks, uint64_t times) {
    double us = static_cast<double>(ticks) / ticks_per_us_;
    double bound_us = 1.024;
    while (bound_us < us) bound_us *= 2;
    calls += times;
    auto within_us = static_cast<uint64_t>(bound_us);
    if (!buckets.empty() && buckets.back().within_us == within_us) {
      buckets.back().calls = calls;
    } else {
      buckets.push_back({within_us, calls});
    }
  });
  return buckets;
}

void InfoWriter::WriteLatencyStats() {
  for (const Command* command : server_.commands_.all()) {
    LatencyHistogram sum;
    for (auto& worker : server_.workers_)
      sum.AddAll(worker->command_stats()[command->number].latencies);
    if (sum.Count() == 0) continue;
    std::string values;
    for (double percent : server_.settings().latency_tracking_percentiles) {
      if (!values.empty()) values += ',';
      double us = static_cast<double>(sum.Percentile(percent)) / server_.ticks_per_us_;
      values += fmt::format("p{}={:.3f}", PercentText(percent), us);
    }
    Field("latency_percentiles_usec_" + LowerName(*command), values);
  }
}

}  // namespace kiln
