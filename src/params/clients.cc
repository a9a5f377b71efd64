// What one client may hold or ask for.
#include "params/tables.h"

namespace kiln {
namespace {

// clang-format off
constexpr Parameter kRows[] = {
  // name                        alias  type                   initial                                                                allowed          apply        flags       member                                      help
  {"client-output-buffer-limit", "",    ParameterType::kOutputLimits,   "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60", "",              Apply::kNow, kMultiWord, &Settings::output_limits,                   "Output a client may leave unread, by class of client."},
  {"client-query-buffer-limit",  "",    ParameterType::kBytes,          "1073741824",                                                          "1048576..long", Apply::kNow, 0,          &Settings::client_query_buffer_limit_bytes, "Bytes of one client's unread requests."},
  {"maxclients",                 "",    ParameterType::kInt,            "10000",                                                               "1..uint",       Apply::kNow, 0,          &Settings::maxclients,                      "Connections at the same time."},
  {"maxmemory-clients",          "",    ParameterType::kBytesOrPercent, "0",                                                                   "-100..long",    Apply::kNow, 0,          &Settings::maxmemory_clients_bytes,         "Memory of all clients together; a share of maxmemory when given in percent."},
  {"notify-keyspace-events",     "",    ParameterType::kEventClasses,   "",                                                                    "",              Apply::kNow, 0,          &Settings::notify_keyspace_events,          "Classes of events that are published."},
  {"proto-max-bulk-len",         "",    ParameterType::kBytes,          "536870912",                                                           "1048576..long", Apply::kNow, 0,          &Settings::proto_max_bulk_len_bytes,        "Longest string in a request."},
  {"tracking-table-max-keys",    "",    ParameterType::kInt,            "1000000",                                                             "0..long",       Apply::kNow, 0,          &Settings::tracking_table_max_keys,         "Keys remembered for client-side caching; 0 sets no limit."},
};
// clang-format on
static_assert(IsSorted(kRows));

}  // namespace

std::span<const Parameter> ClientsParameters() {
  return kRows;
}

}  // namespace kiln
