#include "engine/server/append_only.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/log.h"
#include "base/time.h"
#include "base/whole_file.h"
#include "engine/persist/leftovers.h"
#include "engine/server/background_save.h"
#include "engine/server/persistence.h"
#include "engine/server/replication.h"
#include "engine/server/server.h"
#include "engine/server/worker.h"

namespace kiln {
namespace {

constexpr int kAppend = O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC;

bool Exists(const std::string& path) {
  struct stat status;
  return stat(path.c_str(), &status) == 0;
}

uint64_t SizeOf(const std::string& path) {
  struct stat status;
  return stat(path.c_str(), &status) == 0 ? static_cast<uint64_t>(status.st_size) : 0;
}

bool SyncFolder(const std::string& path) {
  int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  bool is_fine = fd >= 0 && fsync(fd) == 0;
  if (fd >= 0) close(fd);
  return is_fine;
}

// Its own name must last as well, whoever made it.
bool MakeFolder(const std::string& path) {
  return (mkdir(path.c_str(), 0755) == 0 || errno == EEXIST) && SyncFolder(".");
}

bool Warn(std::string_view what, const std::string& path) {
  Log(LogLevel::kWarning, fmt::format("{} {}: {}", what, path, std::strerror(errno)));
  return false;
}

int64_t NowS() {
  return NowMs() / 1000;
}

}  // namespace

AppendOnly::AppendOnly(Server& server) : server_(server), manifest_("") {}

AppendOnly::~AppendOnly() = default;

// ---- The start ----

bool AppendOnly::Prepare() {
  const Settings& settings = server_.settings();
  folder_ = settings.appenddirname;
  manifest_ = AofManifest(settings.appendfilename);
  if (settings.appendonly) RemoveLeftovers(folder_, manifest_.FileName());
  std::string path = Path(manifest_.FileName());
  std::string text;
  // What is there is known even while it is not used: its numbers are taken.
  if (!Exists(path)) return !settings.appendonly || AdoptOldFile();
  if (!ReadWholeFile(path, &text))
    return Warn("Fatal error: can't open the AOF manifest file for reading:", path);
  int line = 0;
  std::string wrong = manifest_.Parse(text, &line);
  if (wrong.empty()) {
    if (!settings.appendonly) return true;
    RemoveHistory();
    return !IsUpgradeUnfinished() || MoveOldFile();
  }
  Log(LogLevel::kWarning, "*** FATAL AOF MANIFEST FILE ERROR ***");
  Log(LogLevel::kWarning, fmt::format("Reading the manifest file, at line {}", line));
  Log(LogLevel::kWarning, wrong);
  return false;
}

// The single file of older versions becomes the base.
bool AppendOnly::AdoptOldFile() {
  const std::string& name = server_.settings().appendfilename;
  if (!Exists(name) || SizeOf(name) == 0) return true;
  if (!MakeFolder(folder_)) return Warn("Can't open or create append-only dir", folder_);
  // As Redis names it: the old name, and the first number.
  AofManifest manifest(name);
  manifest.SetBase({name, 1}, 0);
  if (!WriteManifest(manifest)) return false;
  manifest_ = std::move(manifest);
  return MoveOldFile();
}

// The manifest tells already of the single file of older versions, which is still where it was.
bool AppendOnly::IsUpgradeUnfinished() const {
  const std::string& name = server_.settings().appendfilename;
  return manifest_.base() && manifest_.base()->name == name && !Exists(Path(name)) && Exists(name);
}

bool AppendOnly::MoveOldFile() {
  const std::string& name = server_.settings().appendfilename;
  if (rename(name.c_str(), Path(name).c_str()) != 0 || !SyncFolder(folder_) || !SyncFolder("."))
    return Warn("Error trying to move the old AOF file into dir", folder_);
  Log(LogLevel::kNotice,
      fmt::format("Successfully migrated an old-style AOF file ({}) into the AOF directory ({}).",
                  name, folder_));
  return true;
}

bool AppendOnly::WriteManifest(const AofManifest& manifest) {
  std::string path = Path(manifest.FileName());
  return ReplaceFile(path, manifest.Format()) || Warn("Can't write the AOF manifest file", path);
}

bool AppendOnly::Open() {
  const Settings& settings = server_.settings();
  if (!settings.appendonly) return true;
  policy_ = settings.appendfsync;
  if (!MakeFolder(folder_)) return Warn("Can't open or create append-only dir", folder_);
  if (!manifest_.base() && manifest_.increments().empty() && !WriteFirstBase()) return false;
  bool is_new = manifest_.increments().empty() || !CanGoOn(manifest_.increments().back());
  AofManifest manifest = manifest_;
  AofFile last = is_new ? manifest.AddIncrement() : manifest.increments().back();
  Log(LogLevel::kNotice, fmt::format("{} AOF incr file {} on server start",
                                     is_new ? "Creating" : "Opening", last.name));
  Increment opened;
  if (!OpenIncrement(last, is_new, &opened) || (is_new && !WriteManifest(manifest))) return false;
  manifest_ = std::move(manifest);
  status_.old_bytes = 0;
  for (const AofFile& file : manifest_.Files())
    status_.old_bytes += file == last ? 0 : SizeOf(Path(file.name));
  status_.base_bytes = status_.old_bytes + opened.size;
  log_ = MakeLog(std::move(opened));
  BeginDatabase();
  server_.SetJournaling(JournalUser::kFile, true);
  status_.is_scheduled = HasPlainFile();
  return true;
}

bool AppendOnly::WriteFirstBase() {
  AofFile base = manifest_.NextBase(true);
  Log(LogLevel::kNotice, fmt::format("Creating AOF base file {} on server start", base.name));
  Keyspace& keyspace = server_.keyspace();
  RdbSaveOptions options = server_.persistence().SaveOptions();
  options.is_aof_base = true;
  std::string error = SaveRdbFile(
      Path(base.name), ContentsOf(keyspace), options,
      [&](RdbProducer& producer) { ProduceEntries(keyspace, producer); }, &progress_);
  if (!error.empty()) return Log(LogLevel::kWarning, error), false;
  manifest_.SetBase(std::move(base), 0);
  return true;
}

bool AppendOnly::Has(std::string_view parameter) const {
  return server_.parameters().ValueOf(*FindParameter(parameter)) == "yes";
}

std::unique_ptr<AofLog> AppendOnly::MakeLog(Increment opened) const {
  auto log = std::make_unique<AofLog>(server_.journal(), opened.fd, opened.size, policy_,
                                      std::move(opened.cipher));
  log->set_has_stamps(Has("aof-timestamp-enabled"));
  return log;
}

// What is encrypted does not go on plain, and the other way round.
bool AppendOnly::CanGoOn(const AofFile& file) const {
  std::string path = Path(file.name);
  return SizeOf(path) == 0 ||
         IsCipherFile(path) == server_.persistence().keys().current.has_value();
}

bool AppendOnly::HasPlainFile() const {
  if (!server_.persistence().keys().current) return false;
  const std::vector<AofFile> files = manifest_.Files();
  bool found = std::any_of(files.begin(), files.end(), [this](const AofFile& file) {
    std::string path = Path(file.name);
    return SizeOf(path) > 0 && !IsCipherFile(path);
  });
  if (found) Log(LogLevel::kWarning, "Not all append-only files are encrypted: rewriting them");
  return found;
}

bool AppendOnly::OpenIncrement(const AofFile& file, bool is_new, Increment* opened) {
  const AtRestKeys& keys = server_.persistence().keys();
  std::string path = Path(file.name);
  // A file of this name that no manifest knows is of a start that was not finished.
  opened->fd = open(path.c_str(), is_new ? kAppend | O_TRUNC : kAppend, 0644);
  if (opened->fd < 0) return Warn("Can't open the append-only file", path);
  opened->size = SizeOf(path);
  std::string error;
  if (opened->size > 0 && IsCipherFile(path)) {
    opened->cipher = CipherLog::Continue(path, &keys, &error);
  } else if (opened->size == 0 && keys.current) {
    opened->cipher = CipherLog::Start(opened->fd, *keys.current, &error);
    opened->size = kCipherHeaderBytes;
  }
  if (!SyncFolder(folder_)) Warn("Fail to fsync AOF directory", folder_);
  if (error.empty()) return true;
  close(opened->fd);
  Log(LogLevel::kWarning, fmt::format("Can't open the append-only file {}: {}", path, error));
  return false;
}

void AppendOnly::Close() {
  log_.reset();
}

// ---- While it runs ----

bool AppendOnly::WriteOut() {
  if (log_ == nullptr) return true;
  bool is_written = log_->WriteOut();
  bool is_fine = log_->is_fine();
  if (was_fine_.load(std::memory_order_relaxed) != is_fine) [[unlikely]] {
    was_fine_.store(is_fine, std::memory_order_relaxed);
    server_.persistence().UpdateDoubts();
  }
  return is_written || policy_ != SyncPolicy::kAlways;
}

std::string AppendOnly::OnSettings() {
  const Settings& settings = server_.settings();
  policy_ = settings.appendfsync;
  if (log_ != nullptr) {
    log_->set_policy(policy_);
    log_->set_has_stamps(Has("aof-timestamp-enabled"));
    RemoveHistory();
  }
  if (settings.appendonly && log_ == nullptr) return Start();
  if (!settings.appendonly && log_ != nullptr) Stop();
  return {};
}

// From here on changes are written; the files count from when the base is there too.
std::string AppendOnly::Start() {
  constexpr char kCannot[] = "Unable to turn on AOF. Check server logs.";
  if (!MakeFolder(folder_)) return Warn("Can't open or create append-only dir", folder_), kCannot;
  AofManifest manifest = manifest_;
  AofFile file = manifest.AddIncrement();
  Increment opened;
  if (!OpenIncrement(file, true, &opened)) return kCannot;
  manifest_ = std::move(manifest);
  log_ = MakeLog(std::move(opened));
  BeginDatabase();
  server_.SetJournaling(JournalUser::kFile, true);
  is_waiting_ = true;
  ++life_;
  if (MustWait()) {
    status_.is_scheduled = true;
    Log(LogLevel::kNotice,
        "AOF was enabled: an AOF background was scheduled to start when possible");
  } else {
    LaunchRewrite();
  }
  return {};
}

// A file begins: what comes first in it must say for which database it is. A replica's journal is
// its primary's, to which nothing can be added.
void AppendOnly::BeginDatabase() {
  Journal& journal = server_.journal();
  if (!server_.replication().IsReplica()) return journal.ForgetDatabase();
  if (journal.database() >= 0) (void)log_->WriteSelect(journal.database());
}

void AppendOnly::PauseForLoad() {
  if (log_ != nullptr) Stop();
}

void AppendOnly::ResumeAfterLoad() {
  server_.gate().Exclusive(0, [&] {
    if (!server_.settings().appendonly || log_ != nullptr) return;
    if (std::string error = Start(); !error.empty()) Log(LogLevel::kWarning, error);
  });
}

// Nor may a cut be in the middle of a transaction: what that has changed already would be in the
// cut, and once more in what follows on it.
bool AppendOnly::MustWait() const {
  bool is_within_unit = false;
  for (size_t i = 0; i < server_.workers(); ++i)
    is_within_unit = is_within_unit || server_.worker(i).journal_unit().HasEntries();
  return is_within_unit || server_.background_save().is_running();
}

void AppendOnly::Stop() {
  ++life_;
  is_waiting_ = false;
  if (status_.is_rewriting) server_.background_save().Abandon();
  status_.is_scheduled = false;
  (void)log_->WriteOut();
  server_.SetJournaling(JournalUser::kFile, false);
  log_.reset();
  status_.old_bytes = 0;
}

std::string AppendOnly::StartRewrite(bool* scheduled) {
  if (status_.is_rewriting) return "Background append only file rewriting already in progress";
  if (*scheduled || MustWait()) {
    *scheduled = status_.is_scheduled = true;
    return {};
  }
  status_.is_scheduled = false;
  constexpr char kFailed[] =
      "Can't execute an AOF background rewriting. Please check the server logs "
      "for more information.";
  if (!MakeFolder(folder_)) return Warn("Can't open or create append-only dir", folder_), kFailed;
  if (log_ != nullptr) {
    AofManifest manifest = manifest_;
    AofFile file = manifest.AddIncrement();
    Log(LogLevel::kNotice,
        fmt::format("Creating AOF incr file {} on background rewrite", file.name));
    Increment opened;
    if (!OpenIncrement(file, true, &opened)) return kFailed;
    // Without a base nothing counts yet, nor behind a hole. What comes before a file that counts
    // has to be on the disk: only the last one may be cut off.
    bool counts = !is_waiting_ && !log_->has_hole();
    uint64_t before = TotalBytes();
    if ((counts && (!log_->SyncAll() || !WriteManifest(manifest))) ||
        !log_->SwitchTo(opened.fd, opened.size, std::move(opened.cipher))) {
      bool is_unknown = !counts || WriteManifest(manifest_);
      close(opened.fd);
      if (is_unknown) unlink(Path(file.name).c_str());
      return kFailed;
    }
    manifest_ = std::move(manifest);
    status_.old_bytes = before;
    BeginDatabase();
  }
  LaunchRewrite();
  return {};
}

// At the beginning of an increment.
void AppendOnly::LaunchRewrite() {
  ++status_.rewrites;
  status_.is_rewriting = true;
  status_.rewriting_since_s = NowS();
  RdbSaveOptions options = server_.persistence().SaveOptions();
  options.is_aof_base = true;
  std::string temporary = Path(fmt::format("temp-rewriteaof-bg-{}.aof", getpid()));
  Log(LogLevel::kNotice,
      fmt::format("Background append only file rewriting started by pid {}", getpid()));
  server_.background_save().Start(
      temporary, std::move(options), &progress_,
      [this, temporary, life = life_](const std::string& error) {
        // What was begun in another life does not fit what is written now.
        EndRewrite(temporary, life == life_ ? error : std::string(kSnapshotAbandoned));
      });
}

void AppendOnly::EndRewrite(const std::string& temporary, const std::string& error) {
  status_.is_rewriting = false;
  status_.last_rewrite_took_s = NowS() - status_.rewriting_since_s;
  AofManifest manifest = manifest_;
  AofFile base = manifest.NextBase(true);
  std::string path = Path(base.name);
  manifest.SetBase(base, log_ == nullptr ? 0 : 1);
  bool is_fine = error.empty();
  if (!is_fine) Log(LogLevel::kWarning, "Background AOF rewrite terminated with error: " + error);
  if (is_fine && rename(temporary.c_str(), path.c_str()) != 0)
    is_fine = Warn("Error trying to rename the temporary AOF base file into", path);
  is_fine = is_fine && SyncFolder(folder_) && WriteManifest(manifest);
  NoteRewrite(is_fine, error == kSnapshotAbandoned);
  if (!is_fine) {
    unlink(temporary.c_str());
    return;
  }
  is_waiting_ = false;
  if (log_ != nullptr && log_->has_hole()) log_->ForgetHole();
  manifest_ = std::move(manifest);
  RemoveHistory();
  status_.old_bytes = SizeOf(path);
  status_.base_bytes = TotalBytes();
  Log(LogLevel::kNotice, "Background AOF rewrite finished successfully");
}

void AppendOnly::NoteRewrite(bool is_fine, bool was_abandoned) {
  status_.is_last_rewrite_fine = is_fine;
  if (!was_abandoned && limit_.Note(is_fine, NowS())) {
    Log(LogLevel::kWarning,
        fmt::format("Background AOF rewrite has repeatedly failed and triggered "
                    "the limit, will retry in {} minutes",
                    limit_.wait_min()));
  }
  // An increment that counts only when there is a new base.
  if (!is_fine && log_ != nullptr && (is_waiting_ || log_->has_hole())) status_.is_scheduled = true;
}

void AppendOnly::RemoveHistory() {
  if (manifest_.history().empty() || Has("aof-disable-auto-gc")) return;
  for (const AofFile& file : manifest_.history()) {
    Log(LogLevel::kNotice,
        fmt::format("Removing the history file {} in the background", file.name));
    unlink(Path(file.name).c_str());
  }
  manifest_.ForgetHistory();
  (void)WriteManifest(manifest_);
}

void AppendOnly::OnTick() {
  if (log_ != nullptr && !log_->is_fine()) (void)WriteOut();
  if (status_.is_rewriting) return;
  const Settings& settings = server_.settings();
  bool is_due = status_.is_scheduled;
  if (!limit_.Allows(NowS())) return;
  if (log_ != nullptr && settings.auto_aof_rewrite_percentage > 0) {
    uint64_t total = TotalBytes();
    uint64_t base = std::max<uint64_t>(status_.base_bytes, 1);
    bool has_grown =
        total > base &&
        (total - base) * 100 / base >= static_cast<uint64_t>(settings.auto_aof_rewrite_percentage);
    if (has_grown && total > static_cast<uint64_t>(settings.auto_aof_rewrite_min_bytes)) {
      is_due = true;
      Log(LogLevel::kNotice, fmt::format("Starting automatic rewriting of AOF on {}% growth",
                                         (total - base) * 100 / base));
    }
  }
  if (!is_due) return;
  server_.gate().Exclusive(0, [&] {
    bool scheduled = false;
    if (!StartRewrite(&scheduled).empty()) NoteRewrite(false, false);
  });
}

}  // namespace kiln
