#include "engine/replication/handshake.h"

#include <algorithm>
#include <initializer_list>
#include <vector>

#include "base/number.h"
#include "engine/journal/journal.h"
#include "engine/replication/history.h"

namespace kiln {
namespace {

std::string InResp(std::initializer_list<std::string_view> words) {
  std::string bytes;
  AppendCommand(&bytes, std::vector<std::string_view>(words));
  return bytes;
}

}  // namespace

std::string ReplicationHandshake::Begin() {
  step_ = Step::kPing;
  return CommandOf(step_);
}

bool ReplicationHandshake::IsNeeded(Step step) const {
  if (step == Step::kAuth) return !identity_.password.empty();
  if (step == Step::kZone) return !identity_.zone.empty();
  if (step == Step::kSecret) return !identity_.secret.empty();
  if (step == Step::kAddress) return !identity_.address.empty();
  return true;
}

std::string ReplicationHandshake::CommandOf(Step step) const {
  switch (step) {
    case Step::kPing:
      return InResp({"PING"});
    case Step::kAuth:
      return identity_.user.empty() ? InResp({"AUTH", identity_.password})
                                    : InResp({"AUTH", identity_.user, identity_.password});
    case Step::kSecret:
      return InResp({"REPLCONF", "kiln-secret", identity_.secret});
    case Step::kPort:
      return InResp({"REPLCONF", "listening-port", std::to_string(identity_.port)});
    case Step::kAddress:
      return InResp({"REPLCONF", "ip-address", identity_.address});
    case Step::kZone:
      return InResp({"REPLCONF", "availability-zone", identity_.zone});
    case Step::kCapabilities:
      return InResp({"REPLCONF", "capa", "eof", "capa", "psync2", "capa", "kiln"});
    case Step::kSync: {
      // The first byte that is missing, counted from 1.
      std::string next = identity_.history == "?" ? "-1" : std::to_string(identity_.offset + 1);
      return identity_.takes_over ? InResp({"PSYNC", identity_.history, next, "FAILOVER"})
                                  : InResp({"PSYNC", identity_.history, next});
    }
  }
  return {};
}

std::string ReplicationHandshake::Next() {
  do {
    step_ = static_cast<Step>(static_cast<int>(step_) + 1);
  } while (!IsNeeded(step_));
  return CommandOf(step_);
}

ReplicationHandshake::Outcome ReplicationHandshake::Fail(std::string_view what,
                                                         std::string_view line) {
  error_ = std::string(what) + ": " + std::string(line.substr(0, 128));
  return Outcome::kFailed;
}

ReplicationHandshake::Outcome ReplicationHandshake::OnLine(std::string_view line,
                                                           std::string* to_send) {
  to_send->clear();
  if (line.empty()) return Outcome::kGoesOn;  // the primary is still there, and busy
  bool is_error = line[0] == '-';
  switch (step_) {
    case Step::kPing:
      // Who must log in first may be refused even this.
      if (is_error && !line.starts_with("-NOAUTH") && !line.starts_with("-NOPERM") &&
          !line.starts_with("-ERR operation not permitted")) {
        return Fail("Error reply to PING from the primary", line);
      }
      break;
    case Step::kAuth:
      if (is_error) return Fail("Unable to AUTH to MASTER", line);
      break;
    case Step::kSecret:
    case Step::kPort:
    case Step::kAddress:
    case Step::kZone:
    case Step::kCapabilities:
      break;  // who does not know them does without
    case Step::kSync:
      return OnSync(line);
  }
  *to_send = Next();
  return Outcome::kGoesOn;
}

ReplicationHandshake::Outcome ReplicationHandshake::OnSync(std::string_view line) {
  std::vector<std::string> words;
  for (size_t at = 0; at <= line.size();) {
    size_t end = std::min(line.find(' ', at), line.size());
    words.emplace_back(line.substr(at, end - at));
    at = end + 1;
  }
  if (words[0] == "+CONTINUE") {
    if (identity_.history == "?") return Fail("The primary goes on from nowhere", line);
    if (words.size() > 1 && IsReplicationId(words[1])) identity_.history = words[1];
    return Outcome::kContinue;
  }
  if (words[0] == "+FULLRESYNC") {
    auto offset = words.size() == 3 ? ParseInt64(words[2]) : std::nullopt;
    if (!offset || *offset < 0 || !IsReplicationId(words[1]))
      return Fail("The primary's answer to PSYNC makes no sense", line);
    identity_.history = words[1];
    identity_.offset = static_cast<uint64_t>(*offset);
    return Outcome::kSnapshot;
  }
  return Fail("The primary is not able to synchronise", line);
}

}  // namespace kiln
