// Set: the value of a Redis set. Integers only: an Intset; few and short members: a Listpack; else
// a hash table.
//
// When a set changes its form follows Redis 7.2, because OBJECT ENCODING shows it. It never goes
// back.
//
// Thread safety: none. Elements given to visitors are valid until the next change, and a visitor
// must not change the set; texts passed in must not lie inside it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <variant>

#include "base/hash.h"
#include "base/random.h"
#include "engine/store/table/table.h"
#include "engine/store/types/intset.h"
#include "engine/store/types/listpack.h"
#include "engine/store/types/set_member.h"

namespace kiln {

struct SetLimits {
  size_t max_intset_entries = 512;
  size_t max_listpack_entries = 128;
  size_t max_listpack_value = 64;
};

class Set {
 public:
  Set Clone() const;

  size_t size() const;
  size_t memory_bytes() const;  // beyond this object itself
  std::string_view EncodingName() const;

  // Says that `count` members are about to be added, `first` being one; decides as SADD does before
  // it adds.
  void PrepareGrowth(std::string_view first, size_t count, const SetLimits& limits);
  bool Add(std::string_view text, const SetLimits& limits);  // false when present
  bool Remove(std::string_view text);                        // false when absent
  bool Contains(std::string_view text) const;
  bool Contains(const Element& element) const;

  // Calls f(const Element&) for all members.
  template <class F>
  void ForEach(F&& f) const;
  // Calls f(const Element&) for a member, about uniformly chosen; false when the set is empty.
  template <class F>
  bool RandomMember(Random& random, F&& f) const;
  // The same, and removes it.
  template <class F>
  bool PopRandom(Random& random, F&& f);
  // Calls f(const Element&) for about `count` members (all of a small set) from `cursor` on;
  // returns the next cursor, 0 at the end. A member present throughout is visited at least once.
  template <class F>
  uint64_t Scan(uint64_t cursor, size_t count, F&& f) const;

  // For persistence: the small forms, null when the set has another, and the way back (into an
  // empty set).
  const Intset* AsIntset() const { return std::get_if<Intset>(&form_); }
  const Listpack* AsListpack() const { return std::get_if<Listpack>(&form_); }
  void Assign(Intset intset, const SetLimits& limits);

  // What a look-up of a member touches, step by step: to be asked for in this order, each once the
  // one before has had time to come. Only a set that is a hash table has the last three; what the
  // last one is given may be of a set that has gone since.
  void PrefetchForm() const;
  void PrefetchDirectory() const {
    if (const Big* big = AsBig()) big->members.PrefetchDirectory();
  }
  TableHint PrefetchMember(std::string_view text) const {
    const Big* big = AsBig();
    return big == nullptr ? TableHint() : big->members.PrefetchBucket(HashBytes(text), 0);
  }
  static void PrefetchFound(TableHint* hint) { Table<MemberPolicy>::PrefetchEntry(hint); }

  // Frees up to *budget members and lowers it by their number; true when nothing is left.
  bool FreeSome(size_t* budget);

 private:
  struct MemberPolicy {
    using Entry = SetMember;
    static uint64_t Hash(const Entry* entry) { return HashBytes(entry->text()); }
    static bool Equals(const Entry* entry, std::string_view text) { return entry->text() == text; }
  };
  struct Big {
    ~Big();
    bool Add(std::string_view text);
    bool Remove(std::string_view text);
    bool FreeSome(size_t* budget);
    void Free(SetMember* member);

    Table<MemberPolicy> members;
    size_t member_bytes = 0;
  };
  using BigPointer = std::unique_ptr<Big>;

  static Element ElementOf(const SetMember* member) { return {.text = member->text()}; }
  static Element ElementOf(int64_t integer) { return {.integer = integer, .is_int = true}; }
  const Big* AsBig() const {
    auto* big = std::get_if<BigPointer>(&form_);
    return big == nullptr ? nullptr : big->get();
  }
  bool AddToListpack(std::string_view text, const SetLimits& limits);
  bool AddToIntset(std::string_view text, const SetLimits& limits);
  void BecomeListpack();
  void BecomeBig();

  std::variant<Intset, Listpack, BigPointer> form_;
};

template <class F>
void Set::ForEach(F&& f) const {
  if (const Big* big = AsBig()) {
    big->members.ForEach([&](const SetMember* member) { f(ElementOf(member)); });
  } else if (const Intset* intset = AsIntset()) {
    for (size_t i = 0; i < intset->size(); ++i) f(ElementOf(intset->At(i)));
  } else {
    const Listpack& pack = *AsListpack();
    for (uint32_t pos = pack.First(); pos != Listpack::kNone; pos = pack.Next(pos))
      f(pack.Get(pos));
  }
}

template <class F>
bool Set::RandomMember(Random& random, F&& f) const {
  size_t total = size();
  if (total == 0) return false;
  if (const Big* big = AsBig()) {
    f(ElementOf(big->members.RandomEntry(random)));
  } else if (const Intset* intset = AsIntset()) {
    f(ElementOf(intset->At(random.Below(total))));
  } else {
    const Listpack& pack = *AsListpack();
    f(pack.Get(pack.Seek(static_cast<int64_t>(random.Below(total)))));
  }
  return true;
}

template <class F>
bool Set::PopRandom(Random& random, F&& f) {
  size_t total = size();
  if (total == 0) return false;
  if (auto* big = std::get_if<BigPointer>(&form_)) {
    std::string_view text = (*big)->members.RandomEntry(random)->text();
    f(Element{.text = text});
    (*big)->Remove(text);
  } else if (auto* intset = std::get_if<Intset>(&form_)) {
    int64_t integer = intset->At(random.Below(total));
    f(ElementOf(integer));
    intset->Remove(integer);
  } else {
    auto& pack = std::get<Listpack>(form_);
    uint32_t pos = pack.Seek(static_cast<int64_t>(random.Below(total)));
    f(pack.Get(pos));
    pack.Erase(pos);
  }
  return true;
}

template <class F>
uint64_t Set::Scan(uint64_t cursor, size_t count, F&& f) const {
  if (const Big* big = AsBig()) {
    return big->members.Scan(cursor, count, [&](const SetMember* member) { f(ElementOf(member)); });
  }
  ForEach(f);
  return 0;
}

}  // namespace kiln
