#include "base/byte_buffer.h"

#include <algorithm>

#include "base/output_buffer.h"

namespace kiln {

void ByteBuffer::Grow(size_t bytes) {
  constexpr size_t kFirstBytes = 512;
  size_t wanted = std::max({kFirstBytes, size_ + bytes, capacity_ * 2});
  data_ = static_cast<char*>(ReallocateBytes(data_, wanted));
  capacity_ = UsableBytes(data_);
}

// A client that reads slowly keeps the whole block, so the bytes that it is to read must be most of
// that: then what counts as its output bounds what it keeps.
void ByteBuffer::AppendShared(std::string_view bytes, SharedBlock* block) {
  bool is_worth_it = output_ != nullptr && block != nullptr &&
                     bytes.size() >= SharedBlock::kMinBytes &&
                     bytes.size() >= block->usable_bytes() / 2;
  is_worth_it ? output_->AppendPart(bytes, block) : Append(bytes);
}

void ByteBuffer::Insert(size_t position, std::string_view bytes) {
  if (bytes.empty()) return;
  Reserve(bytes.size());
  std::memmove(data_ + position + bytes.size(), data_ + position, size_ - position);
  std::memcpy(data_ + position, bytes.data(), bytes.size());
  size_ += bytes.size();
  if (output_ != nullptr) output_->OnInsert(position, bytes.size());
}

void ByteBuffer::Truncate(size_t size) {
  size_ = size;
  if (output_ != nullptr) output_->OnTruncate();
}

}  // namespace kiln
