// What memcached's "stats" counts beyond the store's own numbers. One a worker, summed by whoever
// holds the Gate alone.
#pragma once

#include <cstdint>

namespace kiln {

struct MemcacheCounters {
  uint64_t sets = 0;  // storage verbs whose data block came
  uint64_t flushes = 0;
  uint64_t stored = 0;  // items that were
  uint64_t meta_commands = 0;
  uint64_t touch_hits = 0;
  uint64_t touch_misses = 0;
  uint64_t delete_hits = 0;
  uint64_t delete_misses = 0;
  uint64_t incr_hits = 0;
  uint64_t incr_misses = 0;
  uint64_t decr_hits = 0;
  uint64_t decr_misses = 0;
  uint64_t cas_hits = 0;
  uint64_t cas_misses = 0;
  uint64_t cas_bad = 0;
  uint64_t too_large = 0;
  uint64_t no_memory = 0;
  uint64_t config_gets = 0;
  uint64_t config_sets = 0;
  uint64_t logins = 0;
  uint64_t bad_logins = 0;  // of these

  void Add(const MemcacheCounters& other) {
    sets += other.sets;
    flushes += other.flushes;
    stored += other.stored;
    meta_commands += other.meta_commands;
    touch_hits += other.touch_hits;
    touch_misses += other.touch_misses;
    delete_hits += other.delete_hits;
    delete_misses += other.delete_misses;
    incr_hits += other.incr_hits;
    incr_misses += other.incr_misses;
    decr_hits += other.decr_hits;
    decr_misses += other.decr_misses;
    cas_hits += other.cas_hits;
    cas_misses += other.cas_misses;
    cas_bad += other.cas_bad;
    too_large += other.too_large;
    no_memory += other.no_memory;
    config_gets += other.config_gets;
    config_sets += other.config_sets;
    logins += other.logins;
    bad_logins += other.bad_logins;
  }
};

}  // namespace kiln
