// When the fields of one hash fall due: a heap of (time, field) with the soonest on top.
//
// Each node has four children, so that a heap of a million fields is ten levels deep. A field knows
// its place here (hash_field.h), so changing or removing any one costs O(log n) and no search. 20
// bytes a field with a time to live: 16 here, 4 there. The nodes lie in blocks of 16 KiB, so that
// growing never copies more than one. Fields belong to the hash.
//
// Times are Unix ms. Thread safety: none; lives under its hash's shard lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/store/types/hash_field.h"

namespace kiln {

class FieldExpiry {
 public:
  static constexpr uint64_t kNever = ~uint64_t{0};

  FieldExpiry() = default;
  FieldExpiry(const FieldExpiry&) = delete;
  FieldExpiry& operator=(const FieldExpiry&) = delete;
  ~FieldExpiry();

  size_t size() const { return size_; }
  size_t memory_bytes() const;

  // kNever when no field has a time.
  uint64_t soonest_ms() const { return size_ == 0 ? kNever : blocks_[0][0].when_ms; }
  HashField* soonest() const { return blocks_[0][0].field; }

  uint64_t WhenMs(const HashField* field) const {
    return field->has_expiry() ? At(field->place()).when_ms : kNever;
  }
  // Gives the field a time, in place of another or as its first. It must have room for its place.
  void Set(HashField* field, uint64_t when_ms);
  // Takes the field's time away, which it must have.
  void Remove(HashField* field);
  // The field has moved to `fresh`, which gets its place.
  void Move(const HashField* field, HashField* fresh);

 private:
  struct Node {
    uint64_t when_ms;
    HashField* field;
  };
  static constexpr size_t kBlockNodes = 1024;
  static constexpr size_t kChildren = 4;

  Node& At(size_t index) { return blocks_[index / kBlockNodes][index % kBlockNodes]; }
  const Node& At(size_t index) const { return blocks_[index / kBlockNodes][index % kBlockNodes]; }
  void Put(size_t index, const Node& node);
  void Grow();
  void Shrink();
  // Each puts the node at its place, seen from a free one.
  void SiftUp(size_t index, Node node);
  void SiftDown(size_t index, Node node);
  void Sift(size_t index, Node node);

  std::vector<Node*> blocks_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace kiln
