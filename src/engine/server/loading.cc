// Loading the databases, at the start and for DEBUG RELOAD.

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/log.h"
#include "base/number.h"
#include "base/time.h"
#include "engine/commands/debug_switches.h"
#include "engine/commands/services.h"
#include "engine/persist/cipher_file.h"
#include "engine/persist/leftovers.h"
#include "engine/replication/history.h"
#include "engine/server/append_only.h"
#include "engine/server/dispatcher.h"
#include "engine/server/persistence.h"
#include "engine/server/replication.h"
#include "engine/server/server.h"
#include "engine/server/worker.h"

namespace kiln {
namespace {

constexpr int64_t kReportS = 5;

void LogFacts(const RdbFacts& facts) {
  for (const auto& [name, text] : facts.aux) {
    if (name == "redis-ver" || name == "valkey-ver") {
      Log(LogLevel::kNotice, "Loading RDB produced by version " + text);
    } else if (name == "ctime") {
      int64_t age_s = NowMs() / 1000 - ParseInt64(text).value_or(0);
      Log(LogLevel::kNotice, fmt::format("RDB age {} seconds", std::max<int64_t>(age_s, 0)));
    } else if (name == "used-mem") {
      auto bytes = static_cast<double>(ParseInt64(text).value_or(0));
      Log(LogLevel::kNotice,
          fmt::format("RDB memory usage when created {:.2f} Mb", bytes / (1 << 20)));
    }
  }
  if (!facts.has_checksum && facts.version >= kFirstChecksumVersion)
    Log(LogLevel::kNotice, "RDB file was saved with checksum disabled: no check performed.");
  if (facts.module_parts > 0)
    Log(LogLevel::kWarning, fmt::format("{} parts of the RDB file are of modules, which Kiln has "
                                        "not: they were passed over",
                                        facts.module_parts));
}

// Any key may have changed.
void MarkAllWatched(Keyspace& keyspace) {
  for (size_t i = 0; i < kShardCount; ++i) {
    auto& watched = keyspace.shard(i).watched;
    if (watched == nullptr) continue;
    watched->ForEach([](const DbKey&, const auto& states) {
      for (const auto& state : states) state->dirty.store(true, std::memory_order_relaxed);
    });
  }
}

// Empty where the snapshot does not say.
std::optional<ReplicationPlace> PlaceOf(const RdbFacts& facts, int databases) {
  auto offset = ParseInt64(facts.Aux("repl-offset"));
  auto db = ParseInt64(facts.Aux("repl-stream-db"));
  std::string_view id = facts.Aux("repl-id");
  if (!IsReplicationId(id) || !offset || *offset < 0) return std::nullopt;
  if (!db || *db < 0 || *db >= databases) return std::nullopt;
  return ReplicationPlace{std::string(id), static_cast<uint64_t>(*offset), static_cast<int>(*db)};
}

}  // namespace

RdbLoadOptions Persistence::LoadOptions(bool is_alone) const {
  RdbLoadOptions options;
  options.threads = server_.workers();
  options.checks_sum =
      server_.settings().rdb_checksum && !server_.services().debug->skips_checksums;
  options.now_ms = static_cast<uint64_t>(NowMs());
  if (is_alone) return options;
  Gate& gate = server_.gate();
  size_t first_slot = server_.workers();
  options.enter = [&gate, first_slot](size_t thread) { gate.Enter(first_slot + thread); };
  options.leave = [&gate, first_slot](size_t thread) { gate.Leave(first_slot + thread); };
  return options;
}

RdbLoadResult Persistence::LoadFile(ByteSource& source, const RdbLoadOptions& options) {
  load_progress_.bytes = load_progress_.keys = load_progress_.expired_keys = 0;
  load_progress_.empty_keys = load_progress_.saved_memory_bytes = 0;
  load_started_us_ = NowUs();
  return LoadRdb(source, server_.keyspace(), server_.settings(), options, &load_progress_);
}

bool Persistence::TakeResult(const RdbLoadResult& result, bool replaces) {
  LogFacts(result.facts);
  std::string error = result.error;
  if (!error.empty()) {
    error = fmt::format("Error reading the RDB file at offset {}: {}", result.error_offset, error);
  } else if (!result.facts.functions.empty()) {
    error = server_.services().scripts->AddLibraries(result.facts.functions, replaces);
    if (!error.empty()) error = "Failed to load a function library of the RDB file: " + error;
  }
  if (!error.empty()) return Log(LogLevel::kWarning, error), false;
  std::string empty =
      load_progress_.empty_keys == 0
          ? ""
          : fmt::format(", empty keys skipped: {}", load_progress_.empty_keys.load());
  Log(LogLevel::kNotice,
      fmt::format("Done loading RDB, keys loaded: {}, keys expired: {}{}.",
                  load_progress_.keys.load(), load_progress_.expired_keys.load(), empty));
  return true;
}

// The base of an append-only file.
bool Persistence::LoadSnapshot(const std::string& path) {
  StoredFile source(&keys_);
  if (!source.Open(path)) {
    Log(LogLevel::kWarning,
        fmt::format("Fatal error: can't open the append log file {} for reading: {}", path,
                    std::strerror(errno)));
    return false;
  }
  RdbLoadOptions options = LoadOptions(true);
  options.drops_due = false;  // what follows counts on it
  return TakeResult(LoadFile(source, options), false);
}

bool Persistence::LoadAppendOnly() {
  load_started_us_ = NowUs();
  if (!server_.append_only().Load(server_.worker(0))) return false;
  Log(LogLevel::kNotice, fmt::format("DB loaded from append only file: {:.3f} seconds",
                                     static_cast<double>(NowUs() - load_started_us_) / 1e6));
  return true;
}

bool Persistence::LoadKeys() {
  std::string error = LoadAtRestKeys(server_.settings(), &keys_);
  if (!error.empty()) return Log(LogLevel::kWarning, error), false;
  if (keys_.current) {
    Log(LogLevel::kNotice, fmt::format("Snapshots and append-only files are encrypted with key {}",
                                       KeyIdText(keys_.current->id)));
  }
  TakeNewKey(server_.settings().dbfilename);
  return true;
}

void Persistence::TakeNewKey(const std::string& path) const {
  if (!keys_.current || !keys_.old || !IsCipherFile(path)) return;
  std::string error = RewrapCipherFile(path, *keys_.old, *keys_.current);
  if (!error.empty())
    return Log(LogLevel::kWarning, fmt::format("{} keeps the old key: {}", path, error));
  Log(LogLevel::kNotice,
      fmt::format("{} can be read with key {} alone", path, KeyIdText(keys_.current->id)));
}

bool Persistence::Load() {
  OnSettings();
  const Settings& settings = server_.settings();
  if (server_.protocol() == Protocol::kMemcache) return true;
  AppendOnly& append_only = server_.append_only();
  RemoveLeftovers(".", "");
  if (!LoadKeys() || !append_only.Prepare()) return false;
  if (settings.appendonly) {
    if (append_only.HasFiles() && !LoadAppendOnly()) return false;
    if (!append_only.Open()) return false;
    TellServiceManager("STATUS=Ready to accept connections\nREADY=1\n");
    return true;
  }
  auto source = std::make_unique<StoredFile>(&keys_);
  if (!source->Open(settings.dbfilename)) {
    if (errno == ENOENT) {
      TellServiceManager("STATUS=Ready to accept connections\nREADY=1\n");
      return true;
    }
    Log(LogLevel::kWarning, fmt::format("Fatal error: can't open the RDB file {} for reading: {}",
                                        settings.dbfilename, std::strerror(errno)));
    Log(LogLevel::kWarning, "Fatal error loading the DB, check server logs. Exiting.");
    return false;
  }
  if (keys_.current && !source->is_encrypted()) {
    Log(LogLevel::kWarning,
        fmt::format("The RDB file {} is not encrypted; the next one will be", settings.dbfilename));
  }
  uint64_t bytes = source->total_bytes();
  bool is_alone = bytes <= static_cast<uint64_t>(settings.loading_interval_bytes);
  RdbLoadOptions options = LoadOptions(is_alone);
  options.drops_due = options.notes_due = settings.replicaof.empty();
  if (!is_alone) {
    LoadInBackground(std::move(source), std::move(options),
                     [this](const RdbLoadResult& result) { OnLoaded(result); });
    return true;
  }
  options.threads = 1;
  OnLoaded(LoadFile(*source, options));
  return !has_failed_to_load_;
}

void Persistence::LoadInBackground(std::unique_ptr<ByteSource> source, RdbLoadOptions options,
                                   Loaded done) {
  load_progress_.total_bytes = source->total_bytes();
  is_loading_ = true;
  status_.loading_since_s = NowMs() / 1000;
  next_report_s_ = status_.loading_since_s + kReportS;
  UpdateDoubts();
  TellServiceManager("STATUS=Loading the databases\n");
  server_.gate().SetHelped(true);
  if (loader_.joinable()) loader_.join();  // it has been done for long
  loader_ = std::thread([this, source = std::shared_ptr(std::move(source)), options, done] {
    auto result = std::make_unique<RdbLoadResult>(LoadFile(*source, options));
    server_.worker(0).loop().mailbox().Post([this, done, result = std::move(result)] {
      server_.gate().Exclusive(0, [&] { done(*result); });
      server_.gate().SetHelped(false);
    });
  });
}

// ---- For a replica ----

void Persistence::DropAll() {
  StoreContext& context = server_.worker(0).context();
  for (int db = 0; db < server_.keyspace().databases(); ++db)
    server_.keyspace().Flush(db, false, context);
  server_.services().scripts->FlushLibraries();
  MarkAllWatched(server_.keyspace());
  context.changes->OnFlush();
}

void Persistence::LoadInPlace(Loaded done) {
  auto source = std::make_unique<StoredFile>(&keys_);
  if (!source->Open(server_.settings().dbfilename)) {
    RdbLoadResult result;
    result.error = std::strerror(errno);
    return done(result);
  }
  DropAll();
  server_.replication().ChangeId();  // what comes is of no history that is known yet
  RdbLoadOptions options = LoadOptions(false);
  options.drops_due = false;  // the primary says when they go
  LoadInBackground(std::move(source), std::move(options),
                   [this, done = std::move(done)](const RdbLoadResult& result) {
                     EndLoadInPlace(result, done);
                   });
}

void Persistence::EndLoadInPlace(RdbLoadResult result, const Loaded& done) {
  if (load_progress_.is_stopped) return;
  if (!TakeResult(result, true)) {
    if (result.error.empty()) result.error = "Its functions could not be loaded";
    DropAll();
  }
  is_loading_ = false;
  UpdateDoubts();
  done(result);
}

void Persistence::SetBeside(Beside how) {
  beside_ = how;
  status_.loading_since_s = NowMs() / 1000;
  UpdateDoubts();
}

RdbLoadOptions Persistence::LoadOptionsBeside() const {
  RdbLoadOptions options = LoadOptions(true);
  options.drops_due = false;
  return options;
}

std::string Persistence::Replace(Keyspace& keyspace, const RdbLoadResult& result,
                                 const RdbLoadProgress& progress) {
  load_progress_.keys = progress.keys.load();
  load_progress_.expired_keys = progress.expired_keys.load();
  load_progress_.empty_keys = progress.empty_keys.load();
  server_.services().scripts->FlushLibraries();
  if (!TakeResult(result, true)) return "Its functions could not be loaded";
  server_.keyspace().SwapContents(keyspace);
  MarkAllWatched(server_.keyspace());
  server_.worker(0).context().changes->OnFlush();
  return {};
}

void Persistence::EndLoading() {
  if (loader_.joinable()) loader_.join();
}

void Persistence::OnLoaded(const RdbLoadResult& result) {
  if (load_progress_.is_stopped) return;
  if (!TakeResult(result, false)) {
    has_failed_to_load_ = true;
    Log(LogLevel::kWarning, "Terminating server after rdb file reading failure.");
    Log(LogLevel::kWarning, "Fatal error loading the DB, check server logs. Exiting.");
    return server_.Shutdown();
  }
  double seconds = static_cast<double>(NowUs() - load_started_us_) / 1e6;
  Log(LogLevel::kNotice, fmt::format("DB loaded from disk: {:.3f} seconds", seconds));
  bool was_loading = is_loading_;
  if (was_loading) Log(LogLevel::kNotice, "Ready to accept connections tcp");
  is_loading_ = false;
  place_ = PlaceOf(result.facts, server_.keyspace().databases());
  due_keys_ = result.due_keys;
  if (was_loading) server_.replication().Start(place_);
  UpdateDoubts();
  TellServiceManager("STATUS=Ready to accept connections\nREADY=1\n");
}

void Persistence::ReportLoading() {
  int64_t now_s = NowMs() / 1000;
  if (now_s < next_report_s_) return;
  next_report_s_ = now_s + kReportS;
  auto done = static_cast<double>(load_progress_.bytes.load());
  auto total = static_cast<double>(std::max<uint64_t>(load_progress_.total_bytes, 1));
  auto elapsed_s = static_cast<double>(now_s - status_.loading_since_s);
  double left_s = done > 0 ? elapsed_s * (total - done) / done : 0;
  std::string text =
      fmt::format("Loading the databases: {:.0f}%, {} keys, about {:.0f} seconds left",
                  done * 100 / total, load_progress_.keys.load(), left_s);
  Log(LogLevel::kNotice, text);
  TellServiceManager("STATUS=" + text + "\n");
}

void Persistence::FlushAll() {
  StoreContext& context = server_.worker(0).context();
  for (int db = 0; db < server_.keyspace().databases(); ++db)
    server_.keyspace().Flush(db, true, context);
  server_.services().scripts->FlushLibraries();
}

std::string Persistence::ReloadAppendOnly(size_t worker) {
  constexpr char kFailed[] = "Error trying to load the AOF files, check server logs.";
  AppendOnly& append_only = server_.append_only();
  if (!append_only.BeginReload()) return kFailed;
  FlushAll();
  Dispatcher& dispatcher = server_.worker(worker).dispatcher();
  dispatcher.SetAlone(true);
  bool is_loaded = append_only.Load(server_.worker(worker));
  dispatcher.SetAlone(false);
  append_only.EndReload();
  if (!is_loaded) return kFailed;
  Log(LogLevel::kNotice, "Append Only File loaded by DEBUG LOADAOF");
  return {};
}

std::string Persistence::Reload(const ReloadOptions& options) {
  constexpr std::string_view kFailed = "Error trying to load the RDB dump, check server logs.";
  if (options.saves && !Save().empty()) return "The databases could not be saved";
  if (options.flushes) FlushAll();
  StoredFile source(&keys_);
  if (!source.Open(server_.settings().dbfilename)) {
    Log(LogLevel::kWarning, fmt::format("Can't open the RDB file {} for reading: {}",
                                        server_.settings().dbfilename, std::strerror(errno)));
    return std::string(kFailed);
  }
  RdbLoadOptions load = LoadOptions(true);
  load.replaces = options.replaces;
  if (!TakeResult(LoadFile(source, load), options.replaces)) return std::string(kFailed);
  Log(LogLevel::kNotice, "DB reloaded by DEBUG RELOAD");
  return {};
}

}  // namespace kiln
