#include "engine/replication/snapshot_frame.h"

#include <algorithm>

#include "base/number.h"

namespace kiln {

SnapshotFrame::Status SnapshotFrame::Feed(std::string_view bytes, std::string_view* payload,
                                          size_t* used) {
  *payload = {};
  *used = 0;
  if (phase_ == Phase::kHead) {
    Status status = TakeHead(bytes, used);
    if (status != Status::kGoesOn || phase_ == Phase::kHead) return status;
    bytes.remove_prefix(*used);
  }
  if (phase_ == Phase::kMarked) {
    *used += bytes.size();
    return TakeMarked(bytes, payload);
  }
  size_t count = std::min<uint64_t>(bytes.size(), total_bytes_ - bytes_);
  *payload = bytes.substr(0, count);
  *used += count;
  bytes_ += count;
  return bytes_ == total_bytes_ ? Status::kDone : Status::kGoesOn;
}

SnapshotFrame::Status SnapshotFrame::TakeHead(std::string_view bytes, size_t* used) {
  while (*used < bytes.size()) {
    char c = bytes[(*used)++];
    if (c != '\n') {
      head_ += c;
      if (head_.size() <= kMaxHeadBytes) continue;
      error_ = "The primary's head of the snapshot is too long";
      return Status::kBroken;
    }
    if (head_.ends_with('\r')) head_.pop_back();
    if (!head_.empty()) return ReadHead();
  }
  return Status::kGoesOn;
}

SnapshotFrame::Status SnapshotFrame::ReadHead() {
  constexpr std::string_view kEof = "$EOF:";
  if (head_.starts_with(kEof) && head_.size() == kEof.size() + kMarkBytes) {
    mark_ = head_.substr(kEof.size());
    phase_ = Phase::kMarked;
    return Status::kGoesOn;
  }
  auto length =
      head_.starts_with('$') ? ParseInt64(std::string_view(head_).substr(1)) : std::nullopt;
  if (!length || *length <= 0) {
    error_ = "The primary aborted the replication with: " + head_;
    return Status::kBroken;
  }
  total_bytes_ = static_cast<uint64_t>(*length);
  phase_ = Phase::kCounted;
  return Status::kGoesOn;
}

SnapshotFrame::Status SnapshotFrame::TakeMarked(std::string_view bytes, std::string_view* payload) {
  held_.erase(0, given_);
  held_.append(bytes);
  given_ = held_.size() - std::min(held_.size(), kMarkBytes);
  *payload = std::string_view(held_).substr(0, given_);
  bytes_ += given_;
  return std::string_view(held_).substr(given_) == mark_ ? Status::kDone : Status::kGoesOn;
}

}  // namespace kiln
