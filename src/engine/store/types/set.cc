#include "engine/store/types/set.h"

#include <algorithm>
#include <utility>

#include "base/prefetch.h"

namespace kiln {
namespace {

constexpr size_t kMaxIntsetEntries = size_t{1} << 30;

// Whether the integers and one more text of this length may be a listpack; the widest integer
// stands for all.
bool MayBeListpack(const Intset& intset, size_t text_bytes, const SetLimits& limits) {
  size_t count = intset.size();
  size_t widest_text = 0;
  size_t total_bytes = 0;
  if (count > 0) {
    ElementScratch scratch;
    for (int64_t integer : {intset.At(0), intset.At(count - 1)}) {
      widest_text = std::max(widest_text, FormatInt64(integer, scratch.chars));
      total_bytes = std::max(total_bytes, count * ListpackEntry(integer).bytes());
    }
  }
  return count < limits.max_listpack_entries && text_bytes <= limits.max_listpack_value &&
         widest_text <= limits.max_listpack_value &&
         total_bytes + text_bytes <= Listpack::kSafeBytes;
}

}  // namespace

Set Set::Clone() const {
  Set copy;
  if (const Intset* intset = AsIntset()) {
    copy.form_ = intset->Clone();
  } else if (const Listpack* pack = AsListpack()) {
    copy.form_ = pack->Clone();
  } else {
    copy.BecomeBig();
    auto& big = *std::get<BigPointer>(copy.form_);
    ForEach([&](const Element& element) { big.Add(element.text); });
  }
  return copy;
}

size_t Set::size() const {
  if (const Big* big = AsBig()) return big->members.size();
  if (const Intset* intset = AsIntset()) return intset->size();
  return AsListpack()->size();
}

size_t Set::memory_bytes() const {
  if (const Big* big = AsBig()) {
    return sizeof(Big) + big->members.memory_bytes() + big->member_bytes;
  }
  if (const Intset* intset = AsIntset()) return intset->memory_bytes();
  return AsListpack()->memory_bytes();
}

std::string_view Set::EncodingName() const {
  if (AsBig() != nullptr) return "hashtable";
  return AsIntset() != nullptr ? "intset" : "listpack";
}

void Set::PrepareGrowth(std::string_view first, size_t count, const SetLimits& limits) {
  if (size() > 0) {
    if ((AsIntset() != nullptr && count > limits.max_intset_entries) ||
        (AsListpack() != nullptr && count > limits.max_listpack_entries)) {
      BecomeBig();
    }
    return;
  }
  if (ParseInt64(first) && count <= limits.max_intset_entries) {
    form_ = Intset();
  } else if (count <= limits.max_listpack_entries) {
    form_ = Listpack();
  } else {
    BecomeBig();
  }
}

bool Set::Add(std::string_view text, const SetLimits& limits) {
  if (auto* big = std::get_if<BigPointer>(&form_)) return (*big)->Add(text);
  return AsIntset() != nullptr ? AddToIntset(text, limits) : AddToListpack(text, limits);
}

bool Set::AddToIntset(std::string_view text, const SetLimits& limits) {
  auto& intset = std::get<Intset>(form_);
  if (std::optional<int64_t> integer = ParseInt64(text)) {
    if (!intset.Add(*integer)) return false;
    if (intset.size() > std::min(limits.max_intset_entries, kMaxIntsetEntries)) BecomeBig();
    return true;
  }
  MayBeListpack(intset, text.size(), limits) ? BecomeListpack() : BecomeBig();
  return Add(text, limits);
}

bool Set::AddToListpack(std::string_view text, const SetLimits& limits) {
  auto& pack = std::get<Listpack>(form_);
  ListpackEntry entry(text);
  if (pack.Find(entry, pack.First()) != Listpack::kNone) return false;
  if (pack.size() < limits.max_listpack_entries && text.size() <= limits.max_listpack_value &&
      pack.byte_size() + entry.bytes() <= Listpack::kSafeBytes) {
    pack.PushBack(entry);
    return true;
  }
  BecomeBig();
  return Add(text, limits);
}

bool Set::Remove(std::string_view text) {
  if (auto* big = std::get_if<BigPointer>(&form_)) return (*big)->Remove(text);
  if (auto* intset = std::get_if<Intset>(&form_)) {
    std::optional<int64_t> integer = ParseInt64(text);
    return integer && intset->Remove(*integer);
  }
  auto& pack = std::get<Listpack>(form_);
  uint32_t pos = pack.Find(text);
  if (pos == Listpack::kNone) return false;
  pack.Erase(pos);
  return true;
}

bool Set::Contains(std::string_view text) const {
  if (const Big* big = AsBig()) return big->members.Find(HashBytes(text), text) != nullptr;
  if (const Intset* intset = AsIntset()) {
    std::optional<int64_t> integer = ParseInt64(text);
    return integer && intset->Contains(*integer);
  }
  return AsListpack()->Find(text) != Listpack::kNone;
}

bool Set::Contains(const Element& element) const {
  if (!element.is_int) return Contains(element.text);
  if (const Intset* intset = AsIntset()) return intset->Contains(element.integer);
  ElementScratch scratch;
  return Contains(element.ToString(scratch));
}

void Set::Assign(Intset intset, const SetLimits& limits) {
  bool too_big = intset.size() > std::min(limits.max_intset_entries, kMaxIntsetEntries);
  form_ = std::move(intset);
  if (too_big) BecomeBig();
}

void Set::PrefetchForm() const {
  if (const Big* big = AsBig()) return Prefetch(big);
  AsIntset() != nullptr ? AsIntset()->PrefetchStart() : AsListpack()->PrefetchHead();
}

bool Set::FreeSome(size_t* budget) {
  if (auto* big = std::get_if<BigPointer>(&form_)) return (*big)->FreeSome(budget);
  *budget -= std::min(*budget, size());
  form_ = Intset();
  return true;
}

void Set::BecomeListpack() {
  Listpack pack;
  ForEach([&](const Element& element) { pack.PushBack(ListpackEntry(element.integer)); });
  form_ = std::move(pack);
}

void Set::BecomeBig() {
  auto big = std::make_unique<Big>();
  ElementScratch scratch;
  ForEach([&](const Element& element) { big->Add(element.ToString(scratch)); });
  form_ = std::move(big);
}

Set::Big::~Big() {
  size_t all = SIZE_MAX;
  FreeSome(&all);
}

bool Set::Big::Add(std::string_view text) {
  uint64_t hash = HashBytes(text);
  if (members.Find(hash, text) != nullptr) return false;
  SetMember* member = SetMember::Make(text);
  member_bytes += UsableBytes(member);
  members.Insert(hash, member);
  return true;
}

bool Set::Big::Remove(std::string_view text) {
  SetMember* member = members.Remove(HashBytes(text), text);
  if (member == nullptr) return false;
  Free(member);
  return true;
}

bool Set::Big::FreeSome(size_t* budget) {
  return members.Drain(budget, [this](SetMember* member) { Free(member); });
}

void Set::Big::Free(SetMember* member) {
  member_bytes -= UsableBytes(member);
  FreeBytes(member);
}

}  // namespace kiln
