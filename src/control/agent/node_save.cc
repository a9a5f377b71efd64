#include "control/agent/node_save.h"

#include <chrono>
#include <map>
#include <optional>
#include <thread>

#include "base/time.h"
#include "control/agent/admin_connection.h"
#include "control/agent/admin_protocol.h"

namespace kiln {
namespace {

constexpr int kAnswerLimitMs = 5'000;
constexpr int kMaxSilences = 6;                 // Of kAnswerLimitMs, in a row.
constexpr uint64_t kBusyLimitUs = 600'000'000;  // For others' saves to end.
constexpr auto kPause = std::chrono::milliseconds(20);

using Fields = std::map<std::string, std::string>;

std::optional<Fields> AskPersistence(const std::string& folder) {
  std::optional<AdminReply> reply = AskNode(folder, PersistenceRequest(), kAnswerLimitMs);
  if (!reply || reply->is_error) return std::nullopt;
  return ReadStatistics({}, reply->text);
}

// Waits until no save is in progress, and tells what the last one came to. Nullopt: the node does
// not answer any more, or nobody waits.
std::optional<Fields> WaitForEnd(const std::string& folder, const std::function<bool()>& goes_on) {
  int silences = 0;
  while (goes_on() && silences < kMaxSilences) {
    std::optional<Fields> fields = AskPersistence(folder);
    silences = fields ? 0 : silences + 1;
    if (fields && (*fields)["rdb_bgsave_in_progress"] == "0") return fields;
    std::this_thread::sleep_for(kPause);
  }
  return std::nullopt;
}

}  // namespace

std::string SaveNode(const std::string& folder, const std::function<bool()>& goes_on) {
  uint64_t give_up_us = MonotonicUs() + kBusyLimitUs;
  std::string refusal = "it does not answer";
  while (goes_on() && MonotonicUs() < give_up_us) {
    std::optional<AdminReply> reply = AskNode(folder, SaveRequest(), kAnswerLimitMs);
    if (!reply) return refusal;
    std::optional<Fields> fields = WaitForEnd(folder, goes_on);
    if (!fields) return "it stopped answering";
    if (!reply->is_error)
      return (*fields)["rdb_last_bgsave_status"] == "ok" ? "" : "its save failed: see its log";
    refusal = "it refused to save: " + reply->text;
    std::this_thread::sleep_for(kPause);
  }
  return goes_on() ? refusal : "kilnd stops";
}

}  // namespace kiln
