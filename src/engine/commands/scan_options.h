// What SCAN and its kin read from their arguments.
//
// HSCAN, SSCAN and ZSCAN read the cursor, look the key up, and only then read the options: an
// absent key answers before its options are looked at, as in Redis.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/glob.h"
#include "engine/commands/call.h"

namespace kiln {

// An unsigned decimal number, read as strtoul() does: a sign is fine, so is nothing at all. Fails
// with kInvalidCursor.
uint64_t ReadScanCursor(ArgumentCursor& args);

struct ScanOptions {
  std::string_view pattern;
  bool has_pattern = false;
  size_t count = 10;
  std::string_view type_name;  // SCAN's TYPE
  bool has_type = false;

  bool Matches(std::string_view text) const { return !has_pattern || GlobMatches(pattern, text); }
};

// MATCH pattern and COUNT count, up to the end of the arguments; with `takes_type`, TYPE type too.
ScanOptions ReadScanOptions(ArgumentCursor& args, bool takes_type = false);

// Puts the head of a scan's reply before the `replies` that follow `start`.
void EndScan(Reply& reply, size_t start, uint64_t cursor, size_t replies);

// Scans the collection T at the key that comes next: cursor, options and the whole reply.
// `visit(options, reply, element...)` replies with an element that matches, and returns how many
// replies it made.
template <class T, class F>
void ScanCollection(Call& call, F&& visit) {
  Key key = call.args.NextKey();
  uint64_t cursor = ReadScanCursor(call.args);
  if (!call.args.ok()) return call.Fail(call.args.error());
  StoreResult<T*> found = call.db.template Find<T>(key);
  if (!found) return call.Fail(found.error());
  if (*found == nullptr) return call.reply.Raw("*2\r\n$1\r\n0\r\n*0\r\n");
  ScanOptions options = ReadScanOptions(call.args);
  if (!call.args.ok()) return call.Fail(call.args.error());
  size_t start = call.reply.Later();
  size_t replies = 0;
  cursor = (*found)->Scan(cursor, options.count, [&](const auto&... element) {
    replies += visit(options, call.reply, element...);
  });
  EndScan(call.reply, start, cursor, replies);
}

}  // namespace kiln
