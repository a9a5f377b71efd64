// A growable run of bytes that costs nothing while empty: the output of a connection
// (output_buffer.h), the input it could not yet use.
//
// Thread safety: none.
#pragma once

#include <cstddef>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/memory.h"

namespace kiln {

class OutputBuffer;
class SharedBlock;

class ByteBuffer {
 public:
  ByteBuffer() = default;
  ByteBuffer(const ByteBuffer&) = delete;
  ByteBuffer& operator=(const ByteBuffer&) = delete;
  ByteBuffer(ByteBuffer&& other) noexcept { Swap(other); }
  ByteBuffer& operator=(ByteBuffer&& other) noexcept {
    Swap(other);
    return *this;
  }
  ~ByteBuffer() { FreeBytes(data_); }

  char* data() { return data_; }
  const char* data() const { return data_; }
  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }
  bool empty() const { return size_ == 0; }
  std::string_view view() const { return {data_, size_}; }

  // Room for `bytes` more at the end; write there, then Commit what was written.
  char* Reserve(size_t bytes) {
    if (capacity_ - size_ < bytes) [[unlikely]]
      Grow(bytes);
    return data_ + size_;
  }
  bool HasRoom(size_t bytes) const { return capacity_ - size_ >= bytes; }
  char* end() { return data_ + size_; }
  void Commit(size_t bytes) { size_ += bytes; }
  void CommitTo(const char* end) { size_ = static_cast<size_t>(end - data_); }

  void Append(std::string_view bytes) {
    if (bytes.empty()) return;  // memcpy takes no null pointer, not even for no bytes
    std::memcpy(Reserve(bytes.size()), bytes.data(), bytes.size());
    size_ += bytes.size();
  }
  // The same for bytes of `block` (null: of none). Where they are many, most of the block, and this
  // is an output, they are not copied but held.
  void AppendShared(std::string_view bytes, SharedBlock* block);
  void Insert(size_t position, std::string_view bytes);
  // Drops bytes from the front.
  void Consume(size_t bytes) {
    size_ -= bytes;
    if (size_ > 0) std::memmove(data_, data_ + bytes, size_);
  }
  void Truncate(size_t size);
  void Clear() { size_ = 0; }
  // Clears and gives the memory back.
  void Release() {
    FreeBytes(data_);
    data_ = nullptr;
    size_ = capacity_ = 0;
  }
  void Swap(ByteBuffer& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }

 protected:
  OutputBuffer* output_ = nullptr;  // this, if it is one

 private:
  void Grow(size_t bytes);

  char* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace kiln
