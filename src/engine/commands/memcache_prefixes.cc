#include "engine/commands/memcache_prefixes.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/commands/memcache_log.h"

namespace kiln {
namespace {

// As it is, but for what could end a word or a line: keys of the binary protocol may hold anything.
std::string Shown(std::string_view prefix) {
  bool is_plain = std::all_of(prefix.begin(), prefix.end(),
                              [](char c) { return static_cast<uint8_t>(c) > ' ' && c != 0x7f; });
  return is_plain ? std::string(prefix) : EncodedKey(prefix);
}

}  // namespace

PrefixCounts::Counts* PrefixCounts::Find(std::string_view key) {
  size_t end = key.find(delimiter_);
  if (end == std::string_view::npos) return nullptr;
  std::string_view prefix = key.substr(0, end);
  auto found = counts_.find(prefix);
  if (found != counts_.end()) return &found->second;
  if (counts_.size() >= kMaxPrefixes) return nullptr;
  return &counts_[std::string(prefix)];
}

void PrefixCounts::CountGet(std::string_view key, bool is_hit) {
  std::lock_guard lock(mutex_);
  Counts* counts = Find(key);
  if (counts == nullptr) return;
  ++counts->gets;
  counts->hits += is_hit ? 1 : 0;
}

void PrefixCounts::CountSet(std::string_view key) {
  std::lock_guard lock(mutex_);
  if (Counts* counts = Find(key)) ++counts->sets;
}

void PrefixCounts::CountDelete(std::string_view key) {
  std::lock_guard lock(mutex_);
  if (Counts* counts = Find(key)) ++counts->deletes;
}

void PrefixCounts::Clear() {
  std::lock_guard lock(mutex_);
  counts_.clear();
}

std::string PrefixCounts::Dump() {
  std::lock_guard lock(mutex_);
  std::string text;
  for (const auto& [prefix, counts] : counts_) {
    text += fmt::format("PREFIX {} get {} hit {} set {} del {}\r\n", Shown(prefix), counts.gets,
                        counts.hits, counts.sets, counts.deletes);
  }
  return text;
}

}  // namespace kiln
