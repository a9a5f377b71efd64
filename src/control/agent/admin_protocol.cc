#include "control/agent/admin_protocol.h"

#include <algorithm>
#include <vector>

#include "base/number.h"
#include "control/agent/node_command.h"

namespace kiln {
namespace {

constexpr std::string_view kLineEnd = "\r\n";

std::string RespRequest(const std::vector<std::string_view>& words) {
  std::string bytes = '*' + std::to_string(words.size()) + "\r\n";
  for (std::string_view word : words) {
    bytes.append(1, '$').append(std::to_string(word.size())).append(kLineEnd);
    bytes.append(word).append(kLineEnd);
  }
  return bytes;
}

std::optional<AdminReply> ReadResp(std::string_view bytes) {
  size_t end = bytes.find(kLineEnd);
  if (end == std::string_view::npos) return std::nullopt;
  std::string_view line = bytes.substr(1, end - 1);
  if (bytes[0] != '$') return AdminReply{bytes[0] == '-', std::string(line)};
  size_t length = ParseUint64(line).value_or(0);
  if (bytes.size() < end + length + 2 * kLineEnd.size()) return std::nullopt;
  return AdminReply{false, std::string(bytes.substr(end + kLineEnd.size(), length))};
}

bool IsMemcachedError(std::string_view line) {
  return line == "ERROR" || line.starts_with("CLIENT_ERROR") || line.starts_with("SERVER_ERROR");
}

std::optional<AdminReply> ReadLine(std::string_view bytes) {
  size_t end = bytes.find(kLineEnd);
  if (end == std::string_view::npos) return std::nullopt;
  std::string_view line = bytes.substr(0, end);
  return AdminReply{IsMemcachedError(line), std::string(line)};
}

std::optional<AdminReply> ReadUntilEnd(std::string_view bytes) {
  std::optional<AdminReply> first = ReadLine(bytes);
  if (!first || first->is_error) return first;
  if (!bytes.ends_with("END\r\n")) return std::nullopt;
  return AdminReply{false, std::string(bytes.substr(0, bytes.size() - 5))};
}

std::vector<std::string_view> SplitLines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    size_t end = std::min(text.find(kLineEnd), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + kLineEnd.size(), text.size()));
  }
  return lines;
}

std::optional<ConfigureStep> ConfigureMemcached(const NodeSpec& running, const NodeSpec& wanted) {
  if (running.discovery == wanted.discovery) return std::nullopt;
  std::string bytes = "config set cluster 0 " + std::to_string(wanted.discovery.size()) + "\r\n";
  ConfigureStep step{{bytes + wanted.discovery + "\r\n", ReplyForm::kLine}, running};
  step.after.discovery = wanted.discovery;
  return step;
}

ConfigureStep Follow(const NodeSpec& running, const Endpoint& primary) {
  std::string port = std::to_string(primary.port);
  ConfigureStep step{{primary.empty() ? RespRequest({"REPLICAOF", "NO", "ONE"})
                                      : RespRequest({"REPLICAOF", primary.address, port}),
                      ReplyForm::kResp},
                     running};
  step.after.follows = primary;
  return step;
}

// CONFIG SET with what differs; nullopt when nothing does.
std::optional<ConfigureStep> SetParameters(const NodeSpec& running, const NodeSpec& wanted) {
  std::vector<std::string_view> words = {"CONFIG", "SET"};
  for (const auto& [name, value] : wanted.live_parameters) {
    auto told = running.live_parameters.find(name);
    if (told != running.live_parameters.end() && told->second == value) continue;
    words.insert(words.end(), {name, value});
  }
  std::string endpoints = EndpointsText(wanted.endpoints, ' ');
  if (running.endpoints != wanted.endpoints)
    words.insert(words.end(), {kEndpointsParameter, endpoints});
  if (words.size() == 2) return std::nullopt;
  ConfigureStep step{{RespRequest(words), ReplyForm::kResp}, running};
  step.after.live_parameters = wanted.live_parameters;
  step.after.endpoints = wanted.endpoints;
  for (const Endpoint& endpoint : running.endpoints) {
    bool is_kept = std::find(wanted.endpoints.begin(), wanted.endpoints.end(), endpoint) !=
                   wanted.endpoints.end();
    if (!is_kept) step.after.closed.push_back(endpoint);
  }
  return step;
}

// So that clients that came through an endpoint come again, and land where it leads now.
ConfigureStep Disconnect(const NodeSpec& running) {
  std::string address = EndpointsText({running.closed.back()}, ' ');
  ConfigureStep step{{RespRequest({"CLIENT", "KILL", "LADDR", address}), ReplyForm::kResp},
                     running};
  step.after.closed.pop_back();
  return step;
}

std::optional<ConfigureStep> ConfigureRedis(const NodeSpec& running, const NodeSpec& wanted) {
  bool changes_role = wanted.is_grouped && !wanted.keeps_role && running.follows != wanted.follows;
  if (changes_role && wanted.follows.empty()) return Follow(running, wanted.follows);
  if (auto step = SetParameters(running, wanted)) return step;
  if (changes_role) return Follow(running, wanted.follows);
  if (!running.closed.empty()) return Disconnect(running);
  return std::nullopt;
}

int64_t NumberOf(const std::map<std::string, std::string>& fields, const std::string& name) {
  auto found = fields.find(name);
  return found == fields.end() ? 0 : ParseInt64(found->second).value_or(0);
}

std::string TextOf(const std::map<std::string, std::string>& fields, const std::string& name) {
  auto found = fields.find(name);
  return found == fields.end() ? "" : found->second;
}

}  // namespace

std::optional<AdminReply> ReadReply(ReplyForm form, std::string_view bytes) {
  switch (form) {
    case ReplyForm::kResp:
      return ReadResp(bytes);
    case ReplyForm::kLine:
      return ReadLine(bytes);
    case ReplyForm::kUntilEnd:
      return ReadUntilEnd(bytes);
  }
  return std::nullopt;
}

AdminRequest ProbeRequest(const NodeSpec& spec) {
  if (IsMemcached(spec)) return {"version\r\n", ReplyForm::kLine};
  return {RespRequest({"PING"}), ReplyForm::kResp};
}

bool IsReady(const AdminReply& reply) {
  return reply.text == "PONG" || reply.text.starts_with("VERSION ");
}

bool IsLoading(const AdminReply& reply) {
  return reply.is_error && reply.text.starts_with("LOADING ");
}

AdminRequest SaveRequest() {
  return {RespRequest({"BGSAVE"}), ReplyForm::kResp};
}

AdminRequest PersistenceRequest() {
  return {RespRequest({"INFO", "persistence"}), ReplyForm::kResp};
}

AdminRequest StatisticsRequest(const NodeSpec& spec) {
  if (IsMemcached(spec)) return {"stats\r\n", ReplyForm::kUntilEnd};
  return {RespRequest({"INFO", "ALL"}), ReplyForm::kResp};
}

std::map<std::string, std::string> ReadStatistics(const NodeSpec& spec, std::string_view text) {
  constexpr std::string_view kStat = "STAT ";
  std::map<std::string, std::string> fields;
  for (std::string_view line : SplitLines(text)) {
    char separator = ':';
    if (IsMemcached(spec)) {
      if (!line.starts_with(kStat)) continue;
      line.remove_prefix(kStat.size());
      separator = ' ';
    }
    size_t at = line.find(separator);
    if (at == std::string_view::npos) continue;
    fields.emplace(line.substr(0, at), line.substr(at + 1));
  }
  return fields;
}

AdminRequest ReplicationRequest() {
  return {RespRequest({"INFO", "replication"}), ReplyForm::kResp};
}

AdminRequest ClusterRequest() {
  return {RespRequest({"INFO", "cluster"}), ReplyForm::kResp};
}

bool ReadReplication(const NodeSpec& spec, std::string_view text, ReplicationReport* report) {
  std::map<std::string, std::string> fields = ReadStatistics(spec, text);
  std::string role = TextOf(fields, "role");
  if (role != "master" && role != "slave") return false;
  ReplicationReport next;
  next.is_known = true;
  next.is_primary = role == "master";
  if (!next.is_primary) {
    next.follows = {TextOf(fields, "master_host"),
                    static_cast<int>(NumberOf(fields, "master_port"))};
  }
  next.is_link_up = TextOf(fields, "master_link_status") == "up";
  next.is_syncing = NumberOf(fields, "master_sync_in_progress") != 0;
  next.has_synced = next.is_link_up || (report->has_synced && !next.is_syncing);
  next.is_handing_over = TextOf(fields, "master_failover_state") != "no-failover";
  next.is_held = NumberOf(fields, "replica_held") != 0;
  next.link_down_s = NumberOf(fields, "master_link_down_since_seconds");
  next.history = TextOf(fields, "master_replid");
  next.previous_history = TextOf(fields, "master_replid2");
  next.offset = NumberOf(fields, "master_repl_offset");
  *report = std::move(next);
  return true;
}

AdminRequest HandOverRequest(const Endpoint& replica) {
  constexpr std::string_view kLimitMs = "10000";
  std::string port = std::to_string(replica.port);
  return {RespRequest({"FAILOVER", "TO", replica.address, port, "TIMEOUT", kLimitMs}),
          ReplyForm::kResp};
}

// Longer than it takes to write down who is appointed, and to tell it.
AdminRequest HoldRequest() {
  return {RespRequest({"KILN", "HOLD", "10000"}), ReplyForm::kResp};
}

AdminRequest LeaseRequest(int64_t from_ms, int64_t duration_ms) {
  std::string from = std::to_string(from_ms);
  std::string duration = std::to_string(duration_ms);
  return {RespRequest({"KILN", "LEASE", duration, "FROM", from}), ReplyForm::kResp};
}

std::optional<ConfigureStep> NextConfigureStep(const NodeSpec& running, const NodeSpec& wanted) {
  return IsMemcached(running) ? ConfigureMemcached(running, wanted)
                              : ConfigureRedis(running, wanted);
}

void ApplyConfigure(const NodeSpec& wanted, NodeSpec* running) {
  running->discovery = wanted.discovery;
  if (IsMemcached(*running)) return;
  running->live_parameters = wanted.live_parameters;
  running->endpoints = wanted.endpoints;
  running->is_grouped = wanted.is_grouped;
  if (!wanted.keeps_role) running->follows = wanted.follows;
}

}  // namespace kiln
