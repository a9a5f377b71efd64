// AppendOnly: the append-only file's life: what is read at the start, written while the server
// runs, and rewritten when it has grown.
//
// The files lie in a folder of their own beside a manifest (persist/aof_manifest.h): a base, which
// is a snapshot, and increments with what changed since. A rewrite begins a new increment and a cut
// at the same moment; when the cut is on the disk it becomes the base, and what came before the new
// increment is history.
//
// Thread safety: functions marked "alone" need the Gate alone, or a server that does not run yet.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "engine/persist/aof_log.h"
#include "engine/persist/aof_manifest.h"
#include "engine/persist/rdb_save.h"
#include "engine/server/rewrite_limit.h"

namespace kiln {

class Server;
class StoredFile;
class Worker;

class AppendOnly {
 public:
  explicit AppendOnly(Server& server);
  ~AppendOnly();

  // ---- The start; before Run ----
  // Reads the manifest, and the old single file into the folder. False: the server must not start.
  bool Prepare();
  // Whether there is something to load, instead of a snapshot.
  bool HasFiles() const { return !manifest_.empty(); }
  // Loads all files; false: the server must not start.
  bool Load(Worker& worker);
  // Begins to write, where the parameter says so; false: the server must not start.
  bool Open();
  // After Run: writes what is left and closes.
  void Close();

  // Whether it was turned on while the server runs, and does not count yet for want of a base.
  bool is_waiting() const { return is_waiting_; }
  // How much of the journal is in files that count, and on the disk for certain. Any thread.
  uint64_t SyncedOffset() const {
    return log_ == nullptr || is_waiting_ ? 0 : log_->synced_offset();
  }
  bool is_on() const { return log_ != nullptr; }
  // By a worker, before replies are sent: puts what they tell of into the file. False: they must
  // wait.
  bool WriteOut();
  // Why writes are to be refused; empty: they need not be. Any thread.
  std::string Error() const { return log_ == nullptr || log_->is_fine() ? "" : log_->error(); }

  // ---- Alone ----
  // After parameters were changed; an error text, or empty.
  std::string OnSettings();
  // The databases are about to be replaced: the file ends here. Where there is to be one it begins
  // anew with ResumeAfterLoad, on worker 0.
  void PauseForLoad();
  void ResumeAfterLoad();
  // BGREWRITEAOF: an error text, or empty; `scheduled` says that it comes later, or is to.
  std::string StartRewrite(bool* scheduled);
  // Around a Load of what is written meanwhile. False: it cannot be now.
  bool BeginReload();
  void EndReload();
  // Ten times a second.
  void OnTick();

  struct Status {
    bool is_rewriting = false;
    bool is_scheduled = false;
    bool is_last_rewrite_fine = true;
    int64_t last_rewrite_took_s = -1;
    int64_t rewriting_since_s = 0;
    uint64_t rewrites = 0;
    uint64_t base_bytes = 0;  // of all files after the last rewrite
    uint64_t old_bytes = 0;   // of the files before the one that is written
  };
  const Status& status() const { return status_; }
  int64_t failed_rewrites() const { return limit_.failures(); }  // since one was fine
  const AofLog* log() const { return log_.get(); }
  uint64_t TotalBytes() const { return status_.old_bytes + (log_ == nullptr ? 0 : log_->size()); }

 private:
  std::string Path(const std::string& name) const { return folder_ + "/" + name; }
  bool WriteManifest(const AofManifest& manifest);
  bool AdoptOldFile();
  bool MoveOldFile();
  bool IsUpgradeUnfinished() const;
  // `commands_at`: where they begin behind a snapshot; kNoCommands: there are none.
  static constexpr uint64_t kNoCommands = ~uint64_t{0};
  bool LoadBase(const AofFile& file, uint64_t* commands_at);
  bool LoadCommands(Worker& worker, const AofFile& file, uint64_t at, bool is_last);
  bool EndIncrement(const std::string& path, const StoredFile& source, uint64_t whole_bytes,
                    uint64_t size, bool is_last);
  bool WriteFirstBase();
  // A file to append to.
  struct Increment {
    int fd = -1;
    uint64_t size = 0;
    std::unique_ptr<CipherLog> cipher;  // null: it is plain
  };
  bool OpenIncrement(const AofFile& file, bool is_new, Increment* opened);
  bool CanGoOn(const AofFile& file) const;
  bool HasPlainFile() const;                   // though files are to be encrypted
  bool Has(std::string_view parameter) const;  // that it says yes
  std::unique_ptr<AofLog> MakeLog(Increment opened) const;
  void NoteRewrite(bool is_fine, bool was_abandoned);
  void RemoveHistory();
  void LaunchRewrite();
  void EndRewrite(const std::string& temporary, const std::string& error);
  bool MustWait() const;
  std::string Start();  // at run time
  void Stop();
  void BeginDatabase();

  Server& server_;
  std::string folder_;
  AofManifest manifest_;
  std::unique_ptr<AofLog> log_;
  SyncPolicy policy_ = SyncPolicy::kEverySecond;
  std::atomic<bool> was_fine_{true};
  std::atomic<bool> is_waiting_{false};
  uint64_t life_ = 0;  // each time it is turned on or off a new one begins
  Status status_;
  RewriteLimit limit_;
  RdbSaveProgress progress_;
};

}  // namespace kiln
