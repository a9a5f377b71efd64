// The slow log and latencies.
#include "params/tables.h"

namespace kiln {
namespace {

// clang-format off
constexpr Parameter kRows[] = {
  // name                               alias  type                initial       allowed     apply        flags       member                                   help
  {"latency-monitor-threshold",         "",    ParameterType::kInt,         "0",          "0..long",  Apply::kNow, 0,          &Settings::latency_monitor_threshold_ms, "Milliseconds from which an event is recorded; 0 records none."},
  {"latency-tracking",                  "",    ParameterType::kBool,        "yes",        "",         Apply::kNow, 0,          &Settings::latency_tracking,             "Keep a histogram of each command's latency."},
  {"latency-tracking-info-percentiles", "",    ParameterType::kPercentiles, "50 99 99.9", "",         Apply::kNow, kMultiWord, &Settings::latency_tracking_percentiles, "Percentiles shown by INFO latencystats."},
  {"slowlog-log-slower-than",           "",    ParameterType::kInt,         "10000",      "-1..long", Apply::kNow, 0,          &Settings::slowlog_log_slower_than_us,   "Microseconds from which a command is slow; negative logs none."},
  {"slowlog-max-len",                   "",    ParameterType::kInt,         "128",        "0..long",  Apply::kNow, 0,          &Settings::slowlog_max_len,              "Entries of the slow log."},
};
// clang-format on
static_assert(IsSorted(kRows));

}  // namespace

std::span<const Parameter> MonitoringParameters() {
  return kRows;
}

}  // namespace kiln
