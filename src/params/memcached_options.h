// The command line of memcached: one row an option, as memcached 1.6 has them.
//
// What has a counterpart among Kiln's parameters becomes lines of a configuration file; what only
// memcached has goes to MemcacheSettings; what means nothing here (slab sizes, LRU tuning) is
// checked as memcached checks it, and told back by "stats settings". Options that would promise
// safety that is not there (TLS) end the start. Refusals and exit statuses are memcached's. Call
// once a process: getopt_long keeps global state.
#pragma once

#include <optional>
#include <string>

#include "params/settings.h"

namespace kiln {

struct MemcachedCommandLine {
  std::string config;  // lines of a redis.conf
  MemcacheSettings memcache;
  std::string warnings;  // whole lines, for standard error
  bool lock_memory = false;
  bool dump_core = false;
  std::string user;              // to become, when started by root; empty: stay
  std::optional<int> exit_code;  // do not start: print `text`, to standard error unless this is 0
  std::string text;
};

MemcachedCommandLine ReadMemcachedCommandLine(int argc, char** argv);

}  // namespace kiln
