// Reading an append-only file at the start.

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/byte_buffer.h"
#include "base/log.h"
#include "base/time.h"
#include "engine/persist/aof_check.h"
#include "engine/persist/cipher_file.h"
#include "engine/persist/rdb_loader.h"
#include "engine/server/append_only.h"
#include "engine/server/persistence.h"
#include "engine/server/replayer.h"
#include "engine/server/server.h"
#include "engine/server/worker.h"

namespace kiln {
namespace {

bool CantRead(const std::string& path, std::string_view why) {
  Log(LogLevel::kWarning, fmt::format("The AOF file {} can't be read: {}", path, why));
  return false;
}

}  // namespace

bool AppendOnly::Load(Worker& worker) {
  const std::vector<AofFile> files = manifest_.Files();
  for (size_t i = 0; i < files.size(); ++i) {
    int64_t started_us = NowUs();
    bool is_base = i == 0 && manifest_.base().has_value();
    bool is_last = i + 1 == files.size();
    uint64_t commands_at = 0;
    server_.persistence().TakeNewKey(Path(files[i].name));
    if (is_base && !LoadBase(files[i], &commands_at)) return false;
    if (commands_at != kNoCommands && !LoadCommands(worker, files[i], commands_at, is_last))
      return false;
    Log(LogLevel::kNotice,
        fmt::format("DB loaded from {} file {}: {:.3f} seconds", is_base ? "base" : "incr",
                    files[i].name, static_cast<double>(NowUs() - started_us) / 1e6));
  }
  return true;
}

bool AppendOnly::BeginReload() {
  if (!manifest_.base() || is_waiting_ || (log_ != nullptr && !log_->SyncAll())) return false;
  server_.UpdateJournaling(true);
  return true;
}

void AppendOnly::EndReload() {
  server_.UpdateJournaling();
}

bool AppendOnly::LoadBase(const AofFile& file, uint64_t* commands_at) {
  constexpr std::string_view kMagic = "REDIS";
  std::string path = Path(file.name);
  StoredFile source(&server_.persistence().keys());
  if (!source.Open(path)) return CantRead(path, std::strerror(errno));
  char magic[kMagic.size()] = {};
  size_t got = 0;
  if (std::string error = source.Read(magic, sizeof(magic), &got); !error.empty())
    return CantRead(path, error);
  *commands_at = 0;
  if (std::string_view(magic, got) != kMagic) return true;
  Log(LogLevel::kNotice, "Reading RDB base file on AOF loading...");
  if (!server_.persistence().LoadSnapshot(path)) return false;
  // Redis 4 to 6 went on with commands behind the snapshot.
  uint64_t snapshot_bytes = server_.persistence().load_progress().bytes;
  bool goes_on = !source.is_encrypted() && source.total_bytes() > snapshot_bytes;
  *commands_at = goes_on ? snapshot_bytes : kNoCommands;
  return true;
}

bool AppendOnly::LoadCommands(Worker& worker, const AofFile& file, uint64_t at, bool is_last) {
  constexpr size_t kReadBytes = size_t{1} << 20;
  std::string path = Path(file.name);
  StoredFile source(&server_.persistence().keys());
  if (!source.Open(path)) return CantRead(path, std::strerror(errno));
  Replayer replayer(worker);
  ByteBuffer input;
  uint64_t size = 0;
  while (replayer.error().empty()) {
    size_t got = 0;
    size_t wanted = size < at ? std::min<uint64_t>(at - size, kReadBytes) : kReadBytes;
    std::string error = source.Read(input.Reserve(kReadBytes), wanted, &got);
    if (!error.empty()) return CantRead(path, error);
    if (got == 0) break;
    size += got;
    if (size <= at) continue;  // the snapshot
    input.Commit(got);
    input.Consume(replayer.Feed(input.view()));
  }
  if (!replayer.error().empty()) {
    Log(LogLevel::kWarning,
        fmt::format("Bad file format reading the append only file {}: {} at offset {}. Make a "
                    "backup of your AOF file, then use kiln-check --fix <filename.manifest>",
                    path, replayer.error(), at + replayer.bytes()));
    return false;
  }
  uint64_t whole_bytes = at + replayer.whole_bytes();
  bool is_whole = whole_bytes == size && source.cut_bytes() == 0;
  return is_whole || EndIncrement(path, source, whole_bytes, size, is_last);
}

// The file ends in the middle of a command or a transaction.
bool AppendOnly::EndIncrement(const std::string& path, const StoredFile& source,
                              uint64_t whole_bytes, uint64_t size, bool is_last) {
  if (!is_last) {
    Log(LogLevel::kWarning, "Fatal error: the truncated file is not the last file");
    return false;
  }
  if (!server_.settings().aof_load_truncated) {
    Log(LogLevel::kWarning,
        fmt::format("Unexpected end of file reading the append only file {}. You can: 1) Make a "
                    "backup of your AOF file, then use kiln-check --fix <filename.manifest>. 2) "
                    "Alternatively you can set the 'aof-load-truncated' configuration option to "
                    "yes and restart the server.",
                    path));
    return false;
  }
  Log(LogLevel::kWarning, fmt::format("!!! Warning: short read while loading the AOF file {}!!! "
                                      "AOF loaded anyway because aof-load-truncated is enabled",
                                      path));
  Log(LogLevel::kWarning,
      fmt::format("!!! Truncating the AOF {} from {} to {} bytes !!!", path, size, whole_bytes));
  const AtRestKeys& keys = server_.persistence().keys();
  std::string error = CutAof(path, source, size, whole_bytes, keys);
  if (error.empty()) return true;
  Log(LogLevel::kWarning, fmt::format("Error truncating the AOF file {}: {}", path, error));
  return false;
}

}  // namespace kiln
