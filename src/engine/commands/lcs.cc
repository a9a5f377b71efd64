// LCS: the longest common subsequence of two strings, by the usual table of the lengths for all
// pairs of prefixes, of which it keeps a bit for each pair.

#include <array>
#include <bit>
#include <vector>

#include "engine/commands/groups.h"
#include "engine/commands/string_value.h"

namespace kiln {
namespace {

struct LcsOptions {
  bool length_only = false;
  bool with_indices = false;
  bool with_match_length = false;
  int64_t min_match = 0;
};

bool ParseOptions(Call& call, LcsOptions* options) {
  ArgumentCursor& args = call.args;
  while (args.More()) {
    if (args.Take("LEN")) {
      options->length_only = true;
    } else if (args.Take("IDX")) {
      options->with_indices = true;
    } else if (args.Take("WITHMATCHLEN")) {
      options->with_match_length = true;
    } else if (args.Take("MINMATCHLEN")) {
      if (args.Left() == 0) args.Fail(Error::kSyntax);
      options->min_match = args.Integer();
    } else {
      args.Fail(Error::kSyntax);
    }
  }
  if (!args.ok()) {
    call.Fail(args.error());
  } else if (options->length_only && options->with_indices) {
    call.FailText("ERR If you want both the length and indexes, please just use IDX.");
  } else {
    return true;
  }
  return false;
}

// With L(i, j) for the length for the first i bytes of `a` and the first j of `b`: a bit for each
// pair, whether L(i, j) is more than L(i, j - 1). A row follows from the one above it, 64 columns
// at a time (Hyyro, "Bit-parallel LCS-length computation revisited", 2004). A bit that is
// not set says yes.
class LcsTable {
 public:
  // Without `keeps_rows` only the length is known.
  LcsTable(std::string_view a, std::string_view b, bool keeps_rows)
      : words_((b.size() + 63) / 64), row_(words_, ~uint64_t{0}) {
    MarkPlaces(a, b);
    if (keeps_rows) rows_.reserve(a.size() * words_);
    for (char c : a) {
      AddRow(places_[static_cast<uint8_t>(c)]);
      if (keeps_rows) rows_.insert(rows_.end(), row_.begin(), row_.end());
    }
    size_t unused = words_ * 64 - b.size();
    if (unused > 0) row_.back() |= ~uint64_t{0} << (64 - unused);
    for (uint64_t word : row_) length_ += static_cast<size_t>(std::popcount(~word));
  }
  size_t length() const { return length_; }
  // Whether L(i, j) > L(i, j - 1), both from 1.
  bool Steps(size_t i, size_t j) const {
    return (rows_[(i - 1) * words_ + (j - 1) / 64] >> ((j - 1) % 64) & 1) == 0;
  }

 private:
  // Where in `b` each byte of `a` stands.
  void MarkPlaces(std::string_view a, std::string_view b) {
    for (char c : a) places_[static_cast<uint8_t>(c)].resize(words_);
    for (size_t j = 0; j < b.size(); ++j) {
      auto& places = places_[static_cast<uint8_t>(b[j])];
      if (!places.empty()) places[j / 64] |= uint64_t{1} << (j % 64);
    }
  }
  void AddRow(const std::vector<uint64_t>& places) {
    uint64_t carry = 0;
    for (size_t i = 0; i < words_; ++i) {
      uint64_t row = row_[i];
      uint64_t met = row & places[i];
      uint64_t sum = row + carry;
      carry = sum < carry;
      sum += met;
      carry |= sum < met;
      row_[i] = sum | (row & ~met);
    }
  }

  size_t words_;
  std::vector<uint64_t> row_;
  std::vector<uint64_t> rows_;
  std::array<std::vector<uint64_t>, 256> places_;
  size_t length_ = 0;
};

// A run of bytes that both strings share.
struct Match {
  size_t a = 0;
  size_t b = 0;
  size_t bytes = 0;
};

// Walks the table back from its far corner and calls f(Match) for each run, the last one first.
template <class F>
void ForEachMatch(std::string_view a, std::string_view b, const LcsTable& table, F&& f) {
  size_t i = a.size();
  size_t j = b.size();
  Match match;
  while (i > 0 && j > 0) {
    if (a[i - 1] == b[j - 1]) {
      match = {--i, --j, match.bytes + 1};
      continue;
    }
    if (match.bytes > 0) f(std::exchange(match, {}));
    table.Steps(i, j) ? --i : --j;  // then L(i - 1, j) is L(i, j), the greater of the two
  }
  if (match.bytes > 0) f(match);
}

void ReplySubsequence(Call& call, std::string_view a, std::string_view b, const LcsTable& table) {
  std::string found(table.length(), '\0');
  size_t end = found.size();
  ForEachMatch(a, b, table, [&](const Match& match) {
    end -= match.bytes;
    a.copy(found.data() + end, match.bytes, match.a);
  });
  call.reply.Bulk(found);
}

void ReplyRange(Call& call, size_t first, size_t bytes) {
  call.reply.Array(2);
  call.reply.Integer(static_cast<int64_t>(first));
  call.reply.Integer(static_cast<int64_t>(first + bytes - 1));
}

void ReplyIndices(Call& call, std::string_view a, std::string_view b, const LcsTable& table,
                  const LcsOptions& options) {
  call.reply.Map(2);
  call.reply.Bulk("matches");
  size_t start = call.reply.Later();
  size_t count = 0;
  ForEachMatch(a, b, table, [&](const Match& match) {
    if (static_cast<int64_t>(match.bytes) < options.min_match) return;
    ++count;
    call.reply.Array(options.with_match_length ? 3 : 2);
    ReplyRange(call, match.a, match.bytes);
    ReplyRange(call, match.b, match.bytes);
    if (options.with_match_length) call.reply.Integer(static_cast<int64_t>(match.bytes));
  });
  call.reply.EndArray(start, count);
  call.reply.Bulk("len");
  call.reply.Integer(static_cast<int64_t>(table.length()));
}

// LCS key1 key2 [LEN] [IDX] [MINMATCHLEN min-match-len] [WITHMATCHLEN]
void Lcs(Call& call) {
  Key keys[] = {call.args.NextKey(), call.args.NextKey()};
  // Finding one may remove the other where both have expired, so records are looked at only after
  // both were found.
  bool wrong_type = false;
  for (const Key& key : keys) wrong_type |= IsWrongType(call.db.Find(key));
  if (wrong_type) return call.FailText("ERR The specified keys must contain string values");
  StringScratch scratch[2];
  std::string_view a = TextOrEmpty(call.db.Peek(keys[0]), scratch[0]);
  std::string_view b = TextOrEmpty(call.db.Peek(keys[1]), scratch[1]);

  LcsOptions options;
  if (!ParseOptions(call, &options)) return;
  if ((a.size() + 1) * (b.size() + 1) >
      static_cast<size_t>(call.settings().proto_max_bulk_len_bytes) / sizeof(uint32_t)) {
    return call.FailText(
        "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len");
  }
  LcsTable table(a, b, !options.length_only);
  if (options.with_indices) return ReplyIndices(call, a, b, table, options);
  if (options.length_only) return call.reply.Integer(static_cast<int64_t>(table.length()));
  ReplySubsequence(call, a, b, table);
}

// clang-format off
constexpr Command kLcsCommands[] = {
  // name arity  keys                  flags      acl           handler  since    usage summary
  {"LCS", -3,    Keys::Range(1, 2, 1), kReadOnly, Acl::kString, Lcs,     "7.0.0", "key1 key2#0 [LEN] [IDX] [MINMATCHLEN min-match-len] [WITHMATCHLEN]", "Finds the longest common subsequence of two strings."},
};
// clang-format on
static_assert(WellFormed(kLcsCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> LcsCommands() {
  return kLcsCommands;
}

}  // namespace kiln
