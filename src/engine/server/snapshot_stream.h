// SnapshotStream: a snapshot on its way to replicas: written by the thread that saves, read by the
// workers of the replicas' connections, each replica at its own pace.
//
// The bytes lie in a journal, which keeps what the slowest has not read yet; whoever writes waits
// while that is more than kMaxAheadBytes.
//
// Thread safety: Write, Complete and Fail are the writer's; the rest is for anybody.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>

#include "engine/journal/journal.h"
#include "engine/persist/byte_sink.h"

namespace kiln {

class SnapshotStream final : public ByteSink {
 public:
  static constexpr uint64_t kMaxAheadBytes = uint64_t{8} << 20;

  // `on_bytes` is called by the writer when there is more to read.
  explicit SnapshotStream(std::function<void()> on_bytes) : on_bytes_(std::move(on_bytes)) {}

  [[nodiscard]] std::string Write(std::string_view bytes) override;
  void Complete() { End(State::kComplete); }
  void Fail() { End(State::kFailed); }

  bool is_complete() const { return state_.load(std::memory_order_acquire) == State::kComplete; }
  bool has_failed() const { return state_.load(std::memory_order_acquire) == State::kFailed; }
  Journal& bytes() { return bytes_; }
  // A reader has moved on, or has gone.
  void OnRead();

 private:
  enum class State : uint8_t { kGoesOn, kComplete, kFailed };
  void End(State state);

  std::function<void()> on_bytes_;
  Journal bytes_;
  std::atomic<State> state_{State::kGoesOn};
  std::mutex mutex_;
  std::condition_variable read_;
};

// What a replica is sent beside replies: a snapshot perhaps, and changes. Belongs to the worker of
// its connection.
class ReplicaFeed {
 public:
  explicit ReplicaFeed(Journal& journal) : journal_(journal) {}
  ~ReplicaFeed();

  // Alone, by any worker: the answer to the replica, the snapshot, and then the changes from now
  // on. `waits`: not before the replica has said that it has the snapshot.
  void BeginSnapshot(std::string answer, std::shared_ptr<SnapshotStream> snapshot, bool waits);
  void BeginChanges(uint64_t offset);

  // What is to be sent next; empty: nothing now.
  std::string_view Peek();
  void Skip(size_t bytes);
  // The replica says something: if all of the snapshot was sent, then that it has it.
  void OnSnapshotTaken();
  // Or none has begun yet.
  bool IsSendingSnapshot() const { return snapshot_ != nullptr || changes_ == nullptr; }
  bool HasSentSnapshot() const;
  bool HasSnapshotLeft() const { return snapshot_ != nullptr && !HasSentSnapshot(); }
  // It cannot go on.
  bool is_broken() const;
  // Bytes that are kept for this replica.
  uint64_t lag() const { return changes_ == nullptr ? 0 : changes_->lag(); }

 private:
  void EndSnapshot();

  Journal& journal_;
  std::string answer_;
  size_t answer_sent_ = 0;
  std::shared_ptr<SnapshotStream> snapshot_;
  std::unique_ptr<Journal::Reader> snapshot_reader_;
  std::unique_ptr<Journal::Reader> changes_;
  bool waits_ = false;
};

}  // namespace kiln
