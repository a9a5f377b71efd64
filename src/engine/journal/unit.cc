#include "engine/journal/unit.h"

namespace kiln {

void JournalUnit::Replay(int db, std::span<const std::string_view> words) {
  if (depth_ == 0) return journal_.Append(db, words);
  AppendCommand(&bytes_, words);
  entries_.push_back({db, bytes_.size()});
}

void JournalUnit::End(int db, std::span<const std::string_view> words) {
  if (entries_.empty() && depth_ == 1) {
    depth_ = 0;
    return journal_.Append(db, words);
  }
  Replay(db, words);
  End();
}

void JournalUnit::End(int db, std::string_view bytes) {
  if (entries_.empty() && depth_ == 1) {
    depth_ = 0;
    return journal_.Append({db, bytes});
  }
  bytes_ += bytes;
  entries_.push_back({db, bytes_.size()});
  End();
}

void JournalUnit::Append() {
  constexpr size_t kMaxKeptBytes = size_t{1} << 20;
  std::string_view rest = bytes_;
  size_t start = 0;
  std::vector<JournalEntry> entries;
  for (const Entry& entry : entries_) {
    entries.push_back({entry.db, rest.substr(start, entry.end - start)});
    start = entry.end;
  }
  journal_.Append(entries);
  entries_.clear();
  bytes_.clear();
  if (bytes_.capacity() > kMaxKeptBytes) std::string().swap(bytes_);
}

}  // namespace kiln
