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

std::optional<AdminRequest> ConfigureMemcached(const NodeSpec& running, const NodeSpec& wanted) {
  if (running.discovery == wanted.discovery) return std::nullopt;
  std::string bytes = "config set cluster 0 " + std::to_string(wanted.discovery.size()) + "\r\n";
  return AdminRequest{bytes + wanted.discovery + "\r\n", ReplyForm::kLine};
}

std::optional<AdminRequest> ConfigureRedis(const NodeSpec& running, const NodeSpec& wanted) {
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
  return AdminRequest{RespRequest(words), ReplyForm::kResp};
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

std::optional<AdminRequest> ConfigureRequest(const NodeSpec& running, const NodeSpec& wanted) {
  return IsMemcached(running) ? ConfigureMemcached(running, wanted)
                              : ConfigureRedis(running, wanted);
}

void ApplyConfigure(const NodeSpec& wanted, NodeSpec* running) {
  running->discovery = wanted.discovery;
  if (IsMemcached(*running)) return;
  running->live_parameters = wanted.live_parameters;
  running->endpoints = wanted.endpoints;
}

}  // namespace kiln
