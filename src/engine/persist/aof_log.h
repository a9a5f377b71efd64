// AofLog: the append-only file that is being written: a reader of the journal with a file behind
// it.
//
// Whoever is about to send replies calls WriteOut first: everything in the journal is written, by
// one thread for all that wait. Under `always` it is synced too, so that the replies of a turn, and
// of the turns of other workers, share one fsync; under `everysec` a thread of its own syncs once a
// second; under `no` the system does when it likes.
//
// What cannot be written stays in the journal and is tried again: a full disk makes writes be
// refused (error() says so), loses nothing, and is over when there is room. A failed fsync is
// another matter: what it was about may be lost though the next one succeeds. Then the log is
// broken until it begins a new file; and since that follows on a file with a hole, writes stay
// refused, and replies under `always` held, until a new base has taken the old file's place.
//
// With a CipherLog the file is encrypted; what its header takes is written already.
//
// Thread safety: all functions, any thread, unless they say otherwise.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "engine/journal/journal.h"
#include "engine/persist/cipher_log.h"
#include "params/settings.h"

namespace kiln {

class AofLog {
 public:
  // Appends to the file from here on; what the journal takes after this is written. The file
  // descriptor becomes the log's. `size` is the file's length.
  AofLog(Journal& journal, int fd, uint64_t size, SyncPolicy policy,
         std::unique_ptr<CipherLog> cipher = nullptr);
  // Writes and syncs what is left.
  ~AofLog();
  AofLog(const AofLog&) = delete;
  AofLog& operator=(const AofLog&) = delete;

  // Writes the journal to its end. True when what was there at the call is as safe as the policy
  // wants it to be; false: replies must not go out yet (`always`), or can (the others).
  bool WriteOut();
  // Whether WriteOut has something to do.
  bool HasUnwritten() const { return written_.load(std::memory_order_acquire) < journal_.end(); }

  // Begins the file with the database that the next command is for, where the journal does not say
  // it again. False when that fails.
  bool WriteSelect(int db);
  // How much of the journal is on the disk for certain.
  uint64_t synced_offset() const { return has_hole() ? 0 : synced_.load(); }

  // Writes and syncs all that is in the journal, whatever the policy.
  bool SyncAll();
  // Goes on in another file: what the journal holds now still goes to the old one, which is synced
  // and closed. To be called with the Gate alone. False, and nothing changes, when that fails.
  bool SwitchTo(int fd, uint64_t size = 0, std::unique_ptr<CipherLog> cipher = nullptr);

  // Whether "#TS:" and the time are written before what is written in another second than before.
  void set_has_stamps(bool has) { has_stamps_.store(has, std::memory_order_relaxed); }
  void set_policy(SyncPolicy policy) { policy_.store(policy, std::memory_order_relaxed); }
  // Why writes have to be refused; empty: they need not be.
  std::string error() const;
  // Whether a sync failed: the file is not to be relied on, nor is what follows on it.
  bool has_hole() const;
  // What was written before the last SwitchTo is not needed any more.
  void ForgetHole();
  bool is_fine() const { return is_fine_.load(std::memory_order_relaxed); }
  uint64_t size() const { return size_.load(std::memory_order_relaxed); }  // of the file
  uint64_t pending_bytes() const {
    return journal_.end() - written_.load(std::memory_order_relaxed);
  }
  bool is_syncing() const { return is_syncing_.load(std::memory_order_relaxed); }

 private:
  bool WriteLocked();
  bool WriteStamp();
  bool Append(std::string_view bytes);
  bool WriteAll(std::string_view bytes);
  bool Sync(int fd);
  void Fail(std::string_view doing, int error, bool is_for_good);
  void SyncEverySecond(uint64_t synced);

  Journal& journal_;
  std::mutex mutex_;  // of the file: who writes, syncs under `always`, or switches
  Journal::Reader reader_;
  int fd_;
  std::unique_ptr<CipherLog> cipher_;  // null: the file is plain
  std::string sealed_;
  std::atomic<uint64_t> size_;
  std::atomic<uint64_t> written_;   // the journal's offset
  std::atomic<uint64_t> synced_;    // the same
  int64_t stamped_s_ = 0;           // the last time stamp of this file; with mutex_
  bool is_within_command_ = false;  // what was written ends; the same
  std::atomic<bool> has_stamps_{false};
  std::atomic<SyncPolicy> policy_;
  std::atomic<bool> is_fine_{true};
  bool is_broken_ = false;     // with error_mutex_
  bool follows_hole_ = false;  // the same; the file is fine, but nothing without a new base
  mutable std::mutex error_mutex_;
  std::string error_;

  std::atomic<bool> is_syncing_{false};
  std::mutex sync_mutex_;
  std::condition_variable sync_wanted_;
  bool is_over_ = false;  // with sync_mutex_
  std::thread syncer_;
};

}  // namespace kiln
