// Discovery: the texts that memcached's "config get" answers, with which ElastiCache's clients find
// the nodes of a cluster ("Auto Discovery").
//
// Whoever has the admin socket sets them; Kiln does not look into them. That of "cluster" is also
// what the item kItemKey holds, for clients from before "config get". Such an item is never stored:
// who looks for it and finds none gets the text, and one that a client stores there is removed
// again by Server::OnTick. Source: the page "Adding auto discovery to your client library" of
// https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/
//
// Thread safety: changed alone (with the Gate), read by any worker in its turn.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace kiln {

class Discovery {
 public:
  static constexpr std::string_view kItemKey = "AmazonElastiCache:cluster";
  // The parser (protocol/memcache) bounds a text's length.
  static constexpr size_t kMaxEntries = 16;

  struct Entry {
    uint32_t flags = 0;
    std::string text;
  };

  const Entry* Find(std::string_view key) const {
    auto found = entries_.find(key);
    return found == entries_.end() ? nullptr : &found->second;
  }
  // What kItemKey holds; null when nothing was set.
  const Entry* Item() const { return Find("cluster"); }
  // False when there are kMaxEntries others.
  bool Set(std::string_view key, uint32_t flags, std::string_view text) {
    if (entries_.size() >= kMaxEntries && Find(key) == nullptr) return false;
    entries_.insert_or_assign(std::string(key), Entry{flags, std::string(text)});
    return true;
  }
  bool Delete(std::string_view key) { return entries_.erase(std::string(key)) > 0; }
  size_t size() const { return entries_.size(); }

 private:
  std::map<std::string, Entry, std::less<>> entries_;
};

}  // namespace kiln
