// DescribeEvents.

#include <fmt/format.h>

#include <algorithm>

#include "control/aws/action.h"
#include "control/aws/actions/paging.h"
#include "control/model/events.h"
#include "control/model/names.h"
#include "control/model/store_keys.h"

namespace kiln {
namespace {

constexpr int64_t kMsPerMinute = 60 * 1000;
constexpr int64_t kDefaultMinutes = 60;
constexpr size_t kEventsReadAtOnce = 500;

struct Filter {
  std::string source_id;
  std::string source_type;
  int64_t start_ms = 0;
  int64_t end_ms = 0;

  bool Lets(const Event& event) const {
    return (source_type.empty() || event.source_type == source_type) &&
           (source_id.empty() || event.source_id == source_id);
  }
};

// Any two of start, end and duration give the third; the end is now and the duration an hour where
// nothing else is said.
void ReadTimes(Arguments& args, int64_t now_ms, Filter* filter) {
  std::optional<int64_t> start_ms = args.Time("StartTime");
  std::optional<int64_t> end_ms = args.Time("EndTime");
  std::optional<int64_t> minutes = args.Integer("Duration", 1, kEventLifetimeMs / kMsPerMinute);
  if (start_ms && end_ms && minutes) {
    args.Fail(Fault::kInvalidParameterCombination,
              "StartTime, EndTime and Duration cannot be specified together.");
  }
  int64_t duration_ms = minutes.value_or(kDefaultMinutes) * kMsPerMinute;
  if (start_ms && minutes) end_ms = *start_ms + duration_ms;
  filter->end_ms = end_ms.value_or(now_ms);
  filter->start_ms = start_ms.value_or(filter->end_ms - duration_ms);
  if (filter->start_ms > filter->end_ms) {
    args.Fail(Fault::kInvalidParameterValue, "StartTime must not be later than EndTime.");
  }
  filter->start_ms = std::max(filter->start_ms, now_ms - kEventLifetimeMs);
}

Filter ReadFilter(Arguments& args, int64_t now_ms) {
  Filter filter;
  filter.source_id = LowerCase(args.StringOr("SourceIdentifier", ""));
  filter.source_type =
      args.OneOf("SourceType", {"cache-cluster", "cache-parameter-group", "cache-security-group",
                                "cache-subnet-group", "replication-group", "serverless-cache",
                                "serverless-cache-snapshot", "user", "user-group"})
          .value_or("");
  if (!filter.source_id.empty() && !args.Has("SourceType")) {
    args.Fail(Fault::kInvalidParameterCombination,
              "SourceType must be specified when SourceIdentifier is.");
  }
  ReadTimes(args, now_ms, &filter);
  return filter;
}

// Oldest first, and one more than fits the page if there is one.
Result<std::vector<std::pair<std::string, Event>>, StoreError> Find(Store& store,
                                                                    const Filter& filter,
                                                                    const PageRequest& request) {
  std::vector<std::pair<std::string, Event>> found;
  std::string after = std::max(FirstEventKey(filter.start_ms), request.after);
  std::string end = FirstEventKey(filter.end_ms + 1);
  while (found.size() <= request.limit) {
    auto entries = store.List(kEventPrefix, after, kEventsReadAtOnce);
    if (!entries) return entries.error();
    for (const StoreEntry& entry : *entries) {
      if (entry.key >= end || found.size() > request.limit) return found;
      std::optional<Event> event = FromJson<Event>(entry.value);
      if (event && filter.Lets(*event)) found.emplace_back(entry.key, *std::move(event));
    }
    if (entries->size() < kEventsReadAtOnce) break;
    after = entries->back().key;
  }
  return found;
}

ApiError DescribeEvents(ActionCall& call) {
  Filter filter = ReadFilter(call.args, call.api.now_ms());
  PageRequest request = ReadPageRequest(call.args);
  if (call.args.error()) return call.args.error();

  auto found = Find(call.api.store, filter, request);
  if (!found) return ActionCall::StoreTrouble(found.error());
  auto page = CutPage(std::move(*found), request, [](const auto& event) { return event.first; });
  XmlWriter& out = call.out;
  out.OptionalText("Marker", page.marker);
  out.List("Events", "Event", page.items, [&](const std::pair<std::string, Event>& item) {
    const Event& event = item.second;
    out.Text("SourceIdentifier", event.source_id);
    out.Text("SourceType", event.source_type);
    out.Text("Message", event.message);
    out.Time("Date", event.time_ms);
  });
  return NoError();
}

constexpr Action kEventActions[] = {
    {"DescribeEvents", DescribeEvents},
};

}  // namespace

std::span<const Action> EventActions() {
  return kEventActions;
}

}  // namespace kiln
