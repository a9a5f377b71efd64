// SnapshotFrame: the snapshot that a primary sends, out of the bytes of the connection.
//
//   $<length>\r\n and so many bytes, or
//   $EOF:<40 characters>\r\n, bytes, and these characters again, behind which the primary waits
//
// Empty lines before it say that the primary is still there. Thread safety: none. Source: Redis's
// replication protocol.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace kiln {

class SnapshotFrame {
 public:
  enum class Status { kGoesOn, kDone, kBroken };

  // Takes bytes as they come. `*payload` is a part of the snapshot, and good until the next call.
  // When it is done `*used` says how many bytes belonged to it.
  Status Feed(std::string_view bytes, std::string_view* payload, size_t* used);

  const std::string& error() const { return error_; }
  bool has_begun() const { return phase_ != Phase::kHead; }
  bool has_length() const { return phase_ == Phase::kCounted; }
  uint64_t total_bytes() const { return total_bytes_; }  // 0: unknown
  uint64_t bytes() const { return bytes_; }              // so far

 private:
  static constexpr size_t kMarkBytes = 40;
  static constexpr size_t kMaxHeadBytes = 128;
  enum class Phase { kHead, kCounted, kMarked };

  Status TakeHead(std::string_view bytes, size_t* used);
  Status ReadHead();
  Status TakeMarked(std::string_view bytes, std::string_view* payload);

  Phase phase_ = Phase::kHead;
  std::string head_;
  std::string mark_;
  std::string held_;  // the last bytes, which may be the mark, and behind them the piece given out
  size_t given_ = 0;  // of held_
  uint64_t total_bytes_ = 0;
  uint64_t bytes_ = 0;
  std::string error_;
};

}  // namespace kiln
