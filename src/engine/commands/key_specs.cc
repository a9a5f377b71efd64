#include "engine/commands/key_specs.h"

#include <algorithm>
#include <iterator>

namespace kiln {
namespace {

constexpr KeySearch kNowhere = {KeySearch::Kind::kUnknown, 0, ""};
constexpr KeyRange kUnknown = {KeyRange::Kind::kUnknown, 0, 0, 0};

constexpr KeySearch Index(int index) {
  return {KeySearch::Kind::kIndex, index, ""};
}
constexpr KeySearch Keyword(std::string_view keyword, int from) {
  return {KeySearch::Kind::kKeyword, from, keyword};
}
constexpr KeyRange Range(int last, int step, int limit) {
  return {KeyRange::Kind::kRange, last, step, limit};
}
constexpr KeyRange Counted(int count_at, int first, int step) {
  return {KeyRange::Kind::kCounted, count_at, first, step};
}

// clang-format off
constexpr KeySpec kRows[] = {  // Sorted by name; a command's specifications in their order.
  {"BITFIELD",          "RW access update variable_flags", Index(1),                Range(0, 1, 0),   "reads or changes, as its operations say"},
  {"BITOP",             "OW update",                       Index(2),                Range(0, 1, 0),   ""},
  {"BITOP",             "RO access",                       Index(3),                Range(-1, 1, 0),  ""},
  {"BLMOVE",            "RW access delete",                Index(1),                Range(0, 1, 0),   ""},
  {"BLMOVE",            "RW insert",                       Index(2),                Range(0, 1, 0),   ""},
  {"BLMPOP",            "RW access delete",                Index(2),                Counted(0, 1, 1), ""},
  {"BRPOPLPUSH",        "RW access delete",                Index(1),                Range(0, 1, 0),   ""},
  {"BRPOPLPUSH",        "RW insert",                       Index(2),                Range(0, 1, 0),   ""},
  {"BZMPOP",            "RW access delete",                Index(2),                Counted(0, 1, 1), ""},
  {"COPY",              "RO access",                       Index(1),                Range(0, 1, 0),   ""},
  {"COPY",              "OW update",                       Index(2),                Range(0, 1, 0),   ""},
  {"EVAL",              "RW access update",                Index(2),                Counted(0, 1, 1), "what the script does is not known"},
  {"EVALSHA",           "RW access update",                Index(2),                Counted(0, 1, 1), ""},
  {"EVALSHA_RO",        "RO access",                       Index(2),                Counted(0, 1, 1), ""},
  {"EVAL_RO",           "RO access",                       Index(2),                Counted(0, 1, 1), "what the script reads is not known"},
  {"FCALL",             "RW access update",                Index(2),                Counted(0, 1, 1), "what the function does is not known"},
  {"FCALL_RO",          "RO access",                       Index(2),                Counted(0, 1, 1), "what the function reads is not known"},
  {"GEORADIUS",         "RO access",                       Index(1),                Range(0, 1, 0),   ""},
  {"GEORADIUS",         "OW update",                       Keyword("STORE", 6),     Range(0, 1, 0),   ""},
  {"GEORADIUS",         "OW update",                       Keyword("STOREDIST", 6), Range(0, 1, 0),   ""},
  {"GEORADIUSBYMEMBER", "RO access",                       Index(1),                Range(0, 1, 0),   ""},
  {"GEORADIUSBYMEMBER", "OW update",                       Keyword("STORE", 5),     Range(0, 1, 0),   ""},
  {"GEORADIUSBYMEMBER", "OW update",                       Keyword("STOREDIST", 5), Range(0, 1, 0),   ""},
  {"GEOSEARCHSTORE",    "OW update",                       Index(1),                Range(0, 1, 0),   ""},
  {"GEOSEARCHSTORE",    "RO access",                       Index(2),                Range(0, 1, 0),   ""},
  {"GETEX",             "RW access update",                Index(1),                Range(0, 1, 0),   "changes the time to live"},
  {"LMOVE",             "RW access delete",                Index(1),                Range(0, 1, 0),   ""},
  {"LMOVE",             "RW insert",                       Index(2),                Range(0, 1, 0),   ""},
  {"LMPOP",             "RW access delete",                Index(1),                Counted(0, 1, 1), ""},
  {"MIGRATE",           "RW access delete",                Index(3),                Range(0, 1, 0),   ""},
  {"MIGRATE",           "RW access delete incomplete",     Keyword("KEYS", -2),     Range(-1, 1, 0),  ""},
  {"PFCOUNT",           "RW access",                       Index(1),                Range(-1, 1, 0),  "may store what it counted"},
  {"PFMERGE",           "RW access insert",                Index(1),                Range(0, 1, 0),   ""},
  {"PFMERGE",           "RO access",                       Index(2),                Range(-1, 1, 0),  ""},
  {"RENAME",            "RW access delete",                Index(1),                Range(0, 1, 0),   ""},
  {"RENAME",            "OW update",                       Index(2),                Range(0, 1, 0),   ""},
  {"RENAMENX",          "RW access delete",                Index(1),                Range(0, 1, 0),   ""},
  {"RENAMENX",          "OW insert",                       Index(2),                Range(0, 1, 0),   ""},
  {"RPOPLPUSH",         "RW access delete",                Index(1),                Range(0, 1, 0),   ""},
  {"RPOPLPUSH",         "RW insert",                       Index(2),                Range(0, 1, 0),   ""},
  {"SDIFFSTORE",        "OW update",                       Index(1),                Range(0, 1, 0),   ""},
  {"SDIFFSTORE",        "RO access",                       Index(2),                Range(-1, 1, 0),  ""},
  {"SET",               "RW access update variable_flags", Index(1),                Range(0, 1, 0),   "reads only with `GET`"},
  {"SINTERCARD",        "RO access",                       Index(1),                Counted(0, 1, 1), ""},
  {"SINTERSTORE",       "RW update",                       Index(1),                Range(0, 1, 0),   ""},
  {"SINTERSTORE",       "RO access",                       Index(2),                Range(-1, 1, 0),  ""},
  {"SMOVE",             "RW access delete",                Index(1),                Range(0, 1, 0),   ""},
  {"SMOVE",             "RW insert",                       Index(2),                Range(0, 1, 0),   ""},
  {"SORT",              "RO access",                       Index(1),                Range(0, 1, 0),   ""},
  {"SORT",              "RO access",                       kNowhere,                kUnknown,         "for `BY` and `GET`: these keys' names depend on the elements sorted"},
  {"SORT",              "OW update",                       kNowhere,                kUnknown,         "for `STORE`, which may stand anywhere"},
  {"SORT_RO",           "RO access",                       Index(1),                Range(0, 1, 0),   ""},
  {"SORT_RO",           "RO access",                       kNowhere,                kUnknown,         "for `BY` and `GET`: these keys' names depend on the elements sorted"},
  {"SPUBLISH",          "not_key",                         Index(1),                Range(0, 1, 0),   ""},
  {"SSUBSCRIBE",        "not_key",                         Index(1),                Range(-1, 1, 0),  ""},
  {"SUNIONSTORE",       "OW update",                       Index(1),                Range(0, 1, 0),   ""},
  {"SUNIONSTORE",       "RO access",                       Index(2),                Range(-1, 1, 0),  ""},
  {"SUNSUBSCRIBE",      "not_key",                         Index(1),                Range(-1, 1, 0),  ""},
  {"XADD",              "RW update",                       Index(1),                Range(0, 1, 0),   "no insertion alone, for it may trim"},
  {"XREAD",             "RO access",                       Keyword("STREAMS", 1),   Range(-1, 1, 2),  ""},
  {"XREADGROUP",        "RO access",                       Keyword("STREAMS", 4),   Range(-1, 1, 2),  ""},
  {"ZDIFF",             "RO access",                       Index(1),                Counted(0, 1, 1), ""},
  {"ZDIFFSTORE",        "OW update",                       Index(1),                Range(0, 1, 0),   ""},
  {"ZDIFFSTORE",        "RO access",                       Index(2),                Counted(0, 1, 1), ""},
  {"ZINTER",            "RO access",                       Index(1),                Counted(0, 1, 1), ""},
  {"ZINTERCARD",        "RO access",                       Index(1),                Counted(0, 1, 1), ""},
  {"ZINTERSTORE",       "OW update",                       Index(1),                Range(0, 1, 0),   ""},
  {"ZINTERSTORE",       "RO access",                       Index(2),                Counted(0, 1, 1), ""},
  {"ZMPOP",             "RW access delete",                Index(1),                Counted(0, 1, 1), ""},
  {"ZRANGESTORE",       "OW update",                       Index(1),                Range(0, 1, 0),   ""},
  {"ZRANGESTORE",       "RO access",                       Index(2),                Range(0, 1, 0),   ""},
  {"ZUNION",            "RO access",                       Index(1),                Counted(0, 1, 1), ""},
  {"ZUNIONSTORE",       "OW update",                       Index(1),                Range(0, 1, 0),   ""},
  {"ZUNIONSTORE",       "RO access",                       Index(2),                Counted(0, 1, 1), ""},
};
// clang-format on

static_assert(std::is_sorted(std::begin(kRows), std::end(kRows),
                             [](const auto& a, const auto& b) { return a.name < b.name; }));

}  // namespace

std::span<const KeySpec> FindKeySpecs(std::string_view command_name) {
  const KeySpec* first =
      std::lower_bound(std::begin(kRows), std::end(kRows), command_name,
                       [](const KeySpec& a, std::string_view b) { return a.name < b; });
  const KeySpec* last = first;
  while (last != std::end(kRows) && last->name == command_name) ++last;
  return {first, last};
}

}  // namespace kiln
