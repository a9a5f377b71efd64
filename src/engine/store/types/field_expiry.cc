#include "engine/store/types/field_expiry.h"

#include <algorithm>

#include "base/memory.h"

namespace kiln {

FieldExpiry::~FieldExpiry() {
  for (Node* block : blocks_) FreeBytes(block);
}

size_t FieldExpiry::memory_bytes() const {
  size_t bytes = sizeof(*this) + blocks_.capacity() * sizeof(Node*);
  for (const Node* block : blocks_) bytes += UsableBytes(block);
  return bytes;
}

// The first block starts small: most hashes have few such fields.
void FieldExpiry::Grow() {
  if (capacity_ < kBlockNodes) {
    size_t wanted = std::clamp<size_t>(capacity_ * 2, 2, kBlockNodes);
    if (blocks_.empty()) blocks_.push_back(nullptr);
    blocks_[0] = static_cast<Node*>(ReallocateBytes(blocks_[0], wanted * sizeof(Node)));
    capacity_ = wanted;
    return;
  }
  blocks_.push_back(static_cast<Node*>(AllocateBytes(kBlockNodes * sizeof(Node))));
  capacity_ += kBlockNodes;
}

// One block more than needed stays, so that a heap at its edge does not allocate again and again.
void FieldExpiry::Shrink() {
  if (capacity_ <= kBlockNodes || capacity_ - size_ < 2 * kBlockNodes) return;
  FreeBytes(blocks_.back());
  blocks_.pop_back();
  capacity_ -= kBlockNodes;
}

void FieldExpiry::Put(size_t index, const Node& node) {
  At(index) = node;
  node.field->set_place(static_cast<uint32_t>(index));
}

void FieldExpiry::SiftUp(size_t index, Node node) {
  while (index > 0) {
    size_t parent = (index - 1) / kChildren;
    if (At(parent).when_ms <= node.when_ms) break;
    Put(index, At(parent));
    index = parent;
  }
  Put(index, node);
}

void FieldExpiry::SiftDown(size_t index, Node node) {
  for (;;) {
    size_t first = index * kChildren + 1;
    size_t end = std::min(first + kChildren, size_);
    if (first >= end) break;
    size_t least = first;
    for (size_t child = first + 1; child < end; ++child) {
      if (At(child).when_ms < At(least).when_ms) least = child;
    }
    if (At(least).when_ms >= node.when_ms) break;
    Put(index, At(least));
    index = least;
  }
  Put(index, node);
}

void FieldExpiry::Sift(size_t index, Node node) {
  bool rises = index > 0 && At((index - 1) / kChildren).when_ms > node.when_ms;
  rises ? SiftUp(index, node) : SiftDown(index, node);
}

void FieldExpiry::Set(HashField* field, uint64_t when_ms) {
  if (field->has_expiry()) return Sift(field->place(), {when_ms, field});
  if (size_ == capacity_) Grow();
  ++size_;
  SiftUp(size_ - 1, {when_ms, field});
}

void FieldExpiry::Remove(HashField* field) {
  size_t index = field->place();
  field->forget_place();
  Node last = At(--size_);
  if (index != size_) Sift(index, last);
  Shrink();
}

void FieldExpiry::Move(const HashField* field, HashField* fresh) {
  size_t index = field->place();
  At(index).field = fresh;
  fresh->set_place(static_cast<uint32_t>(index));
}

}  // namespace kiln
