// Persistence: the databases' life on the disk: loading them at the start, saving them by command,
// at save points and at the end, and what INFO tells of that.
//
// Small files are loaded before the server runs, larger ones while it does: then nearly every
// command is refused with -LOADING, and the threads that load are helpers in the Gate.
//
// Thread safety: functions marked "alone" need the Gate alone (or a server that does not run), the
// atomics may be read anywhere, OnTick is for worker 0.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "engine/commands/persistence.h"
#include "engine/persist/cipher_key.h"
#include "engine/persist/rdb_file.h"
#include "engine/persist/rdb_loader.h"
#include "engine/persist/rdb_save.h"
#include "engine/server/farewell.h"

namespace kiln {

class Server;

class Persistence final : public PersistenceControl {
 public:
  explicit Persistence(Server& server);
  ~Persistence() override;

  // ---- The server's life ----
  // Before Run. False: the server must not start.
  bool Load();
  // After Run.
  void EndLoading();
  bool has_failed_to_load() const { return has_failed_to_load_; }
  // Where in which history the databases were, if they came from a snapshot that says so.
  const std::optional<ReplicationPlace>& place() const { return place_; }
  // What it left out because it was due: who has the same history has these keys still.
  std::vector<std::pair<int, std::string>> TakeDueKeys() { return std::exchange(due_keys_, {}); }
  void OnTick();
  void OnSettings();              // alone
  void OnStopSignal(int signal);  // in a signal handler

  // The databases cannot be read.
  bool is_loading() const {
    return is_loading_.load(std::memory_order_relaxed) || beside() == Beside::kHidden;
  }
  // Whether a primary's snapshot is being loaded into other databases, and these here, which are
  // older states of the same, go on being read meanwhile, or are hidden, being of something else.
  enum class Beside : uint8_t { kNone, kServed, kHidden };
  Beside beside() const { return beside_.load(std::memory_order_relaxed); }
  void SetBeside(Beside how);  // alone

  // ---- PersistenceControl ----
  std::string Save() override;
  std::string StartBackgroundSave() override;
  bool IsSavingInBackground() const override { return is_saving_; }
  std::string StartRewrite(bool* scheduled) override;
  bool IsLoading() const override { return is_loading() || beside() != Beside::kNone; }
  void ScheduleBackgroundSave() override { is_save_scheduled_ = true; }
  std::string WriteRefusal() const override;
  int64_t LastSaveSeconds() const override { return last_save_s_; }
  std::string Reload(const ReloadOptions& options) override;
  std::string ReloadAppendOnly(size_t worker) override;
  void OnFlushAll() override;
  ShutdownStart Shutdown(uint32_t flags, ClientHandle asker) override;
  bool AbortShutdown() override;

  // ---- For a replica; alone ----
  // Replaces the databases by what the snapshot file holds; commands are refused until `done`,
  // which is told alone, on worker 0. If it fails nothing is left.
  using Loaded = std::function<void(const RdbLoadResult&)>;
  void LoadInPlace(Loaded done);
  // Options for loading into a keyspace that nobody sees; Replace then puts its contents in place
  // of the databases'. An error text, or empty.
  RdbLoadOptions LoadOptionsBeside() const;
  std::string Replace(Keyspace& keyspace, const RdbLoadResult& result,
                      const RdbLoadProgress& progress);

  // ---- For the append-only file; alone ----
  // What is written now, and how.
  RdbSaveOptions SaveOptions() const;
  // Loads its base; false: the server must not start.
  bool LoadSnapshot(const std::string& path);
  // What files are encrypted with.
  const AtRestKeys& keys() const { return keys_; }
  // Wraps the data key of a file from before a rotation with the key of now; if that fails it can
  // still be read with the old one.
  void TakeNewKey(const std::string& path) const;
  // Its state may have changed.
  void UpdateDoubts();

  // ---- For INFO; alone ----
  uint64_t ChangesSinceSave() const;
  struct Status {
    int64_t loading_since_s = 0;
    bool is_last_save_fine = true;
    int64_t last_save_took_s = -1;  // in the background
    int64_t saving_since_s = 0;
    uint64_t saves = 0;
  };
  const Status& status() const { return status_; }
  const RdbLoadProgress& load_progress() const { return load_progress_; }
  const RdbSaveProgress& save_progress() const { return save_progress_; }
  const Farewell& farewell() const { return farewell_; }

 private:
  std::string SaveFile();
  void NoteSaved(bool is_fine);
  void EndBackgroundSave(const std::string& error);
  RdbLoadOptions LoadOptions(bool is_alone) const;
  RdbLoadResult LoadFile(ByteSource& source, const RdbLoadOptions& options);
  // Logs how it went and puts the functions in place. False when it failed.
  bool TakeResult(const RdbLoadResult& result, bool replaces);
  bool LoadAppendOnly();
  void FlushAll();
  bool LoadKeys();
  void LoadInBackground(std::unique_ptr<ByteSource> source, RdbLoadOptions options, Loaded done);
  void OnLoaded(const RdbLoadResult& result);
  void EndLoadInPlace(RdbLoadResult result, const Loaded& done);
  void DropAll();
  void ReportLoading();
  void CheckSavePoints();
  bool IsDue(const SavePoint& point, uint64_t changes, int64_t now_s) const;
  bool HasLeft();
  void ObeySignal();
  // The last of all: false when it failed, and the server goes on.
  bool Leave(uint32_t flags);
  void EndFarewell();
  bool MayLeaveAppendOnly(uint32_t flags) const;
  bool SaveLast(uint32_t flags);
  void TellServiceManager(const std::string& text) const;

  Server& server_;
  AtRestKeys keys_;
  std::atomic<bool> is_loading_{false};
  std::atomic<Beside> beside_{Beside::kNone};
  std::atomic<bool> denies_writes_{false};   // the last save failed
  std::atomic<bool> needs_farewell_{false};  // a signal must not end the server at once
  std::atomic<int> stop_signal_{0};
  const std::string temporary_name_ = RdbFile::TemporaryName();
  bool is_saving_ = false;
  bool is_save_scheduled_ = false;
  bool has_failed_to_load_ = false;
  int64_t last_save_s_;
  int64_t last_try_s_ = 0;  // of a save in the background
  uint64_t changes_when_saved_ = 0;
  uint64_t changes_when_begun_ = 0;  // with the save in the background
  Status status_;
  RdbLoadProgress load_progress_;
  RdbSaveProgress save_progress_;
  std::optional<ReplicationPlace> place_;
  std::vector<std::pair<int, std::string>> due_keys_;
  int64_t load_started_us_ = 0;
  int64_t leaves_at_ms_ = 0;
  Farewell farewell_;
  int64_t next_report_s_ = 0;
  int64_t next_check_s_ = 0;  // of the save points
  std::thread loader_;
};

}  // namespace kiln
