// A growing list of views, for parsers: room is made once, then filled without further checks. What
// data() pointed at stays there until Clear, whatever is added.
//
// Thread safety: none.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

namespace kiln {

class ArgumentList {
 public:
  size_t size() const { return size_; }
  const std::string_view* data() const { return views_.get(); }
  const std::string_view& operator[](size_t i) const { return views_[i]; }

  // Space for `count` more behind the last, to be taken over with Extend.
  std::string_view* Room(size_t count) {
    if (room_ - size_ < count) [[unlikely]]
      Resize((size_ + count) * 2);
    return views_.get() + size_;
  }
  void Extend(size_t count) { size_ += count; }
  void Append(std::string_view view) {
    *Room(1) = view;
    ++size_;
  }
  void Replace(size_t i, std::string_view view) { views_[i] = view; }
  void Truncate(size_t size) { size_ = size; }
  // A copy, for a view that is to last until Clear.
  std::string_view Keep(std::string_view text) {
    kept_.push_back(std::make_unique<char[]>(text.size()));
    std::copy(text.begin(), text.end(), kept_.back().get());
    return {kept_.back().get(), text.size()};
  }
  // Forgets the views, and gives memory back after a giant request.
  void Clear() {
    size_ = 0;
    if (!outgrown_.empty() || !kept_.empty()) [[unlikely]]
      Shrink();
  }

 private:
  static constexpr size_t kKeep = 4096;

  void Resize(size_t room) {
    auto views = std::make_unique<std::string_view[]>(room);
    std::copy_n(views_.get(), size_, views.get());
    outgrown_.push_back(std::move(views_));
    views_ = std::move(views);
    room_ = room;
  }
  void Shrink() {
    if (room_ > kKeep) Resize(kKeep);
    outgrown_.clear();
    kept_.clear();
  }

  std::unique_ptr<std::string_view[]> views_;
  std::vector<std::unique_ptr<std::string_view[]>> outgrown_;
  std::vector<std::unique_ptr<char[]>> kept_;
  size_t room_ = 0;
  size_t size_ = 0;
};

}  // namespace kiln
