// A growing list of views, for parsers: room is made once, then filled without further checks.
//
// Thread safety: none.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace kiln {

class ArgumentList {
 public:
  size_t size() const { return size_; }
  const std::string_view* data() const { return views_.data(); }
  const std::string_view& operator[](size_t i) const { return views_[i]; }

  // Space for `count` more behind the last, to be taken over with Extend.
  std::string_view* Room(size_t count) {
    if (views_.size() - size_ < count) [[unlikely]]
      views_.resize((size_ + count) * 2);
    return views_.data() + size_;
  }
  void Extend(size_t count) { size_ += count; }
  void Append(std::string_view view) {
    *Room(1) = view;
    ++size_;
  }
  void Replace(size_t i, std::string_view view) { views_[i] = view; }
  void Truncate(size_t size) { size_ = size; }
  // Forgets the views, and gives memory back after a giant request.
  void Clear() {
    size_ = 0;
    if (views_.size() > kKeep) [[unlikely]] {
      views_.resize(kKeep);
      views_.shrink_to_fit();
    }
  }

 private:
  static constexpr size_t kKeep = 65536;

  std::vector<std::string_view> views_;
  size_t size_ = 0;
};

}  // namespace kiln
