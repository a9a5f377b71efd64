// Saves the keyspace as an RDB file.
//
// Who walks the keyspace is one thing (a function that gives entries to an RdbProducer), what
// becomes of the entries another (an RdbWriter over a file or whatever else takes bytes).
// ProduceEntries is the plain walk, for who holds the keyspace alone.
//
// Thread safety: see the functions. Errors: a text, or empty.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/persist/rdb_entry.h"
#include "engine/persist/rdb_writer.h"
#include "engine/store/keyspace.h"

namespace kiln {

struct AtRestKey;

// May be read by any thread while a file is saved.
struct RdbSaveProgress {
  std::atomic<uint64_t> keys_total{0};
  std::atomic<uint64_t> keys{0};
  std::atomic<uint64_t> bytes{0};
};

struct RdbSaveOptions {
  uint16_t version = kRdbVersion;  // parameter rdb-version; fields with times take a newer one
  bool compresses = true;          // parameter rdbcompression
  bool has_checksum = true;        // parameter rdbchecksum
  bool syncs_in_steps = true;      // parameter rdb-save-incremental-fsync
  bool is_aof_base = false;
  int64_t key_delay_us = 0;  // parameter rdb-key-save-delay, for tests
  size_t used_memory_bytes = 0;
  RdbEntryOptions entries;
  const AtRestKey* key = nullptr;      // files are encrypted with it; outlives the saving
  std::vector<std::string> functions;  // the code of each library
  std::optional<ReplicationPlace> place;
};

// Gathers entries into runs and writes these. One thread at a time.
class RdbProducer {
 public:
  RdbProducer(RdbWriter& writer, const RdbSaveOptions& options, RdbSaveProgress* progress)
      : writer_(writer), options_(options), progress_(*progress) {}

  void Entry(int db, const Record* record);
  // Entries of one database that somebody else has written, as WriteRdbEntry does; GoOn: in whose
  // last one the bytes before ended. How many there are so far is for the caller to say.
  void Begin(int db, std::string_view bytes);
  void GoOn(std::string_view bytes) { writer_.Entries(bytes); }
  void NoteKeys(uint64_t keys_so_far);
  // Gives up.
  void Fail(std::string_view why) { writer_.Fail(why); }
  // Whether it makes sense to go on.
  bool IsFine() const { return writer_.error().empty(); }
  // Writes what is left.
  void Flush();

 private:
  static constexpr size_t kRunBytes = 128 << 10;

  RdbOutput Output() { return {&run_, options_.compresses, options_.version}; }
  void WriteBig(const Record* record);

  RdbWriter& writer_;
  const RdbSaveOptions& options_;
  RdbSaveProgress& progress_;
  std::string run_;
  int db_ = -1;  // of the run; -1: it has not begun
};

// What a file says of the databases ahead of their entries.
struct RdbContents {
  struct Size {
    int db;
    size_t keys;
    size_t volatile_keys;
  };
  std::vector<Size> sizes;       // of the databases that are not empty
  bool has_field_times = false;  // of some hash: then the file takes the newer format
};
RdbContents ContentsOf(const Keyspace& keyspace);  // exclusive

using ProduceFunction = std::function<void(RdbProducer&)>;

// All there is, shard by shard. Exclusive.
void ProduceEntries(Keyspace& keyspace, RdbProducer& producer);

// The whole file: frame, sizes of databases, and what `produce` gives.
[[nodiscard]] std::string WriteRdb(ByteSink& sink, const RdbContents& contents,
                                   const RdbSaveOptions& options, const ProduceFunction& produce,
                                   RdbSaveProgress* progress);
// The same into the file at `path`, which is replaced once the new one is complete.
[[nodiscard]] std::string SaveRdbFile(const std::string& path, const RdbContents& contents,
                                      const RdbSaveOptions& options, const ProduceFunction& produce,
                                      RdbSaveProgress* progress);

}  // namespace kiln
