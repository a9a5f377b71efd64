// Hash: fields and their values.
//
// Small: a listpack of field, value, field, value, in the order of insertion. Large (past the
// limits, or past 8 KiB): a hash table of field records (hash_field.h). A hash that became large
// stays large.
//
// Views given out are valid until the hash changes, and texts passed in must not lie inside it. A
// visitor must not change the hash. Thread safety: none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "base/hash.h"
#include "base/random.h"
#include "engine/store/table/table.h"
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
    return big_ && big_->is_past_limits ? "hashtable" : "listpack";
  }
  size_t memory_bytes() const;  // beyond this object itself

  // True when the field is new.
  bool Set(std::string_view field, std::string_view value, const HashLimits& limits);
  bool Remove(std::string_view field);  // false when it was absent

  // The result may lie in `scratch`.
  std::optional<std::string_view> Get(std::string_view field, ElementScratch& scratch) const;
  bool Contains(std::string_view field) const;
  size_t ValueLength(std::string_view field) const;  // 0 when absent

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
    void Insert(std::string_view name, std::string_view value, uint64_t hash);
    void Free(HashField* field);
    bool FreeSome(size_t* budget);

    Table<FieldPolicy> fields;
    size_t field_bytes = 0;
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
