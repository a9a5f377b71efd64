// PersistenceControl: what commands may ask of the part that saves and loads the databases.
// Implemented in engine/server.
//
// Functions marked "alone" need the Gate alone; the others may be called by any worker.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/commands/client.h"
#include "params/settings.h"

namespace kiln {

// DEBUG RELOAD's.
struct ReloadOptions {
  bool saves = true;      // first
  bool flushes = true;    // before it loads
  bool replaces = false;  // keys and libraries that are there; else they are an error
};

enum class ShutdownStart : uint8_t {
  kEnds,    // now
  kFailed,  // it goes on
  kWaits,   // for replicas
};

class PersistenceControl {
 public:
  virtual ~PersistenceControl() = default;
  // Alone. Saves at once; an error text, or empty.
  virtual std::string Save() = 0;
  // Alone. Begins to save in the background; an error text, or empty.
  virtual std::string StartBackgroundSave() = 0;
  virtual bool IsSavingInBackground() const = 0;
  // Alone. Begins to write the append-only file anew, or (`scheduled`: it must wait, or has to)
  // will; an error text, or empty.
  virtual std::string StartRewrite(bool* scheduled) = 0;
  virtual bool IsLoading() const = 0;
  // Alone. Begins one as soon as that is possible.
  virtual void ScheduleBackgroundSave() = 0;
  // Why commands that write are refused now (an error reply's text), because what they change might
  // not be kept; empty when they are not.
  virtual std::string WriteRefusal() const = 0;
  // When the databases were last saved, or the server started (Unix time).
  virtual int64_t LastSaveSeconds() const = 0;
  // Alone. Replaces the databases by what the file holds; an error text, or empty.
  virtual std::string Reload(const ReloadOptions& options) = 0;
  // Alone, by this worker. The same with the append-only file.
  virtual std::string ReloadAppendOnly(size_t worker) = 0;
  // Alone. All keys are gone: where there are save points the file is to be empty too.
  virtual void OnFlushAll() = 0;
  // Alone (unless kShutdownNoSave and kShutdownNow are given). Does what is to be done before the
  // server ends (`flags` of ShutdownFlag) and ends it, or begins to. Where it waits and then does
  // not end after all, the wait of the client who asked is ended.
  virtual ShutdownStart Shutdown(uint32_t flags, ClientHandle asker) = 0;
  // Alone. Takes back a shutdown that has not happened yet; false when there is none.
  virtual bool AbortShutdown() = 0;
};

}  // namespace kiln
