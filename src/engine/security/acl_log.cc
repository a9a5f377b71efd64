#include "engine/security/acl_log.h"

#include <algorithm>

namespace kiln {
namespace {

constexpr int64_t kAlikeWithinMs = 60000;
constexpr size_t kEntriesToCompare = 10;

bool IsAlike(const AclLogEntry& a, const AclLogEntry& b) {
  return a.reason == b.reason && a.context == b.context && a.object == b.object && a.user == b.user;
}

}  // namespace

void AclLog::Add(AclLogEntry entry, int64_t now_ms, size_t max_entries) {
  counts_[static_cast<size_t>(entry.reason)].fetch_add(1, std::memory_order_relaxed);
  std::lock_guard lock(mutex_);
  auto end =
      entries_.begin() + static_cast<ptrdiff_t>(std::min(entries_.size(), kEntriesToCompare));
  auto same = std::find_if(entries_.begin(), end, [&](const AclLogEntry& old) {
    return IsAlike(old, entry) && std::abs(now_ms - old.updated_ms) <= kAlikeWithinMs;
  });
  if (same != end) {
    same->client = std::move(entry.client);
    same->updated_ms = now_ms;
    ++same->count;
    std::rotate(entries_.begin(), same, same + 1);
    return;
  }
  entry.id = next_id_++;
  entry.created_ms = entry.updated_ms = now_ms;
  entries_.push_front(std::move(entry));
  if (entries_.size() > max_entries) entries_.resize(max_entries);
}

std::vector<AclLogEntry> AclLog::Newest(size_t count) const {
  std::lock_guard lock(mutex_);
  count = std::min(count, entries_.size());
  return {entries_.begin(), entries_.begin() + static_cast<ptrdiff_t>(count)};
}

void AclLog::Clear() {
  std::lock_guard lock(mutex_);
  entries_.clear();
}

}  // namespace kiln
