// Hash: fields and their values.
//
// Small: a listpack of field, value, field, value, in the order of insertion. Large (past the
// limits, or past 8 KiB): a hash table of field records (hash_field.h). A hash that became large
// stays large. One whose fields have times to live is large too, and has a heap of those times
// (field_expiry.h) from then on; such a hash within the limits is still named as a small one.
// Nothing here looks at a clock: fields that are due go when RemoveDue() is told the time.
//
// Views given out are valid until the hash changes, and texts passed in must not lie inside it. A
// visitor must not change the hash. Thread safety: none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/random.h"
#include "engine/store/table/table.h"
#include "engine/store/types/field_expiry.h"
#include "engine/store/types/hash_field.h"
#include "engine/store/types/listpack.h"

namespace kiln {

// Past either limit a hash becomes large.
struct HashLimits {
  size_t max_listpack_entries = 512;
  size_t max_listpack_value = 64;  // of a field or a value
};

class Hash {
 public:
  size_t size() const { return big_ ? big_->fields.size() : compact_.size() / 2; }
  bool empty() const { return size() == 0; }
  // By the limits, as Redis would name it.
  std::string_view EncodingName() const {
    if (!big_) return "listpack";
    if (big_->is_past_limits) return "hashtable";
    return TracksExpiry() ? "listpackex" : "listpack";
  }
  size_t memory_bytes() const;  // beyond this object itself

  // True when the field is new. A field that was there loses its time to live.
  bool Set(std::string_view field, std::string_view value, const HashLimits& limits);
  // The same, but the field keeps it.
  bool SetKeepingExpiry(std::string_view field, std::string_view value, const HashLimits& limits);
  bool Remove(std::string_view field);  // false when it was absent

  // The result may lie in `scratch`.
  std::optional<std::string_view> Get(std::string_view field, ElementScratch& scratch) const;
  bool Contains(std::string_view field) const;
  size_t ValueLength(std::string_view field) const;  // 0 when absent

  // Whether a field has, or ever had, a time to live.
  bool TracksExpiry() const { return big_ && big_->expiry; }
  // When the next field is due (Unix ms), kNoFieldExpiry when none is. The same of one field, which
  // must be there.
  static constexpr uint64_t kNoFieldExpiry = FieldExpiry::kNever;
  uint64_t SoonestExpiryMs() const {
    return TracksExpiry() ? big_->expiry->soonest_ms() : kNoFieldExpiry;
  }
  uint64_t FieldExpiryMs(std::string_view field) const;
  // Sets or (with kNoFieldExpiry) takes away the time of a field, which must be there.
  void SetFieldExpiry(std::string_view field, uint64_t when_ms);
  // Removes the fields that are due, at most `limit`; how many.
  // Their names, where somebody wants them, go to *names.
  size_t RemoveDue(uint64_t now_ms, size_t limit, std::vector<std::string>* names = nullptr);

  // Calls f(field, value, when_ms) for all.
  template <class F>
  void ForEachWithExpiry(F&& f) const;

  // Calls f(field, value) for all.
  template <class F>
  void ForEach(F&& f) const;
  // Calls f(field, value) for one field, about uniformly chosen; for none when empty.
  template <class F>
  void RandomField(Random& random, F&& f) const;
  // Calls f(field, value) for about `count` fields (all of a small hash) and returns the next
  // cursor, 0 at the end. A field present from the first call to the last is visited at least once.
  template <class F>
  uint64_t Scan(uint64_t cursor, size_t count, F&& f) const;

  // For persistence: the small form, null when the hash has the other.
  const Listpack* AsListpack() const { return big_ ? nullptr : &compact_; }
  // The way back, into an empty hash. False, and nothing taken, when the listpack is past the
  // limits, or has a field twice or without a value.
  bool TakeListpack(Listpack* pack, const HashLimits& limits);

  Hash Clone() const;
  // Frees up to *budget fields and lowers *budget by their number (a small hash counts as one);
  // true when nothing is left. Once begun, only this and the destructor may be called.
  bool FreeSome(size_t* budget);

 private:
  struct FieldPolicy {
    using Entry = HashField;
    static uint64_t Hash(const Entry* entry) { return HashBytes(entry->name()); }
    static bool Equals(const Entry* entry, std::string_view key) { return entry->name() == key; }
  };
  struct Big {
    ~Big();
    HashField* Insert(std::string_view name, std::string_view value, uint64_t hash);
    void Free(HashField* field);
    bool FreeSome(size_t* budget);
    // Puts a field in the place of another one of that name.
    void Replace(uint64_t hash, HashField* present, HashField* fresh);
    void SetExpiry(HashField* field, uint64_t hash, uint64_t when_ms);

    Table<FieldPolicy> fields;
    size_t field_bytes = 0;
    std::unique_ptr<FieldExpiry> expiry;  // null while no field has had a time to live
    bool is_past_limits = false;
  };

  static bool IsShort(std::string_view field, std::string_view value, const HashLimits& limits);
  bool SetInCompact(uint32_t present, std::string_view field, std::string_view value);
  bool SetInBig(std::string_view field, std::string_view value, const HashLimits& limits);
  void MakeBig();

  Listpack compact_;          // empty when big_
  std::unique_ptr<Big> big_;  // null while small
};

template <class F>
void Hash::ForEach(F&& f) const {
  if (big_)
    return big_->fields.ForEach([&](const HashField* field) { f(field->name(), field->value()); });
  ElementScratch scratches[2];
  for (uint32_t pos = compact_.First(); pos != Listpack::kNone;) {
    uint32_t value_pos = compact_.Next(pos);
    f(compact_.Get(pos).ToString(scratches[0]), compact_.Get(value_pos).ToString(scratches[1]));
    pos = compact_.Next(value_pos);
  }
}

template <class F>
void Hash::ForEachWithExpiry(F&& f) const {
  if (!TracksExpiry()) {
    return ForEach(
        [&](std::string_view field, std::string_view value) { f(field, value, kNoFieldExpiry); });
  }
  big_->fields.ForEach([&](const HashField* field) {
    f(field->name(), field->value(), big_->expiry->WhenMs(field));
  });
}

template <class F>
void Hash::RandomField(Random& random, F&& f) const {
  if (empty()) return;
  if (big_) {
    const HashField* field = big_->fields.RandomEntry(random);
    return f(field->name(), field->value());
  }
  ElementScratch scratches[2];
  uint32_t pos = compact_.Seek(2 * random.Below(size()));
  f(compact_.Get(pos).ToString(scratches[0]),
    compact_.Get(compact_.Next(pos)).ToString(scratches[1]));
}

template <class F>
uint64_t Hash::Scan(uint64_t cursor, size_t count, F&& f) const {
  if (big_) {
    return big_->fields.Scan(cursor, count,
                             [&](const HashField* field) { f(field->name(), field->value()); });
  }
  ForEach(f);
  return 0;
}

}  // namespace kiln
