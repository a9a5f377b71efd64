#include "engine/store/types/sorted_set.h"

#include <cmath>

#include "base/check.h"
#include "base/memory.h"
#include "base/number.h"

namespace kiln {
namespace {

// Whatever the limits say, a listpack's own 4 GiB stay far away.
constexpr size_t kMaxCompactBytes = size_t{1} << 30;

// Doubles below this are integers exactly when they have no fraction.
constexpr double kMaxExactInteger = 9007199254740992.0;

// The score as it is stored in a listpack.
struct ScoreText {
  explicit ScoreText(double score)
      : size(FitsInteger(score) ? 0 : FormatDouble(score, chars)),
        entry(size == 0 ? ListpackEntry(static_cast<int64_t>(score))
                        : ListpackEntry(std::string_view(chars, size))) {}

  // Minus zero becomes zero, as in Redis's listpacks.
  static bool FitsInteger(double score) {
    return std::fabs(score) < kMaxExactInteger && score == std::trunc(score);
  }

  char chars[kMaxDoubleChars];  // `entry` keeps a view of them
  size_t size;
  ListpackEntry entry;
};

// What CountWhile asks about: a member in either form, of which only what is asked for is decoded.
struct CompactItem {
  double score() const { return score_of(list.Get(list.Next(pos))); }
  std::string_view member(ElementScratch& scratch) const { return list.Get(pos).ToString(scratch); }

  const Listpack& list;
  uint32_t pos;
  double (*score_of)(const Element&);
};

struct BigItem {
  double score() const { return entry.score; }
  std::string_view member(ElementScratch&) const { return entry.member->name(); }

  const ScoreTree::Entry& entry;
};

}  // namespace

SortedSet::Big::~Big() {
  size_t budget = SIZE_MAX;
  FreeSome(&budget);
}

void SortedSet::Big::Insert(double score, std::string_view name, uint64_t hash) {
  ZsetMember* member = ZsetMember::Make(score, name);
  member_bytes += UsableBytes(member);
  members.Insert(hash, member);
  order.Insert(member);
}

void SortedSet::Big::Free(ZsetMember* member) {
  member_bytes -= UsableBytes(member);
  FreeBytes(member);
}

// The tree goes first: it only points at members.
bool SortedSet::Big::FreeSome(size_t* budget) {
  return order.FreeSome(budget) && members.Drain(budget, [this](ZsetMember* m) { Free(m); });
}

size_t SortedSet::memory_bytes() const {
  if (!big_) return compact_.memory_bytes();
  return sizeof(Big) + big_->members.memory_bytes() + big_->order.memory_bytes() +
         big_->member_bytes;
}

double SortedSet::ScoreOf(const Element& element) {
  if (element.is_int) return static_cast<double>(element.integer);
  std::optional<double> score = ParseDouble(element.text);
  KILN_DCHECK(score.has_value());
  return score.value_or(0);
}

SortedSet::AddResult SortedSet::Add(double score, std::string_view member,
                                    const ZsetLimits& limits) {
  KILN_DCHECK(!std::isnan(score));
  if (big_) return AddToBig(score, member);
  uint32_t present = compact_.Find(member, 1);
  if (present == Listpack::kNone) {
    AddNew(score, member, limits);
    return AddResult::kAdded;
  }
  if (ScoreOf(compact_.Get(compact_.Next(present))) == score) return AddResult::kUnchanged;
  compact_.Erase(present, 2);
  InsertInCompact(score, member);
  return AddResult::kUpdated;
}

void SortedSet::AddNew(double score, std::string_view member, const ZsetLimits& limits) {
  if (!big_) {
    bool fits = size() < limits.max_listpack_entries &&
                member.size() <= limits.max_listpack_value &&
                compact_.byte_size() + member.size() < kMaxCompactBytes;
    if (fits) return InsertInCompact(score, member);
    MakeBig();
  }
  big_->Insert(score, member, HashBytes(member));
}

void SortedSet::InsertInCompact(double score, std::string_view member) {
  ScoreText text(score);
  uint32_t pos = compact_.InsertBefore(PlaceInCompact(score, member), member);
  compact_.InsertAfter(pos, text.entry);
}

// The member before which a new one belongs, or kNone for the end.
uint32_t SortedSet::PlaceInCompact(double score, std::string_view member) const {
  auto comes_after = [&](uint32_t pos, uint32_t score_pos) {
    double other = ScoreOf(compact_.Get(score_pos));
    ElementScratch scratch;
    return other != score ? other > score : compact_.Get(pos).ToString(scratch) > member;
  };
  // Many sets grow at their end.
  uint32_t last = compact_.Last();
  if (last == Listpack::kNone || !comes_after(compact_.Prev(last), last)) return Listpack::kNone;
  for (uint32_t pos = compact_.First(); pos != Listpack::kNone;) {
    uint32_t score_pos = compact_.Next(pos);
    if (comes_after(pos, score_pos)) return pos;
    pos = compact_.Next(score_pos);
  }
  return Listpack::kNone;
}

SortedSet::AddResult SortedSet::AddToBig(double score, std::string_view member) {
  uint64_t hash = HashBytes(member);
  ZsetMember* present = big_->members.Find(hash, member);
  if (present == nullptr) {
    big_->Insert(score, member, hash);
    return AddResult::kAdded;
  }
  if (present->score == score) return AddResult::kUnchanged;
  big_->order.Erase(present);
  present->score = score;
  big_->order.Insert(present);
  return AddResult::kUpdated;
}

void SortedSet::MakeBig() {
  auto big = std::make_unique<Big>();
  ForEach([&](std::string_view member, double score) {
    big->Insert(score, member, HashBytes(member));
  });
  compact_.Clear();
  big_ = std::move(big);
}

bool SortedSet::Remove(std::string_view member) {
  if (!big_) {
    uint32_t pos = compact_.Find(member, 1);
    if (pos == Listpack::kNone) return false;
    compact_.Erase(pos, 2);
    return true;
  }
  ZsetMember* present = big_->members.Remove(HashBytes(member), member);
  if (present == nullptr) return false;
  big_->order.Erase(present);
  big_->Free(present);
  return true;
}

void SortedSet::RemoveRange(RankRange range) {
  if (range.count == 0) return;
  if (!big_) {
    compact_.Erase(compact_.Seek(2 * range.first), 2 * range.count);
    return;
  }
  big_->order.EraseRange(range.first, range.count, [&](ZsetMember* member) {
    std::string_view name = member->name();
    big_->members.Remove(HashBytes(name), name);
    big_->Free(member);
  });
}

std::optional<double> SortedSet::Score(std::string_view member) const {
  if (big_) {
    const ZsetMember* present = big_->members.Find(HashBytes(member), member);
    return present == nullptr ? std::nullopt : std::optional<double>(present->score);
  }
  uint32_t pos = compact_.Find(member, 1);
  if (pos == Listpack::kNone) return std::nullopt;
  return ScoreOf(compact_.Get(compact_.Next(pos)));
}

std::optional<size_t> SortedSet::Rank(std::string_view member, Order order) const {
  size_t rank = 0;
  if (big_) {
    const ZsetMember* present = big_->members.Find(HashBytes(member), member);
    if (present == nullptr) return std::nullopt;
    rank = big_->order.RankOf(present->score, member);
  } else {
    uint32_t pos = compact_.Find(member, 1);
    if (pos == Listpack::kNone) return std::nullopt;
    for (uint32_t at = compact_.First(); at != pos; at = compact_.Next(compact_.Next(at))) ++rank;
  }
  return order == Order::kAscending ? rank : size() - 1 - rank;
}

// The number of leading members for which before(item) holds; it must hold for a prefix of the
// order.
template <class Before>
size_t SortedSet::CountWhile(Before before) const {
  if (big_) {
    return big_->order.CountWhile(
        [&](const ScoreTree::Entry& entry) { return before(BigItem{entry}); });
  }
  size_t count = 0;
  for (uint32_t pos = compact_.First(); pos != Listpack::kNone;
       pos = compact_.Next(compact_.Next(pos))) {
    if (!before(CompactItem{compact_, pos, ScoreOf})) break;
    ++count;
  }
  return count;
}

template <class Range, class Key>
RankRange SortedSet::RanksBetween(const Range& range, Key key) const {
  size_t first = CountWhile([&](const auto& item) {
    ElementScratch scratch;
    return range.IsBelow(key(item, scratch));
  });
  size_t end = CountWhile([&](const auto& item) {
    ElementScratch scratch;
    return range.IsUpTo(key(item, scratch));
  });
  return {first, end > first ? end - first : 0};
}

RankRange SortedSet::RanksIn(const ScoreRange& range) const {
  if (big_) {
    size_t first = big_->order.CountBelow(range.min, range.min_exclusive);
    size_t end = big_->order.CountBelow(range.max, !range.max_exclusive);
    return {first, end > first ? end - first : 0};
  }
  return RanksBetween(range, [](const auto& item, ElementScratch&) { return item.score(); });
}

RankRange SortedSet::RanksIn(const LexRange& range) const {
  return RanksBetween(range, [](const auto& item, ElementScratch& s) { return item.member(s); });
}

SortedSet SortedSet::Clone() const {
  SortedSet copy;
  if (!big_) {
    copy.compact_ = compact_.Clone();
    return copy;
  }
  copy.big_ = std::make_unique<Big>();
  ForEach([&](std::string_view member, double score) {
    copy.big_->Insert(score, member, HashBytes(member));
  });
  return copy;
}

bool SortedSet::FreeSome(size_t* budget) {
  if (*budget == 0) return empty();
  if (!big_) {
    --*budget;
    compact_.Clear();
    return true;
  }
  if (!big_->FreeSome(budget)) return false;
  big_.reset();
  return true;
}

}  // namespace kiln
