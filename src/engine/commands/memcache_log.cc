#include "engine/commands/memcache_log.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/number.h"
#include "base/time.h"

namespace kiln {

bool MemcacheLog::Add(ClientHandle who, uint32_t kinds) {
  std::lock_guard lock(mutex_);
  auto found = std::find_if(watchers_.begin(), watchers_.end(),
                            [&](const Watcher& watcher) { return watcher.who == who; });
  if (found != watchers_.end()) {
    found->kinds = kinds;
  } else if (watchers_.size() < kMaxWatchers) {
    watchers_.push_back({who, kinds});
  } else {
    return false;
  }
  NoteWanted();
  return true;
}

void MemcacheLog::Remove(ClientHandle who) {
  std::lock_guard lock(mutex_);
  std::erase_if(watchers_, [&](const Watcher& watcher) { return watcher.who == who; });
  NoteWanted();
}

size_t MemcacheLog::size() {
  std::lock_guard lock(mutex_);
  return watchers_.size();
}

void MemcacheLog::SetCounting(bool on) {
  std::lock_guard lock(mutex_);
  is_counting_ = on;
  NoteWanted();
}

void MemcacheLog::SetEvents(bool on) {
  std::lock_guard lock(mutex_);
  has_events_ = on;
  NoteWanted();
}

void MemcacheLog::NoteWanted() {
  uint32_t wanted = is_counting_ ? kWatchFetchers | kWatchMutations | kWatchDeletions : 0u;
  if (has_events_) wanted |= kWatchMutations;
  for (const Watcher& watcher : watchers_) wanted |= watcher.kinds;
  wanted_.store(wanted, std::memory_order_relaxed);
}

void MemcacheLog::Write(ClientHub& clients, uint32_t kind, std::string_view text) {
  std::lock_guard lock(mutex_);
  auto now_us = static_cast<uint64_t>(NowUs());
  auto line = std::make_shared<const std::string>(fmt::format(
      "ts={}.{} gid={} {}\n", now_us / 1000000, now_us % 1000000, ++last_number_, text));
  for (const Watcher& watcher : watchers_) {
    if ((watcher.kinds & kind) != 0) clients.Send(watcher.who, line);
  }
}

std::string EncodedKey(std::string_view key) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string text;
  for (char c : key) {
    auto byte = static_cast<uint8_t>(c);
    bool is_plain = (byte >= '0' && byte <= '9') ||
                    ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z') ||
                    std::string_view("-._~").find(c) != std::string_view::npos;
    if (is_plain) {
      text += c;
    } else {
      text += '%';
      text += kHex[byte >> 4];
      text += kHex[byte & 15];
    }
  }
  return text;
}

void LogFetch(Call& call, std::string_view key, const Record* record) {
  char scratch[kMaxInt64Chars];
  bool is_found = IsString(record);
  MemcacheLog& log = *call.services.memcache_log;
  if (log.is_counting()) log.prefixes().CountGet(key, is_found);
  size_t bytes = is_found ? Db::StringOf(record, scratch).size() : 0;
  log.Write(*call.services.clients, kWatchFetchers,
            fmt::format("type=item_get key={} status={} clsid={} cfd={} size={}", EncodedKey(key),
                        is_found ? "found" : "not_found", is_found ? 1 : 0, call.client.fd, bytes));
}

void LogStore(Call& call, const ItemStore& item, ItemResult result) {
  constexpr std::string_view kResults[] = {"stored",     "not_stored", "exists",   "not_found",
                                           "not_stored", "too_large",  "no_memory"};
  constexpr std::string_view kModes[] = {"set", "add", "replace", "append", "prepend", "cas"};
  MemcacheLog& log = *call.services.memcache_log;
  if (log.is_counting()) log.prefixes().CountSet(item.key.text);
  bool is_whole = item.mode != StoreMode::kAppend && item.mode != StoreMode::kPrepend;
  if (is_whole && result == ItemResult::kDone) call.db.Notify(kEventString, "set", item.key.text);
  uint64_t left_ms = item.expiry_ms == kNoExpiry || item.expiry_ms < call.now_ms()
                         ? 0
                         : item.expiry_ms - call.now_ms();
  log.Write(*call.services.clients, kWatchMutations,
            fmt::format("type=item_store key={} status={} cmd={} ttl={} clsid=1 cfd={} size={}",
                        EncodedKey(item.key.text), kResults[static_cast<size_t>(result)],
                        kModes[static_cast<size_t>(item.mode)], (left_ms + 999) / 1000,
                        call.client.fd, item.value.size()));
}

void LogDelete(Call& call, std::string_view key, std::string_view verb, bool was_there) {
  MemcacheLog& log = *call.services.memcache_log;
  if (log.is_counting()) log.prefixes().CountDelete(key);
  if (was_there)
    log.Write(*call.services.clients, kWatchDeletions,
              fmt::format("type=deleted key={} cmd={} clsid=1 cfd={} size=0", EncodedKey(key), verb,
                          call.client.fd));
}

void LogConnection(MemcacheLog& log, ClientHub& clients, const Client& client,
                   std::string_view reason) {
  size_t colon = client.address.rfind(':');
  bool is_unix = client.address.starts_with('/') || colon == std::string::npos;
  std::string_view address = client.address;
  log.Write(clients, kWatchConnections,
            fmt::format("type={} rip={} rport={} transport={}{}{} cfd={}",
                        reason.empty() ? "conn_new" : "conn_close",
                        is_unix ? "unix" : address.substr(0, colon),
                        is_unix ? "0" : address.substr(colon + 1), is_unix ? "local" : "tcp",
                        reason.empty() ? "" : " reason=", reason, client.fd));
}

}  // namespace kiln
