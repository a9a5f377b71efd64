#include "base/byte_buffer.h"

#include <algorithm>

namespace kiln {

void ByteBuffer::Grow(size_t bytes) {
  constexpr size_t kFirstBytes = 512;
  size_t wanted = std::max({kFirstBytes, size_ + bytes, capacity_ * 2});
  data_ = static_cast<char*>(ReallocateBytes(data_, wanted));
  capacity_ = UsableBytes(data_);
}

}  // namespace kiln
