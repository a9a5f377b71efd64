// memcached's -e: items that outlive a graceful shutdown.
//
// The file is removed once it is read: a server that is killed later must not come back with what
// it held long ago. A file that is refused stays where it is, until the next graceful shutdown
// takes its place.

#include <fmt/format.h>
#include <unistd.h>

#include "base/log.h"
#include "base/time.h"
#include "engine/persist/warm_file.h"
#include "engine/server/server.h"

namespace kiln {

void Server::LoadItems() {
  const std::string& path = settings().memcache.memory_file;
  if (path.empty() || ::access(path.c_str(), F_OK) != 0) return;
  StoreContext& context = workers_[0]->context();
  context.SetTime(static_cast<uint64_t>(NowMs()));
  WarmState state;
  WarmResult result = LoadWarmFile(
      keyspace_, context, path, [&] { return MakeRoom(context); }, &state);
  if (!result.error.empty()) {
    return Log(
        LogLevel::kWarning,
        fmt::format("The memory file {} is not used, the start is cold: {}", path, result.error));
  }
  flush_at_ms_ = state.flush_at_ms;
  unlink(path.c_str());
  Log(LogLevel::kNotice, fmt::format("Loaded {} items from the memory file ({} MB)", result.items,
                                     result.bytes >> 20));
}

void Server::SaveItems() {
  const std::string& path = settings().memcache.memory_file;
  if (path.empty() || !keeps_items_.load()) return;
  StoreContext& context = workers_[0]->context();
  context.SetTime(static_cast<uint64_t>(NowMs()));
  WarmResult result = SaveWarmFile(keyspace_, context, {0, flush_at_ms_}, path);
  if (!result.error.empty()) {
    return Log(LogLevel::kWarning,
               fmt::format("The items are lost: memory file {}: {}", path, result.error));
  }
  Log(LogLevel::kNotice,
      fmt::format("Saved {} items to the memory file ({} MB)", result.items, result.bytes >> 20));
}

}  // namespace kiln
