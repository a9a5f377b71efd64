#include "engine/persist/aof_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "base/log.h"
#include "base/time.h"

namespace kiln {

AofLog::AofLog(Journal& journal, int fd, uint64_t size, SyncPolicy policy,
               std::unique_ptr<CipherLog> cipher)
    : journal_(journal),
      reader_(journal),
      fd_(fd),
      cipher_(std::move(cipher)),
      size_(size),
      written_(reader_.offset()),
      synced_(reader_.offset()),
      policy_(policy),
      syncer_([this, synced = synced_.load()] { SyncEverySecond(synced); }) {}

AofLog::~AofLog() {
  {
    std::lock_guard<std::mutex> lock(sync_mutex_);
    is_over_ = true;
  }
  sync_wanted_.notify_all();
  syncer_.join();
  std::lock_guard<std::mutex> lock(mutex_);
  if (WriteLocked()) (void)Sync(fd_);
  close(fd_);
}

bool AofLog::WriteOut() {
  uint64_t wanted = journal_.end();
  bool always = policy_.load(std::memory_order_relaxed) == SyncPolicy::kAlways;
  if (!always && written_.load(std::memory_order_acquire) >= wanted) return true;
  std::lock_guard<std::mutex> lock(mutex_);
  if (written_.load(std::memory_order_relaxed) < wanted && !WriteLocked()) return false;
  if (!always) return true;
  if (synced_ < wanted) {
    uint64_t written = written_.load(std::memory_order_relaxed);
    if (!Sync(fd_)) return false;
    synced_ = written;
  }
  return is_fine();
}

bool AofLog::SyncAll() {
  std::lock_guard<std::mutex> lock(mutex_);
  return WriteLocked() && Sync(fd_);
}

bool AofLog::has_hole() const {
  std::lock_guard<std::mutex> lock(error_mutex_);
  return is_broken_ || follows_hole_;
}

void AofLog::ForgetHole() {
  std::lock_guard<std::mutex> lock(error_mutex_);
  follows_hole_ = false;
  if (is_broken_) return;
  error_.clear();
  is_fine_.store(true, std::memory_order_relaxed);
}

bool AofLog::WriteLocked() {
  {
    std::lock_guard<std::mutex> lock(error_mutex_);
    if (is_broken_) return false;
  }
  if (!WriteStamp()) return false;
  for (std::string_view bytes = reader_.Peek(); !bytes.empty(); bytes = reader_.Peek()) {
    if (!Append(bytes)) return false;
    is_within_command_ = true;  // for the bytes may end where a block of the journal does
    reader_.Skip(bytes.size());
    written_.store(reader_.offset(), std::memory_order_release);
  }
  is_within_command_ = false;
  if (!is_fine()) {
    std::lock_guard<std::mutex> lock(error_mutex_);
    if (is_broken_ || follows_hole_) return true;
    error_.clear();
    is_fine_.store(true, std::memory_order_relaxed);
    Log(LogLevel::kWarning, "AOF write error looks solved. The server can write again.");
  }
  return true;
}

bool AofLog::WriteSelect(int db) {
  std::string number = std::to_string(db);
  std::string_view words[] = {"SELECT", number};
  std::string bytes;
  AppendCommand(&bytes, words);
  std::lock_guard<std::mutex> lock(mutex_);
  return Append(bytes);
}

bool AofLog::WriteStamp() {
  if (!has_stamps_.load(std::memory_order_relaxed) || is_within_command_) return true;
  int64_t now_s = NowMs() / 1000;
  if (now_s == stamped_s_ || reader_.Peek().empty()) return true;
  if (!Append("#TS:" + std::to_string(now_s) + "\r\n")) return false;
  stamped_s_ = now_s;
  return true;
}

bool AofLog::Append(std::string_view bytes) {
  if (cipher_ == nullptr) return WriteAll(bytes);
  sealed_.clear();
  cipher_->Append(bytes, &sealed_);
  bool is_written = WriteAll(sealed_);
  if (!is_written) cipher_->Undo();
  return is_written;
}

// All of the bytes, or, as far as the file goes, none of them.
bool AofLog::WriteAll(std::string_view bytes) {
  uint64_t start = size_.load(std::memory_order_relaxed);
  uint64_t at = start;
  while (at - start < bytes.size()) {
    ssize_t got = write(fd_, bytes.data() + (at - start), bytes.size() - (at - start));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      int error = got < 0 ? errno : ENOSPC;
      // Half of a command must not stay where the rest may never follow.
      if (at > start && ftruncate(fd_, static_cast<off_t>(start)) != 0) {
        Fail("cutting off what was written in part", errno, true);
      } else {
        Fail("Error writing to the AOF file", error, false);
      }
      return false;
    }
    at += static_cast<uint64_t>(got);
  }
  size_.store(at, std::memory_order_relaxed);
  return true;
}

bool AofLog::Sync(int fd) {
  is_syncing_.store(true, std::memory_order_relaxed);
  int result = fdatasync(fd);
  int error = errno;
  is_syncing_.store(false, std::memory_order_relaxed);
  if (result == 0) return true;
  Fail("Fail to fsync the AOF file", error, true);
  return false;
}

void AofLog::Fail(std::string_view doing, int error, bool is_for_good) {
  std::lock_guard<std::mutex> lock(error_mutex_);
  bool is_news = error_.empty() || (is_for_good && !is_broken_);
  is_broken_ = is_broken_ || is_for_good;
  is_fine_.store(false, std::memory_order_relaxed);
  if (!is_news) return;
  error_ = strerror(error);
  Log(LogLevel::kWarning, std::string(doing) + ": " + error_);
}

std::string AofLog::error() const {
  std::lock_guard<std::mutex> lock(error_mutex_);
  return error_;
}

bool AofLog::SwitchTo(int fd, uint64_t size, std::unique_ptr<CipherLog> cipher) {
  std::lock_guard<std::mutex> lock(mutex_);
  bool was_broken = false;
  {
    std::lock_guard<std::mutex> error_lock(error_mutex_);
    was_broken = is_broken_;
  }
  // A broken file is given up: what the new one follows on is a new base.
  if (!was_broken && (!WriteLocked() || !Sync(fd_))) return false;
  if (was_broken) {
    for (std::string_view rest = reader_.Peek(); !rest.empty(); rest = reader_.Peek())
      reader_.Skip(rest.size());
    written_.store(reader_.offset(), std::memory_order_release);
  }
  int old = 0;
  {
    std::lock_guard<std::mutex> sync_lock(sync_mutex_);
    old = std::exchange(fd_, fd);
  }
  close(old);
  cipher_ = std::move(cipher);
  stamped_s_ = 0;
  is_within_command_ = false;
  size_.store(size, std::memory_order_relaxed);
  synced_ = written_.load(std::memory_order_relaxed);
  std::lock_guard<std::mutex> error_lock(error_mutex_);
  follows_hole_ = follows_hole_ || is_broken_;
  is_broken_ = false;
  return true;
}

void AofLog::SyncEverySecond(uint64_t synced) {
  std::unique_lock<std::mutex> lock(sync_mutex_);
  while (!is_over_) {
    sync_wanted_.wait_for(lock, std::chrono::seconds(1));
    uint64_t written = written_.load(std::memory_order_acquire);
    if (is_over_ || policy_.load(std::memory_order_relaxed) != SyncPolicy::kEverySecond ||
        written == synced) {
      continue;
    }
    int fd = dup(fd_);  // the log may switch meanwhile
    lock.unlock();
    if (fd >= 0 && Sync(fd)) synced_ = synced = written;
    if (fd >= 0) close(fd);
    lock.lock();
  }
}

}  // namespace kiln
