#include "engine/store/types/list.h"

#include <algorithm>
#include <utility>

namespace kiln {
namespace {

// -0 and the most negative number included.
size_t Magnitude(int64_t value) {
  return value < 0 ? -static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
}

// SIZE_MAX when the index names no element.
size_t FromHead(int64_t index, size_t size) {
  if (index >= 0) return static_cast<size_t>(index) < size ? index : SIZE_MAX;
  return Magnitude(index) <= size ? size - Magnitude(index) : SIZE_MAX;
}

}  // namespace

List List::Clone() const {
  List copy;
  if (chain_) {
    copy.chain_ = std::make_unique<Chain>(chain_->Clone());
  } else {
    copy.compact_ = compact_.Clone();
  }
  return copy;
}

size_t List::memory_bytes() const {
  return chain_ ? chain_->memory_bytes() : compact_.memory_bytes();
}

ListSlice List::Resolve(int64_t start, int64_t stop, size_t size) {
  auto last = static_cast<int64_t>(size) - 1;
  if (start < 0) start = std::max<int64_t>(start + last + 1, 0);
  if (stop < 0) stop = stop + last + 1;
  stop = std::min(stop, last);
  if (start > stop) return {};
  return {static_cast<size_t>(start), static_cast<size_t>(stop - start + 1)};
}

// The texts' plain lengths are what Redis compares, not what they will take.
void List::PrepareGrowth(size_t bytes, size_t count, const ListLimits& limits) {
  if (chain_ || limits.Allow(compact_.byte_size() + bytes, compact_.size() + count)) return;
  BecomeChain();
}

void List::Push(End end, std::string_view text, const ListLimits& limits) {
  PrepareGrowth(text.size(), 1, limits);
  ListpackEntry entry(text);
  if (chain_) return chain_->Push(end, entry, limits);
  end == End::kHead ? compact_.PushFront(entry) : compact_.PushBack(entry);
}

std::optional<Element> List::Index(int64_t index) const {
  ListCursor at = Seek(FromHead(index, size()));
  if (at.IsEnd()) return std::nullopt;
  return PackAt(at).Get(at.pos);
}

bool List::Set(int64_t index, std::string_view text, const ListLimits& limits) {
  PrepareGrowth(text.size(), 1, limits);
  ListCursor at = Seek(FromHead(index, size()));
  if (at.IsEnd()) return false;
  ListpackEntry entry(text);
  chain_ ? chain_->Replace(at, entry, limits) : void(compact_.Replace(at.pos, entry));
  CompactIfSmall(limits);
  return true;
}

bool List::Insert(Side side, std::string_view pivot, std::string_view text,
                  const ListLimits& limits) {
  PrepareGrowth(text.size(), 1, limits);
  ListCursor at = Find(ListpackEntry(pivot));
  if (at.IsEnd()) return false;
  ListpackEntry entry(text);
  if (chain_) {
    chain_->InsertBefore(side == Side::kAfter ? chain_->Next(at) : at, entry, limits);
  } else {
    compact_.InsertBefore(side == Side::kAfter ? compact_.Next(at.pos) : at.pos, entry);
  }
  return true;
}

size_t List::Remove(int64_t count, std::string_view text, const ListLimits& limits) {
  ListpackEntry needle(text);
  End from = count < 0 ? End::kTail : End::kHead;
  size_t limit = count == 0 ? SIZE_MAX : Magnitude(count);
  size_t removed = chain_ ? chain_->EraseMatches(needle, limit, from)
                          : EraseMatches(compact_, needle, limit, from);
  if (removed > 0) CompactIfSmall(limits);
  return removed;
}

void List::Drop(End end, size_t count, const ListLimits& limits) {
  count = std::min(count, size());
  if (count == 0) return;
  if (chain_) {
    chain_->Drop(end, count);
    return CompactIfSmall(limits);
  }
  compact_.Erase(end == End::kHead ? compact_.First() : compact_.Seek(-static_cast<int64_t>(count)),
                 count);
}

void List::Trim(ListSlice slice, const ListLimits& limits) {
  size_t total = size();
  size_t first = std::min(slice.first, total);
  size_t kept = std::min(slice.count, total - first);
  Drop(End::kTail, total - first - kept, limits);
  Drop(End::kHead, first, limits);
}

std::vector<size_t> List::Positions(std::string_view text, const PositionQuery& query) const {
  std::vector<size_t> found;
  ListpackEntry needle(text);
  End from = query.rank < 0 ? End::kTail : End::kHead;
  size_t total = size();
  size_t to_skip = Magnitude(query.rank) - (query.rank != 0);
  size_t to_compare = query.max_compared == 0 ? SIZE_MAX : query.max_compared;
  size_t seen = 0;
  for (ListCursor at = Outermost(from); !at.IsEnd(); at = NextNode(at, from)) {
    const Listpack& pack = PackAt(at);
    for (uint32_t pos = at.pos; pos != Listpack::kNone; ++seen) {
      if (seen == to_compare) return found;
      if (pack.Matches(pos, needle)) {
        if (to_skip > 0) {
          --to_skip;
        } else {
          found.push_back(from == End::kHead ? seen : total - 1 - seen);
          if (found.size() == query.max_found) return found;
        }
      }
      pos = from == End::kHead ? pack.Next(pos) : pack.Prev(pos);
    }
  }
  return found;
}

void List::AppendListpack(Listpack pack, const ListLimits& limits) {
  if (pack.empty()) return;
  if (size() == 0 && limits.Allow(pack.byte_size(), pack.size())) {
    compact_ = std::move(pack);
    chain_.reset();
    return;
  }
  if (!chain_) BecomeChain();
  chain_->AppendNode(std::move(pack));
}

bool List::FreeSome(size_t* budget) {
  if (chain_) {
    if (!chain_->FreeSome(budget)) return false;
    chain_.reset();
  }
  *budget -= std::min(*budget, compact_.size());
  compact_.Clear();
  return true;
}

ListCursor List::Outermost(End end) const {
  if (chain_) return chain_->Outermost(end);
  return {0, 0, end == End::kHead ? compact_.First() : compact_.Last()};
}

ListCursor List::Seek(size_t index) const {
  if (chain_) return chain_->Seek(index);
  return {0, 0, index < compact_.size() ? compact_.Seek(index) : Listpack::kNone};
}

ListCursor List::Find(const ListpackEntry& needle) const {
  for (ListCursor at = Outermost(End::kHead); !at.IsEnd(); at = NextNode(at, End::kHead)) {
    uint32_t pos = PackAt(at).Find(needle, at.pos);
    if (pos != Listpack::kNone) return {at.chunk, at.node, pos};
  }
  return {};
}

void List::BecomeChain() {
  chain_ = std::make_unique<Chain>();
  if (!compact_.empty()) chain_->AppendNode(std::move(compact_));
}

void List::CompactIfSmall(const ListLimits& limits) {
  if (!chain_) return;
  if (chain_->size() > 0) {
    if (!chain_->HasOneNode()) return;
    const Listpack& pack = chain_->PackAt({});
    if (!limits.AllowCompacting(pack.byte_size(), pack.size())) return;
    compact_ = chain_->TakeOnlyNode();
  }
  chain_.reset();
}

}  // namespace kiln
