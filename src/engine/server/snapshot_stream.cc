#include "engine/server/snapshot_stream.h"

#include <chrono>
#include <utility>

namespace kiln {

std::string SnapshotStream::Write(std::string_view bytes) {
  bytes_.AppendNote(bytes);
  on_bytes_();
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    Journal::Readers readers = bytes_.readers();
    if (readers.count == 0) return "No replica is left that takes the snapshot";
    if (readers.lag <= kMaxAheadBytes) return {};
    read_.wait_for(lock, std::chrono::milliseconds(100));
  }
}

void SnapshotStream::End(State state) {
  state_.store(state, std::memory_order_release);
  on_bytes_();
}

void SnapshotStream::OnRead() {
  std::lock_guard<std::mutex> lock(mutex_);
  read_.notify_one();
}

ReplicaFeed::~ReplicaFeed() {
  EndSnapshot();
}

void ReplicaFeed::BeginSnapshot(std::string answer, std::shared_ptr<SnapshotStream> snapshot,
                                bool waits) {
  answer_ = std::move(answer);
  snapshot_ = std::move(snapshot);
  snapshot_reader_ = std::make_unique<Journal::Reader>(snapshot_->bytes(), 0);
  changes_ = std::make_unique<Journal::Reader>(journal_);
  waits_ = waits;
}

void ReplicaFeed::BeginChanges(uint64_t offset) {
  changes_ = std::make_unique<Journal::Reader>(journal_, offset);
}

std::string_view ReplicaFeed::Peek() {
  if (answer_sent_ < answer_.size()) return std::string_view(answer_).substr(answer_sent_);
  if (snapshot_ != nullptr) {
    std::string_view bytes = snapshot_reader_->Peek();
    if (!bytes.empty()) return bytes;
    if (!HasSentSnapshot() || waits_) return {};
    EndSnapshot();
  }
  return changes_ == nullptr ? std::string_view() : changes_->Peek();
}

void ReplicaFeed::Skip(size_t bytes) {
  if (answer_sent_ < answer_.size()) {
    answer_sent_ += bytes;
    return;
  }
  if (snapshot_ == nullptr) return changes_->Skip(bytes);
  snapshot_reader_->Skip(bytes);
  snapshot_->OnRead();
}

bool ReplicaFeed::HasSentSnapshot() const {
  return snapshot_ != nullptr && snapshot_->is_complete() && snapshot_reader_->lag() == 0;
}

void ReplicaFeed::OnSnapshotTaken() {
  if (HasSentSnapshot()) EndSnapshot();
}

void ReplicaFeed::EndSnapshot() {
  if (snapshot_ == nullptr) return;
  snapshot_reader_.reset();
  snapshot_->OnRead();
  snapshot_.reset();
}

bool ReplicaFeed::is_broken() const {
  return (snapshot_ != nullptr && snapshot_->has_failed()) ||
         (changes_ != nullptr && changes_->is_lost());
}

}  // namespace kiln
