// "stats settings": what the server was told to be, under memcached's names and in its order.
//
// A line is what Kiln does, what was asked for and comes to nothing here (MemcacheSettings::told),
// or memcached's own default.

#include <fmt/format.h>

#include "engine/commands/memcache_log.h"
#include "engine/server/memcache_stats.h"

namespace kiln {
namespace {

std::string YesOrNo(bool is_on) {
  return is_on ? "yes" : "no";
}

std::string OrNull(const std::string& text) {
  return text.empty() ? "NULL" : text;
}

std::string Dialect(const Settings& settings) {
  switch (settings.memcache.dialect) {
    case MemcacheDialect::kText:
      return "ascii";
    case MemcacheDialect::kBinary:
      return "binary";
    case MemcacheDialect::kAny:
      break;
  }
  return "auto-negotiate";
}

struct Row {
  std::string_view name;
  std::string (*text)(const Settings& settings);  // null: as told, or `initial`
  std::string_view initial;
};

using S = Settings;

// clang-format off
constexpr Row kRows[] = {
  {"maxbytes",              [](const S& s) { return std::to_string(s.maxmemory_bytes); },            ""},
  {"maxconns",              [](const S& s) { return std::to_string(s.maxclients); },                 ""},
  {"tcpport",               nullptr,                                                                 "0"},
  {"udpport",               nullptr,                                                                 "0"},
  {"inter",                 [](const S& s) { return OrNull(s.memcache.interfaces); },                ""},
  {"verbosity",             [](const S& s) { return std::to_string(s.memcache.verbosity); },         ""},
  {"oldest",                nullptr,                                                                 "0"},
  {"evictions",             [](const S& s) { return std::string(s.maxmemory_policy == EvictionPolicy::kNoEviction ? "off" : "on"); }, ""},
  {"domain_socket",         [](const S& s) { return OrNull(s.unixsocket); },                         ""},
  {"umask",                 nullptr,                                                                 "700"},
  {"shutdown_command",      [](const S& s) { return YesOrNo(s.memcache.shutdown_enabled); },         ""},
  {"growth_factor",         nullptr,                                                                 "1.25"},
  {"chunk_size",            nullptr,                                                                 "48"},
  {"num_threads",           [](const S& s) { return std::to_string(s.io_threads); },                 ""},
  {"num_threads_per_udp",   [](const S& s) { return std::to_string(s.memcache.interfaces.find(',') != std::string::npos ? 1 : s.io_threads); }, ""},
  {"stat_key_prefix",       [](const S& s) { return std::string(1, s.memcache.prefix_delimiter); },  ""},
  {"detail_enabled",        nullptr,                                                                 "no"},
  {"reqs_per_event",        nullptr,                                                                 "20"},
  {"cas_enabled",           [](const S& s) { return YesOrNo(s.memcache.has_cas); },                  ""},
  {"tcp_backlog",           [](const S& s) { return std::to_string(s.tcp_backlog); },                ""},
  {"binding_protocol",      Dialect,                                                                 ""},
  {"auth_enabled_sasl",     [](const S& s) { return YesOrNo(s.memcache.sasl_enabled); },             ""},
  {"auth_enabled_ascii",    [](const S& s) { return s.memcache.auth_file.empty() ? "no" : s.memcache.auth_file; }, ""},
  {"item_size_max",         [](const S& s) { return std::to_string(s.memcache.max_item_bytes); },    ""},
  {"maxconns_fast",         [](const S& s) { return YesOrNo(s.memcache.closes_when_full); },         ""},
  {"hashpower_init",        nullptr,                                                                 "0"},
  {"slab_reassign",         nullptr,                                                                 "yes"},
  {"slab_automove",         nullptr,                                                                 "1"},
  {"slab_automove_ratio",   nullptr,                                                                 "0.80"},
  {"slab_automove_window",  nullptr,                                                                 "30"},
  {"slab_chunk_max",        nullptr,                                                                 "524288"},
  {"lru_crawler",           nullptr,                                                                 "yes"},
  {"lru_crawler_sleep",     nullptr,                                                                 "100"},
  {"lru_crawler_tocrawl",   nullptr,                                                                 "0"},
  {"tail_repair_time",      nullptr,                                                                 "0"},
  {"flush_enabled",         [](const S& s) { return YesOrNo(s.memcache.flush_enabled); },            ""},
  {"dump_enabled",          [](const S& s) { return YesOrNo(s.memcache.dump_enabled); },             ""},
  {"hash_algorithm",        nullptr,                                                                 "murmur3"},
  {"lru_maintainer_thread", nullptr,                                                                 "yes"},
  {"lru_segmented",         nullptr,                                                                 "yes"},
  {"hot_lru_pct",           nullptr,                                                                 "20"},
  {"warm_lru_pct",          nullptr,                                                                 "40"},
  {"hot_max_factor",        nullptr,                                                                 "0.20"},
  {"warm_max_factor",       nullptr,                                                                 "2.00"},
  {"temp_lru",              nullptr,                                                                 "no"},
  {"temporary_ttl",         nullptr,                                                                 "61"},
  {"idle_timeout",          [](const S& s) { return std::to_string(s.timeout_s); },                  ""},
  {"watcher_logbuf_size",   nullptr,                                                                 "262144"},
  {"worker_logbuf_size",    nullptr,                                                                 "65536"},
  {"read_buf_mem_limit",    nullptr,                                                                 "0"},
  {"track_sizes",           nullptr,                                                                 "no"},
  {"inline_ascii_response", nullptr,                                                                 "no"},
  {"ssl_enabled",           nullptr,                                                                 "no"},
  {"num_napi_ids",          nullptr,                                                                 "(null)"},
  {"memory_file",           nullptr,                                                                 "(null)"},
};
// clang-format on

}  // namespace

void MemcacheStatsWriter::WriteSettings() {
  const Settings& settings = server_.settings();
  const auto& told = settings.memcache.told;
  for (const Row& row : kRows) {
    auto found = told.find(row.name);
    if (row.name == "detail_enabled") {
      Line(row.name, YesOrNo(server_.memcache_log_.is_counting()));
    } else if (row.text != nullptr) {
      Line(row.name, row.text(settings));
    } else {
      Line(row.name, found != told.end() ? std::string_view(found->second) : row.initial);
    }
  }
}

}  // namespace kiln
