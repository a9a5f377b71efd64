// SLOWLOG and LATENCY: what took long.

#include <algorithm>
#include <ctime>

#include "engine/commands/call.h"
#include "engine/commands/command_errors.h"
#include "engine/commands/command_table.h"
#include "engine/commands/groups.h"
#include "engine/commands/help.h"
#include "engine/commands/latency_monitor.h"
#include "engine/commands/services.h"
#include "engine/commands/slow_log.h"

namespace kiln {
namespace {

// ---- LATENCY ----

std::string LowerName(const Command& command) {
  std::string name(command.name);
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return name;
}

// LATENCY DOCTOR
void LatencyDoctor(Call& call) {
  int64_t threshold_ms = call.settings().latency_monitor_threshold_ms;
  if (threshold_ms == 0) {
    return call.reply.Verbatim("txt",
                               "Latency monitoring is off. \"CONFIG SET latency-monitor-threshold "
                               "<milliseconds>\" turns it on.\n");
  }
  auto latest = call.services.latency->LatestOfAll();
  std::string report =
      "No latency spikes of " + std::to_string(threshold_ms) + " ms or more so far.\n";
  if (!latest.empty()) report = "Latency spikes so far:\n\n";
  for (const auto& event : latest) {
    auto samples = call.services.latency->History(event.event);
    int64_t sum_ms = 0;
    for (const auto& sample : samples) sum_ms += sample.latency_ms;
    auto count = static_cast<int64_t>(samples.size());
    report += "- " + event.event + ": " + std::to_string(count) + " latency spikes (average " +
              std::to_string(sum_ms / std::max<int64_t>(count, 1)) + " ms, worst " +
              std::to_string(event.max_ms) + " ms).\n";
  }
  call.reply.Verbatim("txt", report);
}

// A column for each sample, the newest last; four rows, of which the highest column fills all.
std::string DrawGraph(const std::vector<LatencyMonitor::Sample>& samples, int64_t low_ms,
                      int64_t high_ms) {
  constexpr int kRows = 4;
  constexpr size_t kMaxColumns = 80;
  size_t first = samples.size() > kMaxColumns ? samples.size() - kMaxColumns : 0;
  int64_t range_ms = std::max<int64_t>(high_ms - low_ms, 1);
  std::string graph;
  for (int row = kRows - 1; row >= 0; --row) {
    for (size_t i = first; i < samples.size(); ++i) {
      int64_t thirds = (samples[i].latency_ms - low_ms) * kRows * 3 / range_ms;
      if (low_ms == high_ms) thirds = 1;
      int64_t here = thirds - row * 3;
      if (row == 0) here = std::max<int64_t>(here, 1);
      graph += here <= 0 ? ' ' : here == 1 ? '_' : here == 2 ? 'o' : '#';
    }
    graph += '\n';
  }
  return graph;
}

// LATENCY GRAPH event
void LatencyGraph(Call& call) {
  std::string event(call.args.Text());
  auto samples = call.services.latency->History(event);
  if (samples.empty())
    return call.FailText("ERR No samples available for event '" + UntilZero(event) + "'");
  auto [low, high] = std::minmax_element(
      samples.begin(), samples.end(), [](auto& a, auto& b) { return a.latency_ms < b.latency_ms; });
  int64_t worst_ms = high->latency_ms;
  for (const auto& latest : call.services.latency->LatestOfAll()) {
    if (latest.event == event) worst_ms = latest.max_ms;
  }
  std::string text = event + " - high " + std::to_string(high->latency_ms) + " ms, low " +
                     std::to_string(low->latency_ms) + " ms (all time high " +
                     std::to_string(worst_ms) + " ms)\n";
  text += std::string(80, '-') + "\n" + DrawGraph(samples, low->latency_ms, high->latency_ms);
  call.reply.Verbatim("txt", text);
}

// LATENCY HELP
void LatencyHelp(Call& call) {
  constexpr std::string_view kLines[] = {
      "DOCTOR",
      "    A report of what took long.",
      "GRAPH <event>",
      "    A picture of the latencies of <event>.",
      "HISTORY <event>",
      "    The times and latencies of <event>.",
      "LATEST",
      "    The latest latency of every event.",
      "RESET [<event> ...]",
      "    Forget the latencies of these events (default: of all).",
      "HISTOGRAM [<command> ...]",
      "    How many calls of these commands (default: of all) took how long.",
  };
  ReplyHelp(call, kLines);
}

// True when the command has been called.
bool ReplyHistogram(Call& call, const Command& command) {
  auto buckets = call.services.server->Latencies(command);
  if (buckets.empty()) return false;
  call.reply.Bulk(LowerName(command));
  call.reply.Map(2);
  call.reply.Bulk("calls");
  call.reply.Integer(static_cast<int64_t>(buckets.back().calls));
  call.reply.Bulk("histogram_usec");
  call.reply.Map(buckets.size());
  for (const auto& bucket : buckets) {
    call.reply.Integer(static_cast<int64_t>(bucket.within_us));
    call.reply.Integer(static_cast<int64_t>(bucket.calls));
  }
  return true;
}

// LATENCY HISTOGRAM [command [command ...]]
void LatencyHistogram(Call& call) {
  const CommandTable& table = *call.services.commands;
  std::vector<const Command*> asked;
  if (!call.args.More()) asked.assign(table.all().begin(), table.all().end());
  for (std::string_view name : call.args.Rest()) {
    size_t bar = name.find('|');
    const Command* command = table.FindName(name.substr(0, bar));
    if (command != nullptr && bar != std::string_view::npos)
      command = table.FindChild(*command, name.substr(bar + 1));
    if (command == nullptr) continue;
    asked.push_back(command);
    if (!command->Is(kContainer)) continue;
    for (const Command* child : table.Children(*command)) asked.push_back(child);
  }
  size_t at = call.reply.Later();
  size_t count = 0;
  for (const Command* command : asked) count += ReplyHistogram(call, *command) ? 1 : 0;
  call.reply.EndMap(at, count);
}

// LATENCY HISTORY event
void LatencyHistory(Call& call) {
  auto samples = call.services.latency->History(call.args.Text());
  call.reply.Array(samples.size());
  for (const auto& sample : samples) {
    call.reply.Array(2);
    call.reply.Integer(sample.time_s);
    call.reply.Integer(sample.latency_ms);
  }
}

// LATENCY LATEST
void LatencyLatest(Call& call) {
  auto latest = call.services.latency->LatestOfAll();
  call.reply.Array(latest.size());
  for (const auto& event : latest) {
    call.reply.Array(4);
    call.reply.Bulk(event.event);
    call.reply.Integer(event.last.time_s);
    call.reply.Integer(event.last.latency_ms);
    call.reply.Integer(event.max_ms);
  }
}

// LATENCY RESET [event [event ...]]
void LatencyReset(Call& call) {
  Arguments names = call.args.Rest();
  std::vector<std::string> events(names.begin(), names.end());
  call.reply.Integer(static_cast<int64_t>(call.services.latency->Reset(events)));
}

// ---- SLOWLOG ----

// SLOWLOG GET [count]
void SlowLogGet(Call& call) {
  size_t count = 10;
  if (call.args.More()) {
    auto wanted = ParseInt64(call.args.Text());
    if (!wanted || *wanted < -1)
      return call.FailText("ERR count should be greater than or equal to -1");
    count = static_cast<size_t>(*wanted);  // -1: all
  }
  if (!call.args.Done()) {
    return call.FailText(SubcommandErrorText(call.args.all()[1], "SLOWLOG"));
  }
  auto entries = call.services.slowlog->Get(count);
  call.reply.Array(entries.size());
  for (const SlowLog::Entry& entry : entries) {
    call.reply.Array(6);
    call.reply.Integer(entry.id);
    call.reply.Integer(entry.time_s);
    call.reply.Integer(entry.duration_us);
    call.reply.Array(entry.arguments.size());
    for (const std::string& argument : entry.arguments) call.reply.Bulk(argument);
    call.reply.Bulk(entry.client_address);
    call.reply.Bulk(entry.client_name);
  }
}

// SLOWLOG HELP
void SlowLogHelp(Call& call) {
  constexpr std::string_view kLines[] = {
      "GET [<count>]",
      "    The newest <count> entries (default: 10; -1: all). An entry is:",
      "    number, Unix time, microseconds, arguments, client address, client name",
      "LEN",
      "    The number of entries.",
      "RESET",
      "    Forget all entries.",
  };
  ReplyHelp(call, kLines);
}

// SLOWLOG LEN
void SlowLogLen(Call& call) {
  call.reply.Integer(static_cast<int64_t>(call.services.slowlog->size()));
}

// SLOWLOG RESET
void SlowLogReset(Call& call) {
  call.services.slowlog->Reset();
  call.reply.Ok();
}

constexpr uint32_t kShow = kLoading | kStale;
constexpr uint32_t kLatency = kShow | kAdmin | kNoScript;
constexpr uint32_t kSlow = kShow | kAdmin;
constexpr Acl kNo = Acl::kNone;

// clang-format off
constexpr Command kObserveCommands[] = {
  // name                 arity  keys          flags             acl  handler           since     usage                  summary
  {"LATENCY",             -2,    Keys::None(), kContainer,       kNo, nullptr,          "2.8.13", "",                    "A container for commands about latencies."},
  {"LATENCY|DOCTOR",      2,     Keys::None(), kLatency,         kNo, LatencyDoctor,    "2.8.13", "",                    "Returns a report of what took long."},
  {"LATENCY|GRAPH",       3,     Keys::None(), kLatency,         kNo, LatencyGraph,     "2.8.13", "event",               "Draws the latencies of an event."},
  {"LATENCY|HELP",        2,     Keys::None(), kShow,            kNo, LatencyHelp,      "2.8.13", "",                    "Describes the subcommands."},
  {"LATENCY|HISTOGRAM",   -2,    Keys::None(), kLatency | kGate, kNo, LatencyHistogram, "7.0.0",  "[COMMAND:string...]", "Returns how many calls of commands took how long."},
  {"LATENCY|HISTORY",     3,     Keys::None(), kLatency,         kNo, LatencyHistory,   "2.8.13", "event",               "Returns the latencies of an event."},
  {"LATENCY|LATEST",      2,     Keys::None(), kLatency,         kNo, LatencyLatest,    "2.8.13", "",                    "Returns the latest latency of every event."},
  {"LATENCY|RESET",       -2,    Keys::None(), kLatency,         kNo, LatencyReset,     "2.8.13", "[event...]",          "Forgets latencies."},
  {"SLOWLOG",             -2,    Keys::None(), kContainer,       kNo, nullptr,          "2.2.12", "",                    "A container for commands about the slow log."},
  {"SLOWLOG|GET",         -2,    Keys::None(), kSlow,            kNo, SlowLogGet,       "2.2.12", "[count]",             "Returns the newest entries of the slow log."},
  {"SLOWLOG|HELP",        2,     Keys::None(), kShow,            kNo, SlowLogHelp,      "6.2.0",  "",                    "Describes the subcommands."},
  {"SLOWLOG|LEN",         2,     Keys::None(), kSlow,            kNo, SlowLogLen,       "2.2.12", "",                    "Returns the number of entries of the slow log."},
  {"SLOWLOG|RESET",       2,     Keys::None(), kSlow,            kNo, SlowLogReset,     "2.2.12", "",                    "Forgets the entries of the slow log."},
};
// clang-format on
static_assert(WellFormed(kObserveCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> ObserveCommands() {
  return kObserveCommands;
}

}  // namespace kiln
