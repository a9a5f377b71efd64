// Key specifications: how a client finds a command's keys by itself, and what the command does with
// them.
//
// Most commands have one, which follows from the row's positions and key_access.h. Rows here are
// for those with several, with keys behind a keyword or a count, or with something to note. Source:
// the key specifications of Redis 7.2's commands. Constant data; any thread.
#pragma once

#include <span>
#include <string_view>

namespace kiln {

// Where the search for keys begins.
struct KeySearch {
  enum class Kind { kUnknown, kIndex, kKeyword } kind;
  int at;  // the index; for a keyword where to look from, negative: backwards from the end
  std::string_view keyword;
};

// Which arguments are keys from there on.
struct KeyRange {
  enum class Kind { kUnknown, kRange, kCounted } kind;
  // A range's last key, step and limit; a count's index, the first key and the step.
  int first;
  int second;
  int third;
};

struct KeySpec {
  std::string_view name;   // the command's
  std::string_view flags;  // words with spaces between them
  KeySearch search;
  KeyRange range;
  std::string_view notes;
};

// Empty for commands whose one specification follows from their row.
std::span<const KeySpec> FindKeySpecs(std::string_view command_name);

}  // namespace kiln
