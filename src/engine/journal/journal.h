// The journal: every change once, as the Redis command that replays it, in one ordered stream of
// bytes. AOF files, replicas and slot migration read it; nobody encodes a change a second time.
//
// Changes are appended under the shard locks of their keys, so their order agrees with the order in
// which they happened, key by key and across keys that changed together. What must be replayed as
// one lies between MULTI and EXEC. A SELECT stands wherever the database changes, and first.
//
// The bytes lie in blocks that live as long as somebody reads them. A reader that does not keep up
// makes the journal grow: whoever opens readers bounds them by their lag().
//
// Offsets count bytes from wherever the journal was started; they are what Redis calls replication
// offsets. Thread safety: any function from any thread; a Reader belongs to one thread at a time.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "engine/store/shard_lock.h"

namespace kiln {

// One command that is to be replayed, in RESP, and its database.
struct JournalEntry {
  int db = 0;
  std::string_view bytes;
};

// Appends a command in RESP: an array of bulk strings.
void AppendCommand(std::string* out, std::span<const std::string_view> words);

class Journal {
 public:
  class Reader;

  explicit Journal(uint64_t start_offset = 0) : end_(start_offset), reclaimed_(start_offset) {}
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // Appends what is to be replayed as one; several entries are wrapped in MULTI and EXEC.
  void Append(std::span<const JournalEntry> entries);
  // The same for one alone, which is usual.
  void Append(const JournalEntry& entry);
  void Append(int db, std::span<const std::string_view> words);
  // Appends bytes of another journal, whose commands are all whole, and whose last one was for the
  // database `db`. One thread at a time, and none that appends entries.
  void AppendVerbatim(std::string_view bytes, int db);
  // A command that changes nothing, in RESP.
  void AppendNote(std::string_view bytes);
  // The next entry brings its SELECT along, for a reader who starts here.
  void ForgetDatabase();
  // The database that the next command is for if no SELECT comes before it; -1: one will.
  int database() const;
  // Goes on at another offset, as another journal does there. Readers are lost: alone.
  void Restart(uint64_t offset, int db);

  // The first byte that can still be read, and where the next one goes.
  uint64_t begin() const;
  uint64_t end() const { return end_.load(std::memory_order_acquire); }
  // The same, without notes behind the last change.
  uint64_t changes_end() const { return changes_end_.load(std::memory_order_acquire); }
  // Who reads, and how far the slowest is behind.
  struct Readers {
    size_t count = 0;
    uint64_t lag = 0;
  };
  Readers readers() const;
  size_t memory_bytes() const { return block_count_.load() * kBlockBytes; }
  // Keeps the last so many bytes for readers to come.
  void SetBacklog(uint64_t bytes) { backlog_bytes_.store(bytes, std::memory_order_relaxed); }

 private:
  static constexpr size_t kBlockBytes = size_t{256} << 10;
  struct Block {
    uint64_t start = 0;
    std::unique_ptr<char[]> bytes;
  };

  void Write(std::string_view bytes);
  void WriteAcrossBlocks(std::string_view bytes);
  void WriteSelect(int db);
  Block TakeBlock(uint64_t start);
  void Reclaim();

  mutable ShardLock mutex_;
  std::deque<Block> blocks_;
  Block spare_;
  std::set<Reader*> readers_;
  std::atomic<uint64_t> end_;
  std::atomic<uint64_t> changes_end_{0};
  uint64_t reclaimed_;  // everything before is gone
  std::atomic<uint64_t> backlog_bytes_{0};
  std::atomic<size_t> block_count_{0};
  int db_ = -1;  // of the last entry
};

// A place in the stream. What lies behind it stays until it is closed or moves on.
class Journal::Reader {
 public:
  // At the end, or at `offset`; is_lost() when that is gone already or not there yet: then there is
  // nothing to read.
  explicit Reader(Journal& journal);
  Reader(Journal& journal, uint64_t offset);
  ~Reader();
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  bool is_lost() const { return is_lost_; }
  uint64_t offset() const { return offset_.load(std::memory_order_relaxed); }
  uint64_t lag() const { return journal_.end() - offset(); }

  // The bytes at the place, up to a block's end; empty at the end of the stream. Good until Skip.
  std::string_view Peek();
  void Skip(size_t bytes);

 private:
  friend class Journal;

  Journal& journal_;
  std::atomic<uint64_t> offset_;
  bool is_lost_ = false;
};

}  // namespace kiln
