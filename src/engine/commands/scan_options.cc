#include "engine/commands/scan_options.h"

#include <limits>

#include "base/number.h"

namespace kiln {

uint64_t ReadScanCursor(ArgumentCursor& args) {
  std::string_view digits = args.Text();
  if (digits.empty()) return 0;
  bool is_negative = digits[0] == '-';
  if (is_negative || digits[0] == '+') {
    digits.remove_prefix(1);
    if (digits.empty()) args.Fail(Error::kInvalidCursor);
  }
  auto cursor = ParseUint64(digits);
  if (!cursor) args.Fail(Error::kInvalidCursor);
  return is_negative ? -cursor.value_or(0) : cursor.value_or(0);
}

ScanOptions ReadScanOptions(ArgumentCursor& args, bool takes_type) {
  ScanOptions options;
  while (args.More()) {
    if (args.Left() >= 2 && args.Take("COUNT")) {
      options.count = static_cast<size_t>(
          args.IntegerWithin(1, std::numeric_limits<int64_t>::max(), Error::kSyntax));
    } else if (args.Left() >= 2 && args.Take("MATCH")) {
      options.pattern = args.Text();
      options.has_pattern = options.pattern != "*";
    } else if (takes_type && args.Left() >= 2 && args.Take("TYPE")) {
      options.type_name = args.Text();
      options.has_type = true;
    } else {
      args.Fail(Error::kSyntax);
    }
  }
  return options;
}

void EndScan(Reply& reply, size_t start, uint64_t cursor, size_t replies) {
  reply.EndArray(start, replies);
  ByteBuffer head;
  Reply writer(head);
  writer.Array(2);
  writer.BulkInteger(static_cast<int64_t>(cursor));
  reply.out().Insert(start, head.view());
}

}  // namespace kiln
