#include "engine/journal/journal.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/number.h"

namespace kiln {
namespace {

constexpr std::string_view kMulti = "*1\r\n$5\r\nMULTI\r\n";
constexpr std::string_view kExec = "*1\r\n$4\r\nEXEC\r\n";

constexpr size_t kMaxHeaderBytes = kMaxInt64Chars + 3;  // a sign, the digits, and the line's end
constexpr size_t kLineEndBytes = 2;

// Not less than what EncodeCommand writes.
size_t RoomFor(std::span<const std::string_view> words) {
  size_t bytes = kMaxHeaderBytes + words.size() * (kMaxHeaderBytes + kLineEndBytes);
  for (std::string_view word : words) bytes += word.size();
  return bytes;
}

char* EncodeHeader(char* out, char sigil, size_t number) {
  *out++ = sigil;
  if (number < 10) [[likely]] {
    *out++ = static_cast<char>('0' + number);
  } else if (number < 100) {
    *out++ = static_cast<char>('0' + number / 10);
    *out++ = static_cast<char>('0' + number % 10);
  } else {
    out += FormatInt64(static_cast<int64_t>(number), out);
  }
  std::memcpy(out, "\r\n", kLineEndBytes);
  return out + kLineEndBytes;
}

// Returns where it ended.
char* EncodeCommand(char* out, std::span<const std::string_view> words) {
  out = EncodeHeader(out, '*', words.size());
  for (std::string_view word : words) {
    out = EncodeHeader(out, '$', word.size());
    word.copy(out, word.size());
    std::memcpy(out + word.size(), "\r\n", kLineEndBytes);
    out += word.size() + kLineEndBytes;
  }
  return out;
}

}  // namespace

void AppendCommand(std::string* out, std::span<const std::string_view> words) {
  size_t before = out->size();
  out->resize(before + RoomFor(words));
  char* end = EncodeCommand(out->data() + before, words);
  out->resize(static_cast<size_t>(end - out->data()));
}

Journal::~Journal() {
  KILN_CHECK(readers_.empty());
}

inline void Journal::Write(std::string_view bytes) {
  uint64_t end = end_.load(std::memory_order_relaxed);
  if (!blocks_.empty() && end + bytes.size() <= blocks_.back().start + kBlockBytes) [[likely]] {
    bytes.copy(blocks_.back().bytes.get() + (end - blocks_.back().start), bytes.size());
    return end_.store(end + bytes.size(), std::memory_order_release);
  }
  WriteAcrossBlocks(bytes);
}

void Journal::Append(std::span<const JournalEntry> entries) {
  if (entries.empty()) return;
  std::lock_guard<ShardLock> lock(mutex_);
  if (entries[0].db != db_) WriteSelect(entries[0].db);
  if (entries.size() > 1) Write(kMulti);
  for (const JournalEntry& entry : entries) {
    if (entry.db != db_) WriteSelect(entry.db);
    Write(entry.bytes);
  }
  if (entries.size() > 1) Write(kExec);
  changes_end_.store(end_.load(std::memory_order_relaxed), std::memory_order_release);
}

void Journal::Append(const JournalEntry& entry) {
  std::lock_guard<ShardLock> lock(mutex_);
  if (entry.db != db_) [[unlikely]]
    WriteSelect(entry.db);
  Write(entry.bytes);
  changes_end_.store(end_.load(std::memory_order_relaxed), std::memory_order_release);
}

void Journal::Append(int db, std::span<const std::string_view> words) {
  size_t room = RoomFor(words);
  std::lock_guard<ShardLock> lock(mutex_);
  if (db != db_) [[unlikely]]
    WriteSelect(db);
  uint64_t end = end_.load(std::memory_order_relaxed);
  if (blocks_.empty() || end + room > blocks_.back().start + kBlockBytes) [[unlikely]] {
    std::string bytes;
    AppendCommand(&bytes, words);
    Write(bytes);
    end = end_.load(std::memory_order_relaxed);
  } else {
    char* place = blocks_.back().bytes.get() + (end - blocks_.back().start);
    end += static_cast<uint64_t>(EncodeCommand(place, words) - place);
    end_.store(end, std::memory_order_release);
  }
  changes_end_.store(end, std::memory_order_release);
}

void Journal::AppendVerbatim(std::string_view bytes, int db) {
  std::lock_guard<ShardLock> lock(mutex_);
  Write(bytes);
  db_ = db;
  changes_end_.store(end_.load(std::memory_order_relaxed), std::memory_order_release);
}

void Journal::AppendNote(std::string_view bytes) {
  std::lock_guard<ShardLock> lock(mutex_);
  Write(bytes);
}

int Journal::database() const {
  std::lock_guard<ShardLock> lock(mutex_);
  return db_;
}

uint64_t Journal::begin() const {
  std::lock_guard<ShardLock> lock(mutex_);
  return reclaimed_;
}

Journal::Readers Journal::readers() const {
  std::lock_guard<ShardLock> lock(mutex_);
  Readers readers{readers_.size(), 0};
  for (const Reader* reader : readers_) readers.lag = std::max(readers.lag, reader->lag());
  return readers;
}

void Journal::Restart(uint64_t offset, int db) {
  std::lock_guard<ShardLock> lock(mutex_);
  for (Reader* reader : readers_) reader->is_lost_ = true;
  readers_.clear();
  blocks_.clear();
  block_count_ = spare_.bytes == nullptr ? 0 : 1;
  reclaimed_ = offset;
  end_.store(offset, std::memory_order_release);
  db_ = db;
}

void Journal::ForgetDatabase() {
  std::lock_guard<ShardLock> lock(mutex_);
  db_ = -1;
}

void Journal::WriteSelect(int db) {
  std::string bytes;
  std::string_view words[] = {"SELECT", {}};
  char digits[kMaxInt64Chars];
  words[1] = {digits, FormatInt64(db, digits)};
  AppendCommand(&bytes, words);
  Write(bytes);
  db_ = db;
}

void Journal::WriteAcrossBlocks(std::string_view bytes) {
  uint64_t end = end_.load(std::memory_order_relaxed);
  while (!bytes.empty()) {
    if (blocks_.empty() || end == blocks_.back().start + kBlockBytes) {
      Reclaim();
      blocks_.push_back(TakeBlock(end));
    }
    Block& block = blocks_.back();
    size_t at = end - block.start;
    size_t count = std::min(bytes.size(), kBlockBytes - at);
    std::memcpy(block.bytes.get() + at, bytes.data(), count);
    bytes.remove_prefix(count);
    end += count;
  }
  end_.store(end, std::memory_order_release);
}

Journal::Block Journal::TakeBlock(uint64_t start) {
  Block block = std::move(spare_);
  spare_ = {};
  if (block.bytes == nullptr) {
    block.bytes = std::make_unique_for_overwrite<char[]>(kBlockBytes);
    block_count_.fetch_add(1);
  }
  block.start = start;
  return block;
}

// Lets go of the blocks that no reader and no backlog needs.
void Journal::Reclaim() {
  uint64_t end = end_.load(std::memory_order_relaxed);
  uint64_t backlog = backlog_bytes_.load(std::memory_order_relaxed);
  uint64_t needed = end - std::min(end, backlog);
  for (const Reader* reader : readers_) needed = std::min(needed, reader->offset());
  while (!blocks_.empty() && blocks_.front().start + kBlockBytes <= needed) {
    if (spare_.bytes == nullptr) {
      spare_ = std::move(blocks_.front());
    } else {
      block_count_.fetch_sub(1);
    }
    blocks_.pop_front();
  }
  reclaimed_ = blocks_.empty() ? end : std::max(reclaimed_, blocks_.front().start);
}

Journal::Reader::Reader(Journal& journal) : journal_(journal), offset_(0) {
  std::lock_guard<ShardLock> lock(journal_.mutex_);
  offset_ = journal_.end();
  journal_.readers_.insert(this);
}

Journal::Reader::Reader(Journal& journal, uint64_t offset) : journal_(journal), offset_(offset) {
  std::lock_guard<ShardLock> lock(journal_.mutex_);
  is_lost_ = offset < journal_.reclaimed_ || offset > journal_.end();
  if (is_lost_) return;
  journal_.readers_.insert(this);
}

Journal::Reader::~Reader() {
  std::lock_guard<ShardLock> lock(journal_.mutex_);
  journal_.readers_.erase(this);
  journal_.Reclaim();  // what was kept for this one alone
}

std::string_view Journal::Reader::Peek() {
  uint64_t end = journal_.end();
  uint64_t at = offset();
  if (at == end || is_lost_) return {};
  std::lock_guard<ShardLock> lock(journal_.mutex_);
  // Blocks are of one size and without gaps.
  const Block& block = journal_.blocks_[(at - journal_.blocks_.front().start) / kBlockBytes];
  uint64_t stop = std::min(end, block.start + kBlockBytes);
  return {block.bytes.get() + (at - block.start), static_cast<size_t>(stop - at)};
}

void Journal::Reader::Skip(size_t bytes) {
  uint64_t before = offset();
  offset_.store(before + bytes, std::memory_order_relaxed);
  if (before / kBlockBytes == (before + bytes) / kBlockBytes) return;
  std::lock_guard<ShardLock> lock(journal_.mutex_);
  journal_.Reclaim();
}

}  // namespace kiln
