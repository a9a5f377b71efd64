// Writes a key with all that belongs to it as an entry of an RDB file: when it expires, how it was
// used, its type, its name and its value.
//
// How recently keys were used is written under the LRU policies, how often under the LFU ones, as
// Redis 7.2 does. What memcached's items have more (flags and CAS number) stands before the entry
// in an aux field, which Redis passes over.
//
// Thread safety: none; a record is read under its shard's lock. Source: the Redis RDB file format.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "engine/persist/rdb_output.h"
#include "engine/store/record.h"
#include "params/eviction_policy.h"

namespace kiln {

struct RdbEntryOptions {
  EvictionPolicy policy = EvictionPolicy::kNoEviction;  // how Record::clock() is to be read
  uint32_t lfu_decay_time_min = 0;
  uint64_t now_ms = 0;
};

// A whole entry. `key` is the record's own, or the one that it stands for.
void WriteRdbEntry(RdbOutput& out, std::string_view key, const Record* record,
                   const RdbEntryOptions& options);

// What a database's entries begin with, in each run of them.
void WriteRdbSelect(RdbOutput& out, int db);

// The same in pieces of bounded size, for big values: between two calls the shard's lock may be let
// go, if nobody changes the value meanwhile (the record itself may move, unless it is a string).
class RdbEntryWriter {
 public:
  // Whether a record is worth it: others are written at once, in some tens of microseconds.
  static bool IsBig(const Record* record);

  RdbEntryWriter(std::string_view key, const Record* record, const RdbEntryOptions& options);
  ~RdbEntryWriter();

  // Goes on until about `budget_bytes` are added to the output; true when the entry is complete. An
  // element or a node is never divided. A string over 256 KiB is not compressed.
  bool WriteSome(RdbOutput& output, size_t budget_bytes);

 private:
  class Body;
  template <class Value>
  class ScanBody;
  class StringBody;
  class ListBody;
  class SortedSetBody;
  class StreamBody;
  static std::unique_ptr<Body> MakeBody(const Record* record);

  std::string key_;
  const Record* record_;  // until the first call
  RdbEntryOptions options_;
  std::unique_ptr<Body> body_;  // from the first call on, of a big value
};

}  // namespace kiln
