// What memcached's options say while they are read: shared by the readers of its command line
// (memcached_options.h).
//
// Plain data; no threads.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "params/settings.h"

namespace kiln {

struct MemcachedDraft {
  std::map<std::string, std::string> parameters;  // by Kiln's names
  std::string addresses;                          // all words of -l, with commas between
  MemcacheSettings memcache;
  std::string user;
  std::string warnings;  // whole lines
  std::string error;
  int error_code = 1;
  bool has_udp_port = false;
  bool has_port = false;
  bool has_dialect = false;
  bool lock_memory = false;
  bool dump_core = false;
  bool runs_maintainer = true;
  int64_t port = 11211;
  int64_t napi_ids = 0;

  void Set(std::string name, std::string_view value) { parameters[std::move(name)] = value; }
  void Tell(std::string name, std::string_view value) { memcache.told[std::move(name)] = value; }
  void Fail(std::string text, int code = 1) {
    error = std::move(text);
    error_code = code;
  }
};

// As memcached's programs read numbers: what stands in front, 0 when nothing does.
int64_t LeadingNumber(const char* text);

std::vector<std::string> SplitCommas(std::string_view list);

// -o: the options that have names only.
void ReadSuboptions(MemcachedDraft& draft, const char* list);
// What they must be together, when all were read.
void CheckSuboptions(MemcachedDraft& draft);

// Turns -l and -p into addresses to listen on.
void ReadListeners(MemcachedDraft& draft);

}  // namespace kiln
