#include "base/output_buffer.h"

#include <algorithm>

namespace kiln {

void OutputBuffer::AppendPart(std::string_view bytes, SharedBlock* block) {
  block->Hold();
  parts_.push_back({size(), bytes, block});
  part_bytes_ += bytes.size();
}

size_t OutputBuffer::FillPieces(std::span<iovec> pieces) const {
  size_t count = 0;
  auto add = [&](const char* from, size_t bytes) {
    if (bytes > 0 && count < pieces.size()) pieces[count++] = {const_cast<char*>(from), bytes};
  };
  size_t own = sent_;
  for (size_t i = next_part_; i < parts_.size() && count < pieces.size(); ++i) {
    const Part& part = parts_[i];
    add(data() + own, part.at - own);
    add(part.bytes.data(), part.bytes.size());
    own = part.at;
  }
  add(data() + own, size() - own);
  return count;
}

void OutputBuffer::NotePartsSent(size_t bytes) {
  while (next_part_ < parts_.size()) {
    Part& part = parts_[next_part_];
    size_t own = std::min(bytes, part.at - sent_);
    sent_ += own;
    bytes -= own;
    size_t taken = std::min(bytes, part.bytes.size());
    part.bytes.remove_prefix(taken);
    part_bytes_ -= taken;
    bytes -= taken;
    if (!part.bytes.empty()) return;
    part.block->Drop();
    ++next_part_;
  }
  sent_ += bytes;
  DropParts(next_part_);
}

void OutputBuffer::DropSent() {
  Consume(sent_);
  parts_.erase(parts_.begin(), parts_.begin() + static_cast<ptrdiff_t>(next_part_));
  next_part_ = 0;
  for (Part& part : parts_) part.at -= sent_;
  sent_ = 0;
}

void OutputBuffer::DropParts(size_t first) {
  for (size_t i = std::max(first, next_part_); i < parts_.size(); ++i) {
    part_bytes_ -= parts_[i].bytes.size();
    parts_[i].block->Drop();
  }
  if (first <= next_part_) {
    std::vector<Part>().swap(parts_);
    next_part_ = 0;
  } else if (first < parts_.size()) {
    parts_.resize(first);
  }
}

void OutputBuffer::OnTruncate() {
  size_t kept = parts_.size();
  while (kept > next_part_ && parts_[kept - 1].at > size()) --kept;
  if (kept < parts_.size()) DropParts(kept);
}

void OutputBuffer::OnInsert(size_t position, size_t bytes) {
  for (size_t i = parts_.size(); i > next_part_ && parts_[i - 1].at > position; --i)
    parts_[i - 1].at += bytes;
}

}  // namespace kiln
