#include "engine/server/persistence.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>

#include "base/log.h"
#include "base/time.h"
#include "engine/commands/call.h"
#include "engine/server/append_only.h"
#include "engine/server/background_save.h"
#include "engine/server/replication.h"
#include "engine/server/server.h"
#include "engine/server/service_notice.h"

namespace kiln {
namespace {

constexpr int64_t kRetryS = 5;  // after a save in the background that failed

int64_t NowS() {
  return NowMs() / 1000;
}

}  // namespace

Persistence::Persistence(Server& server)
    : server_(server), last_save_s_(NowS()), farewell_(server) {}

Persistence::~Persistence() = default;

// ---- Saving ----

RdbSaveOptions Persistence::SaveOptions() const {
  const Settings& settings = server_.settings();
  RdbSaveOptions options;
  std::string version = server_.parameters().ValueOf(*FindParameter("rdb-version"));
  options.version = version == "10" ? kRdbVersionOld : kRdbVersion;
  options.compresses = settings.rdb_compression;
  options.has_checksum = settings.rdb_checksum;
  options.syncs_in_steps = settings.rdb_save_incremental_fsync;
  options.key_delay_us = settings.rdb_key_save_delay_us;
  options.used_memory_bytes = server_.UsedMemoryBytes();
  options.entries = {.policy = settings.maxmemory_policy,
                     .lfu_decay_time_min = static_cast<uint32_t>(settings.lfu_decay_time_min),
                     .now_ms = static_cast<uint64_t>(NowMs())};
  options.functions = server_.services().scripts->LibraryCodes();
  options.key = keys_.current ? &*keys_.current : nullptr;
  options.place = server_.replication().Place();
  return options;
}

std::string Persistence::SaveFile() {
  Keyspace& keyspace = server_.keyspace();
  std::string error = SaveRdbFile(
      server_.settings().dbfilename, ContentsOf(keyspace), SaveOptions(),
      [&](RdbProducer& producer) { ProduceEntries(keyspace, producer); }, &save_progress_);
  error.empty() ? Log(LogLevel::kNotice, "DB saved on disk") : Log(LogLevel::kWarning, error);
  return error;
}

void Persistence::NoteSaved(bool is_fine) {
  status_.is_last_save_fine = is_fine;
  if (is_fine) {
    changes_when_saved_ = server_.CountChanges();
    last_save_s_ = NowS();
  }
  UpdateDoubts();
}

std::string Persistence::Save() {
  // Or an older state might take the place of this one.
  if (is_saving_) server_.background_save().AbandonAndWait();
  ++status_.saves;
  std::string error = SaveFile();
  if (error.empty()) NoteSaved(true);
  return error;
}

std::string Persistence::StartBackgroundSave() {
  if (server_.background_save().is_running()) {
    is_save_scheduled_ = true;
    return {};
  }
  ++status_.saves;
  is_save_scheduled_ = false;
  is_saving_ = true;
  last_try_s_ = status_.saving_since_s = NowS();
  changes_when_begun_ = server_.CountChanges();
  Log(LogLevel::kNotice, fmt::format("Background saving started by pid {}", getpid()));
  server_.background_save().Start(server_.settings().dbfilename, SaveOptions(), &save_progress_,
                                  [this](const std::string& error) { EndBackgroundSave(error); });
  return {};
}

void Persistence::EndBackgroundSave(const std::string& error) {
  is_saving_ = false;
  // Somebody did away with what it was saving, or saved it better: that is no failure.
  if (error == kSnapshotAbandoned) return Log(LogLevel::kNotice, "Background saving abandoned");
  status_.last_save_took_s = NowS() - status_.saving_since_s;
  if (error.empty()) {
    Log(LogLevel::kNotice, "DB saved on disk");
    Log(LogLevel::kNotice, "Background saving terminated with success");
  } else {
    Log(LogLevel::kWarning, error);
    Log(LogLevel::kWarning, "Background saving error");
  }
  NoteSaved(error.empty());
  if (error.empty()) changes_when_saved_ = changes_when_begun_;
}

std::string Persistence::StartRewrite(bool* scheduled) {
  return server_.append_only().StartRewrite(scheduled);
}

uint64_t Persistence::ChangesSinceSave() const {
  return server_.CountChanges() - changes_when_saved_;
}

bool Persistence::IsDue(const SavePoint& point, uint64_t changes, int64_t now_s) const {
  return now_s - last_save_s_ > point.seconds &&
         static_cast<int64_t>(std::min<uint64_t>(changes, INT64_MAX)) >= point.changes &&
         (status_.is_last_save_fine || now_s - last_try_s_ > kRetryS);
}

// Once a second, and only where enough time has passed: counting changes stops all workers for a
// moment.
void Persistence::CheckSavePoints() {
  int64_t now_s = NowS();
  if (now_s < next_check_s_ || is_saving_) return;
  next_check_s_ = now_s + 1;
  const auto& points = server_.settings().save;
  bool may_be_due = std::any_of(points.begin(), points.end(), [&](const SavePoint& point) {
    return IsDue(point, INT64_MAX, now_s);
  });
  if (!may_be_due && !is_save_scheduled_) return;
  server_.gate().Exclusive(0, [&] {
    if (is_save_scheduled_) return (void)StartBackgroundSave();
    uint64_t changes = ChangesSinceSave();
    for (const SavePoint& point : points) {
      if (!IsDue(point, changes, now_s)) continue;
      Log(LogLevel::kNotice,
          fmt::format("{} changes in {} seconds. Saving...", point.changes, point.seconds));
      return (void)StartBackgroundSave();
    }
  });
}

void Persistence::OnFlushAll() {
  if (!server_.settings().save.empty()) (void)Save();
}

// ---- What is refused ----

void Persistence::OnSettings() {
  const Settings& settings = server_.settings();
  bool saves = !settings.save.empty() ||
               ((settings.shutdown_on_sigint | settings.shutdown_on_sigterm) & kShutdownSave) != 0;
  needs_farewell_ = (saves || settings.appendonly) && server_.protocol() == Protocol::kRedis;
  UpdateDoubts();
}

void Persistence::UpdateDoubts() {
  const Settings& settings = server_.settings();
  bool is_save_missing =
      settings.stop_writes_on_bgsave_error && !settings.save.empty() && !status_.is_last_save_fine;
  denies_writes_ = is_save_missing || !server_.append_only().Error().empty();
  // PING is no write, and EXEC may be anything.
  bool is_in_doubt = IsLoading() || denies_writes_;
  server_.SetDoubtfulFlags(is_in_doubt ? ~uint32_t{0} : server_.replication().doubtful_flags());
}

std::string Persistence::WriteRefusal() const {
  if (!denies_writes_.load(std::memory_order_relaxed)) return {};
  if (std::string error = server_.append_only().Error(); !error.empty())
    return "MISCONF Errors writing to the AOF file: " + error;
  return "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist "
         "to disk. Commands that may modify the data set are disabled, because this instance is "
         "configured to report errors during writes if RDB snapshotting fails "
         "(stop-writes-on-bgsave-error option). Please check the Redis logs for details about the "
         "RDB error.";
}

// ---- The end ----

// What was to be in the append-only file from now on is nowhere yet.
bool Persistence::MayLeaveAppendOnly(uint32_t flags) const {
  const AppendOnly& append_only = server_.append_only();
  if (!append_only.is_waiting() || !append_only.status().is_rewriting) return true;
  bool is_forced = (flags & kShutdownForce) != 0;
  Log(LogLevel::kWarning,
      is_forced ? "Writing initial AOF. Exit anyway." : "Writing initial AOF, can't exit.");
  return is_forced;
}

ShutdownStart Persistence::Shutdown(uint32_t flags, ClientHandle asker) {
  if (farewell_.is_on() && (flags & kShutdownNow) != 0) (void)farewell_.End();
  bool waits = farewell_.is_on();
  if (!waits) Log(LogLevel::kNotice, "User requested shutdown...");
  if (!waits && farewell_.IsWanted(flags)) {
    farewell_.Begin(flags);
    waits = true;
  }
  if (!waits) return Leave(flags) ? ShutdownStart::kEnds : ShutdownStart::kFailed;
  farewell_.AddAsker(asker);
  return ShutdownStart::kWaits;
}

void Persistence::EndFarewell() {
  if (Leave(farewell_.End())) return;
  stop_signal_ = 0;
  farewell_.AnswerAskers();
}

// False when it failed, and that matters.
bool Persistence::SaveLast(uint32_t flags) {
  bool saves =
      (flags & kShutdownSave) || (!(flags & kShutdownNoSave) && !server_.settings().save.empty());
  if (!saves || is_loading_ || server_.protocol() != Protocol::kRedis) return true;
  Log(LogLevel::kNotice, "Saving the final RDB snapshot before exiting.");
  TellServiceManager("STATUS=Saving the final RDB snapshot\n");
  if (Save().empty()) return true;
  bool is_forced = (flags & kShutdownForce) != 0;
  Log(LogLevel::kWarning, is_forced ? "Error trying to save the DB. Exit anyway."
                                    : "Error trying to save the DB, can't exit.");
  if (!is_forced) TellServiceManager("STATUS=Error trying to save the DB, can't exit.\n");
  return is_forced;
}

bool Persistence::Leave(uint32_t flags) {
  TellServiceManager("STOPPING=1\n");
  if (!MayLeaveAppendOnly(flags) || !SaveLast(flags)) {
    Log(LogLevel::kWarning,
        "Errors trying to shut down the server. Check the logs for more information.");
    return false;
  }
  load_progress_.is_stopped = true;
  server_.Shutdown();
  return true;
}

bool Persistence::AbortShutdown() {
  bool is_on = farewell_.is_on();
  if (stop_signal_.exchange(0) == 0 && !is_on) return false;
  if (is_on) (void)farewell_.End();
  farewell_.AnswerAskers();
  Log(LogLevel::kNotice, "Shutdown manually aborted.");
  return true;
}

void Persistence::OnStopSignal(int signal) {
  // Who asks twice does not want to wait.
  if (stop_signal_.exchange(signal) != 0 && signal == SIGINT) {
    unlink(temporary_name_.c_str());
    _exit(1);
  }
  bool needs_farewell =
      needs_farewell_ || server_.HasEndpoints() || server_.replication().links().any();
  if (needs_farewell) return server_.worker(0).loop().mailbox().Wake();
  load_progress_.is_stopped = true;
  server_.Shutdown();
}

// Others may share the endpoints: who came through them just now, and was promised an answer by the
// connection, gets it before this server goes.
bool Persistence::HasLeft() {
  constexpr int64_t kLingerMs = 100;
  if (!server_.HasEndpoints()) return true;
  int64_t now_ms = NowMs();
  if (leaves_at_ms_ == 0) {
    leaves_at_ms_ = now_ms + kLingerMs;
    server_.gate().Exclusive(0, [&] { server_.CloseEndpoints(); });
  }
  return now_ms >= leaves_at_ms_;
}

void Persistence::ObeySignal() {
  int signal = stop_signal_;
  const Settings& settings = server_.settings();
  bool is_interrupt = signal == SIGINT;
  Log(LogLevel::kWarning,
      fmt::format("Received {} scheduling shutdown...", is_interrupt ? "SIGINT" : "SIGTERM"));
  uint32_t flags = is_interrupt ? settings.shutdown_on_sigint : settings.shutdown_on_sigterm;
  server_.gate().Exclusive(0, [&] {
    if (Shutdown(flags, {}) == ShutdownStart::kFailed) stop_signal_ = 0;
  });
}

void Persistence::OnTick() {
  if (farewell_.is_on()) {
    if (farewell_.IsOver()) server_.gate().Exclusive(0, [&] { EndFarewell(); });
  } else if (stop_signal_ != 0 && HasLeft()) {
    ObeySignal();
  }
  if (server_.protocol() == Protocol::kMemcache) return;
  if (is_loading_) {
    ReportLoading();
  } else {
    CheckSavePoints();
  }
}

void Persistence::TellServiceManager(const std::string& text) const {
  const ParameterSet& parameters = server_.parameters();
  std::string mode = parameters.ValueOf(*FindParameter("supervised"));
  if (mode == "systemd" || mode == "auto") NotifyServiceManager(text);
}

}  // namespace kiln
