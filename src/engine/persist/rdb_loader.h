// Loads an RDB file into the keyspace, on several threads.
//
// The calling thread cuts the file into batches of entries (rdb_splitter.h); the others decode them
// and put them into the tables, each key under its shard's lock. Of sixteen entries at a time the
// keys come first, so that the cache misses of their buckets overlap.
//
// Nobody else writes to the keyspace meanwhile; others may read it under its locks. Functions are
// returned, not loaded: they need interpreters. Errors: a text, with the offset of what is wrong in
// the file; what was loaded before stays.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "engine/persist/rdb_splitter.h"
#include "engine/store/keyspace.h"

namespace kiln {

// May be read by any thread while a file is loaded.
struct RdbLoadProgress {
  std::atomic<uint64_t> total_bytes{0};
  std::atomic<uint64_t> bytes{0};  // read so far
  std::atomic<uint64_t> keys{0};
  std::atomic<uint64_t> expired_keys{0};
  std::atomic<uint64_t> empty_keys{0};
  std::atomic<uint64_t> saved_memory_bytes{0};  // of who saved the file; 0 until it is known
  std::atomic<bool> is_stopped{false};          // set by who wants the loading to end
};

struct RdbLoadOptions {
  size_t threads = 1;     // beside the one that reads; 1: that one does everything
  bool drops_due = true;  // what is due is left out, as on a primary
  bool notes_due =
      false;  // RdbLoadResult::due_keys says what was left out; fields of hashes are not
  bool replaces = false;   // a key that is there is replaced; else it is an error
  bool checks_sum = true;  // parameter rdbchecksum
  uint64_t now_ms = 0;
  // Called by each thread before and behind some entries: who holds the keyspace alone waits for
  // them. The settings are looked at in between only.
  std::function<void(size_t thread)> enter = {};
  std::function<void(size_t thread)> leave = {};
};

struct RdbLoadResult {
  std::string error;  // empty: done
  uint64_t error_offset = 0;
  RdbFacts facts;
  std::vector<std::pair<int, std::string>> due_keys;  // and their databases
  uint64_t highest_cas = 0;                           // memcached's, without the bits of the shard
};

RdbLoadResult LoadRdb(ByteSource& source, Keyspace& keyspace, const Settings& settings,
                      const RdbLoadOptions& options, RdbLoadProgress* progress);

}  // namespace kiln
