// BackgroundSave: writes a cut as an RDB file on a thread of its own, for BGSAVE, for the base of
// an append-only file and for replicas. One at a time.
//
// The thread yields to everybody (for a file it is as nice as can be), so that saving takes only
// the time that clients leave; when one waits for a lock that it holds, it runs.
//
// Thread safety: functions marked "alone" need the Gate alone.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "engine/persist/cut_save.h"

namespace kiln {

class Server;

class BackgroundSave {
 public:
  explicit BackgroundSave(Server& server) : server_(server) {}
  ~BackgroundSave() { Stop(); }
  BackgroundSave(const BackgroundSave&) = delete;
  BackgroundSave& operator=(const BackgroundSave&) = delete;

  // Told how it went, alone, on worker 0.
  using Done = std::function<void(const std::string& error)>;

  // Alone: from now on the file at `path` is written with what is there at this moment.
  void Start(const std::string& path, RdbSaveOptions options, RdbSaveProgress* progress, Done done);
  // The same, written by `write` (CutSave::Run), on a thread as nice as this.
  void Start(RdbSaveOptions options, int niceness, CutSave::Writing write, Done done);
  // Alone. None may begin while one runs, or another keyspace is loaded that will take the place of
  // this one: its records have the marks of a cut of their own.
  bool is_running() const { return save_ != nullptr || is_barred_; }
  void Bar(bool on) { is_barred_ = on; }
  // Alone. It ends soon, with kSnapshotAbandoned for an error unless its file is there already.
  void Abandon();
  // The same, and nothing is written any more when this returns; Done is told later.
  void AbandonAndWait();
  // When no worker runs any more: ends it at once; nobody is told.
  void Stop();

 private:
  void End(const std::string& error);

  Server& server_;
  std::unique_ptr<CutSave> save_;
  Done done_;
  std::thread thread_;
  bool is_barred_ = false;
  std::atomic<bool> is_released_{false};    // whoever began it has the Gate alone no more
  std::atomic<bool> is_waited_for_{false};  // by somebody who has the Gate alone
};

}  // namespace kiln
