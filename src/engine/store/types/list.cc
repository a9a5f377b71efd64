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
  copy.head_ = head_.Clone();
  if (rest_) {
    copy.rest_ =
        std::make_unique<Rest>(Rest{rest_->tail.Clone(), rest_->size, rest_->between.Clone()});
  }
  return copy;
}

size_t List::memory_bytes() const {
  size_t bytes = head_.memory_bytes();
  if (rest_) bytes += sizeof(Rest) + rest_->tail.memory_bytes() + rest_->between.memory_bytes();
  return bytes;
}

size_t List::ListpackCount() const {
  size_t ends = !head_.empty() + (rest_ && !rest_->tail.empty());
  return rest_ ? ends + rest_->between.node_count() : ends;
}

ListSlice List::Resolve(int64_t start, int64_t stop, size_t size) {
  auto last = static_cast<int64_t>(size) - 1;
  if (start < 0) start = std::max<int64_t>(start + last + 1, 0);
  if (stop < 0) stop = stop + last + 1;
  stop = std::min(stop, last);
  if (start > stop) return {};
  return {static_cast<size_t>(start), static_cast<size_t>(stop - start + 1)};
}

std::optional<Element> List::Index(int64_t index) const {
  ListCursor at = Seek(FromHead(index, size()));
  if (at.IsEnd()) return std::nullopt;
  return PackAt(at).Get(at.pos);
}

bool List::Set(int64_t index, std::string_view text, const ListLimits& limits) {
  PrepareGrowth(text.size(), 1, limits);
  size_t from_head = FromHead(index, size());
  ListCursor at = Seek(from_head);
  if (at.IsEnd()) return false;
  ListpackEntry entry(text);
  Listpack& pack = PackAt(at);
  if (!rest_ || limits.Allow(pack.byte_size() + entry.bytes(), pack.size())) {
    pack.Replace(at.pos, entry);
  } else {
    InChain([&](Chain& chain) { chain.Replace(chain.Seek(from_head), entry, limits); });
  }
  CompactIfSmall(limits);
  return true;
}

bool List::Insert(Side side, std::string_view pivot, std::string_view text,
                  const ListLimits& limits) {
  PrepareGrowth(text.size(), 1, limits);
  ListpackEntry entry(text);
  ListpackEntry needle(pivot);
  bool goes_after = side == Side::kAfter;
  if (!rest_) {
    uint32_t pos = head_.Find(needle, head_.First());
    if (pos == Listpack::kNone) return false;
    goes_after ? head_.InsertAfter(pos, entry) : head_.InsertBefore(pos, entry);
    return true;
  }
  bool is_found = false;
  InChain([&](Chain& chain) {
    ListCursor at = chain.Find(needle);
    is_found = !at.IsEnd();
    if (is_found) chain.InsertBefore(goes_after ? chain.Next(at) : at, entry, limits);
  });
  return is_found;
}

size_t List::Remove(int64_t count, std::string_view text, const ListLimits& limits) {
  ListpackEntry needle(text);
  End from = count < 0 ? End::kTail : End::kHead;
  size_t limit = count == 0 ? SIZE_MAX : Magnitude(count);
  if (!rest_) return EraseMatches(head_, needle, limit, from);
  size_t before = size();
  InChain([&](Chain& chain) { chain.EraseMatches(needle, limit, from); });
  if (size() < before) CompactIfSmall(limits);
  return before - size();
}

void List::Drop(End end, size_t count, const ListLimits& limits) {
  count = std::min(count, size());
  while (count > 0) {
    Listpack& pack = EndPack(end);
    size_t here = pack.size();
    if (count >= here) {
      pack.Clear();
    } else {
      here = count;
      pack.Erase(end == End::kHead ? pack.First() : pack.Seek(-static_cast<int64_t>(here)), here);
    }
    count -= here;
    if (rest_) DropFromLong(here, limits);
  }
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
    head_ = std::move(pack);
    rest_.reset();
    return;
  }
  if (!rest_) BecomeLong();
  rest_->size += pack.size();
  AppendNode(std::move(pack));
}

bool List::FreeSome(size_t* budget) {
  if (rest_) {
    if (!rest_->between.FreeSome(budget)) return false;
    *budget -= std::min(*budget, rest_->tail.size());
    rest_.reset();
  }
  *budget -= std::min(*budget, head_.size());
  head_.Clear();
  return true;
}

// ---- Nodes ----

ListCursor List::Outermost(End end) const {
  if (end == End::kHead) return {kHeadChunk, 0, head_.First()};
  if (rest_ && !rest_->tail.empty()) return {kTailChunk, 0, rest_->tail.Last()};
  return {kHeadChunk, 0, head_.Last()};
}

ListCursor List::NextNode(const ListCursor& at, End from) const {
  bool is_forward = from == End::kHead;
  if (!rest_ || at.chunk == (is_forward ? kTailChunk : kHeadChunk)) return {};
  const Chain& chain = rest_->between;
  ListCursor next = at.chunk >= kTailChunk ? chain.Outermost(from) : chain.NextNode(at, from);
  if (!next.IsEnd()) return next;
  if (is_forward) return {kTailChunk, 0, rest_->tail.First()};
  return {kHeadChunk, 0, head_.Last()};
}

ListCursor List::Seek(size_t index) const {
  if (index >= size()) return {};
  size_t in_head = head_.size();
  if (index < in_head) return {kHeadChunk, 0, head_.Seek(static_cast<int64_t>(index))};
  index -= in_head;
  size_t in_chain = rest_->between.size();
  if (index < in_chain) return rest_->between.Seek(index);
  return {kTailChunk, 0, rest_->tail.Seek(static_cast<int64_t>(index - in_chain))};
}

// The tail goes to the first node for as long as that is the only one and has room. A node that has
// none becomes the chain's, or the tail if there is none yet.
void List::AddToLong(End end, const ListpackEntry& entry, const ListLimits& limits) {
  ++rest_->size;
  Listpack& pack = EndPack(end);
  if (!pack.empty() && Chain::Fits(pack, entry, limits)) return AddTo(pack, end, entry);
  pack.Shrink();
  Listpack fresh = Chain::NewNode(end, entry, limits);
  if (end == End::kTail || head_.empty()) return AppendNode(std::move(fresh));
  std::swap(head_, fresh);
  rest_->tail.empty() ? void(rest_->tail = std::move(fresh))
                      : rest_->between.PrependNode(std::move(fresh));
}

// So many elements have gone from an end.
void List::DropFromLong(size_t count, const ListLimits& limits) {
  rest_->size -= count;
  if (head_.empty() || rest_->tail.empty()) FillEnds();
  CompactIfSmall(limits);
}

// Its elements are counted already.
void List::AppendNode(Listpack pack) {
  if (head_.empty()) {
    head_ = std::move(pack);
    return;
  }
  std::swap(rest_->tail, pack);
  if (!pack.empty()) rest_->between.AppendNode(std::move(pack));
}

// An end that has become empty gets the node that is the outermost now.
void List::FillEnds() {
  Chain& chain = rest_->between;
  if (head_.empty()) head_ = chain.size() > 0 ? chain.Take(End::kHead) : std::move(rest_->tail);
  if (rest_->tail.empty() && chain.size() > 0) rest_->tail = chain.Take(End::kTail);
}

// Calls f(Chain&) while all nodes lie in the chain: for changes anywhere in a long list.
template <class F>
void List::InChain(F&& f) {
  Chain& chain = rest_->between;
  if (!head_.empty()) chain.PrependNode(std::move(head_));
  if (!rest_->tail.empty()) chain.AppendNode(std::move(rest_->tail));
  f(chain);
  rest_->size = chain.size();
  FillEnds();
}

void List::BecomeLong() {
  rest_ = std::make_unique<Rest>();
  rest_->size = head_.size();
}

void List::CompactIfSmall(const ListLimits& limits) {
  if (!rest_ || !rest_->tail.empty()) return;
  if (head_.empty() || limits.AllowCompacting(head_.byte_size(), head_.size())) rest_.reset();
}

}  // namespace kiln
