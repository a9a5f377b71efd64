// memcached's extended options (-o): one row each, as 1.6.18 has them.
//
// Nearly all of them tune what Kiln does another way (slabs, a segmented LRU, a crawler). They are
// checked as memcached checks them and told back by "stats settings"; nothing else comes of them.
#include <fmt/format.h>
#include <sysexits.h>

#include <algorithm>
#include <cstdlib>

#include "base/number.h"
#include "params/memcached_draft.h"

namespace kiln {
namespace {

enum class Form : uint8_t {
  kFlag,       // takes no value; the line gets `fixed`
  kInteger,    // leading digits
  kUnsigned,   // a whole 32-bit number
  kKilobytes,  // the same, told in bytes
  kMegabytes,  // the same
  kFactor,     // a fraction, told with two digits
  kWord,       // one of `fixed`
};

struct Suboption {
  std::string_view name;
  std::string_view line;  // of "stats settings"; empty: none
  Form form;
  double least;  // of numbers; both included
  double most;
  std::string_view fixed;
  std::string_view missing;  // said where there is no value; empty: there need not be one
  std::string_view refusal;  // said of a value that is out of range
};

constexpr double kAny = 4294967295.0;
constexpr double kAboveZero = 1e-300;

// clang-format off
constexpr Suboption kSuboptions[] = {
  // name, line, form, least, most, fixed, missing, refusal
  {"drop_privileges",     "",                      Form::kFlag,      0, 0, "", "", ""},
  {"hash_algorithm",      "hash_algorithm",        Form::kWord,      0, 0, "jenkins,murmur3,xxh3", "Missing hash_algorithm argument", "Unknown hash_algorithm option (jenkins, murmur3, xxh3)"},
  {"hashpower",           "hashpower_init",        Form::kInteger,   12, 32, "", "Missing numeric argument for hashpower", ""},
  {"hot_lru_pct",         "hot_lru_pct",           Form::kInteger,   1, 79, "", "Missing hot_lru_pct argument", "hot_lru_pct must be > 1 and < 80"},
  {"hot_max_factor",      "hot_max_factor",        Form::kFactor,    kAboveZero, kAny, "", "Missing hot_max_factor argument", "hot_max_factor must be > 0"},
  {"idle_timeout",        "",                      Form::kInteger,   -kAny, kAny, "", "Missing numeric argument for idle_timeout", ""},
  {"inline_ascii_resp",   "",                      Form::kFlag,      0, 0, "", "", ""},
  {"lru_crawler",         "",                      Form::kFlag,      0, 0, "", "", ""},
  {"lru_crawler_sleep",   "lru_crawler_sleep",     Form::kInteger,   0, 1000000, "", "Missing lru_crawler_sleep value", "LRU crawler sleep must be between 0 and 1 second"},
  {"lru_crawler_tocrawl", "lru_crawler_tocrawl",   Form::kUnsigned,  0, kAny, "", "Missing lru_crawler_tocrawl value", "lru_crawler_tocrawl takes a numeric 32bit value"},
  {"lru_maintainer",      "lru_segmented",         Form::kFlag,      0, 0, "yes", "", ""},
  {"maxconns_fast",       "",                      Form::kFlag,      0, 0, "", "", ""},
  {"modern",              "",                      Form::kFlag,      0, 0, "", "", ""},
  {"no_chunked_items",    "slab_chunk_max",        Form::kFlag,      0, 0, "1048576", "", ""},
  {"no_drop_privileges",  "",                      Form::kFlag,      0, 0, "", "", ""},
  {"no_hashexpand",       "",                      Form::kFlag,      0, 0, "", "", ""},
  {"no_inline_ascii_resp", "",                     Form::kFlag,      0, 0, "", "", ""},
  {"no_lru_crawler",      "lru_crawler",           Form::kFlag,      0, 0, "no", "", ""},
  {"no_lru_maintainer",   "",                      Form::kFlag,      0, 0, "", "", ""},
  {"no_maxconns_fast",    "",                      Form::kFlag,      0, 0, "", "", ""},
  {"no_modern",           "",                      Form::kFlag,      0, 0, "", "", ""},
  {"no_slab_automove",    "slab_automove",         Form::kFlag,      0, 0, "0", "", ""},
  {"no_slab_reassign",    "slab_reassign",         Form::kFlag,      0, 0, "no", "", ""},
  {"read_buf_mem_limit",  "read_buf_mem_limit",    Form::kMegabytes, 0, kAny, "", "Missing read_buf_mem_limit argument", "could not parse argument to read_buf_mem_limit"},
  {"resp_obj_mem_limit",  "",                      Form::kFlag,      0, 0, "", "", ""},
  {"slab_automove",       "slab_automove",         Form::kInteger,   0, 2, "1", "", "slab_automove must be between 0 and 2"},
  {"slab_automove_ratio", "slab_automove_ratio",   Form::kFactor,    kAboveZero, 1, "", "Missing slab_automove_ratio argument", "slab_automove_ratio must be > 0 and < 1"},
  {"slab_automove_window", "slab_automove_window", Form::kInteger,   3, kAny, "", "Missing slab_automove_window argument", "slab_automove_window must be > 2"},
  {"slab_chunk_max",      "slab_chunk_max",        Form::kInteger,   0, kAny, "", "Missing slab_chunk_max argument", "could not parse argument to slab_chunk_max"},
  {"slab_reassign",       "slab_reassign",         Form::kFlag,      0, 0, "yes", "", ""},
  {"slab_sizes",          "",                      Form::kFlag,      0, 0, "", "Missing slab_sizes argument", ""},
  {"tail_repair_time",    "tail_repair_time",      Form::kInteger,   10, kAny, "", "Missing numeric argument for tail_repair_time", "Cannot set tail_repair_time to less than 10 seconds"},
  {"temporary_ttl",       "temporary_ttl",         Form::kInteger,   -kAny, kAny, "", "Missing temporary_ttl argument", ""},
  {"track_sizes",         "",                      Form::kFlag,      0, 0, "", "", ""},
  {"warm_lru_pct",        "warm_lru_pct",          Form::kInteger,   1, 79, "", "Missing warm_lru_pct argument", "warm_lru_pct must be > 1 and < 80"},
  {"warm_max_factor",     "warm_max_factor",       Form::kFactor,    kAboveZero, kAny, "", "Missing warm_max_factor argument", "warm_max_factor must be > 0"},
  {"watcher_logbuf_size", "watcher_logbuf_size",   Form::kKilobytes, 0, kAny, "", "Missing watcher_logbuf_size argument", "could not parse argument to watcher_logbuf_size"},
  {"worker_logbuf_size",  "worker_logbuf_size",    Form::kKilobytes, 0, kAny, "", "Missing worker_logbuf_size argument", "could not parse argument to worker_logbuf_size"},
};
// clang-format on

// Of TLS, which there is none of here: to forget them would be to promise it.
constexpr std::string_view kTlsSuboptions[] = {
    "ssl_chain_cert", "ssl_key",       "ssl_keyformat",     "ssl_verify_mode", "ssl_ciphers",
    "ssl_ca_cert",    "ssl_wbuf_size", "ssl_session_cache", "ssl_kernel_tls",  "ssl_min_version",
};

bool IsWordOf(std::string_view words, std::string_view word) {
  while (!words.empty()) {
    size_t comma = std::min(words.find(','), words.size());
    if (words.substr(0, comma) == word) return true;
    words.remove_prefix(std::min(comma + 1, words.size()));
  }
  return false;
}

// The value as "stats settings" tells it; nothing when it is not allowed.
std::optional<std::string> Checked(const Suboption& row, const std::string& value) {
  constexpr uint64_t kUnits[] = {1, 1024, 1024 * 1024};
  if (row.form == Form::kWord)
    return IsWordOf(row.fixed, value) ? std::optional(value) : std::nullopt;
  if (row.form == Form::kInteger) {
    int64_t number = LeadingNumber(value.c_str());
    bool is_good =
        static_cast<double>(number) >= row.least && static_cast<double>(number) <= row.most;
    return is_good ? std::optional(std::to_string(number)) : std::nullopt;
  }
  if (row.form == Form::kFactor) {
    double number = std::strtod(value.c_str(), nullptr);
    bool is_good = number >= row.least && number <= row.most;
    return is_good ? std::optional(fmt::format("{:.2f}", number)) : std::nullopt;
  }
  std::optional<uint64_t> number = ParseUint64(value);
  if (!number || *number > UINT32_MAX) return std::nullopt;
  uint64_t unit = kUnits[static_cast<int>(row.form) - static_cast<int>(Form::kUnsigned)];
  return std::to_string(static_cast<uint32_t>(*number * unit));
}

// What it was before 1.5: told so, for there is nothing to switch.
void GoBack(MemcachedDraft& draft) {
  draft.Tell("slab_chunk_max", "1048576");
  draft.Tell("slab_reassign", "no");
  draft.Tell("slab_automove", "0");
  draft.Tell("lru_segmented", "no");
  draft.Tell("lru_maintainer_thread", "no");
  draft.Tell("lru_crawler", "no");
  draft.Tell("hash_algorithm", "jenkins");
  draft.memcache.closes_when_full = false;
  draft.runs_maintainer = false;
}

// Those of which more comes than a line.
void ApplySpecial(MemcachedDraft& draft, std::string_view name, const std::string& value) {
  if (name == "idle_timeout") {
    int64_t seconds = std::max<int64_t>(LeadingNumber(value.c_str()), 0);
    draft.Set("timeout", std::to_string(seconds));
  }
  if (name == "maxconns_fast") draft.memcache.closes_when_full = true;
  if (name == "no_maxconns_fast") draft.memcache.closes_when_full = false;
  if (name == "no_modern") GoBack(draft);
  if (name == "temporary_ttl") draft.Tell("temp_lru", "yes");
  if (name == "lru_maintainer") draft.runs_maintainer = true;
  if (name == "no_lru_maintainer") {
    draft.runs_maintainer = false;
    draft.Tell("lru_segmented", "no");
    draft.Tell("lru_maintainer_thread", "no");
  }
  if (name == "track_sizes") draft.Tell("track_sizes", "yes");
  if (name == "resp_obj_mem_limit") {
    draft.warnings += "DEPRECATED: resp_obj_mem_limit no longer used. See read_buf_mem_limit,\n";
  }
}

void FailHashPower(MemcachedDraft& draft, int64_t number) {
  draft.Fail(number < 12
                 ? fmt::format("Initial hashtable multiplier of {} is too low", number)
                 : fmt::format("Initial hashtable multiplier of {} is too high\nChoose a value "
                               "based on \"STAT hash_power_level\" from a running instance",
                               number));
}

void Apply(MemcachedDraft& draft, const Suboption& row, const std::string* value) {
  if (value == nullptr && !row.missing.empty()) return draft.Fail(std::string(row.missing));
  std::string told(row.fixed);
  if (value != nullptr && row.form != Form::kFlag) {
    std::optional<std::string> checked = Checked(row, *value);
    if (!checked && row.name == "hashpower")
      return FailHashPower(draft, LeadingNumber(value->c_str()));
    if (!checked) return draft.Fail(std::string(row.refusal));
    told = *checked;
  }
  if (!row.line.empty()) draft.Tell(std::string(row.line), told);
  ApplySpecial(draft, row.name, value == nullptr ? std::string() : *value);
}

int64_t ToldNumber(const MemcachedDraft& draft, std::string_view line, int64_t initial) {
  auto found = draft.memcache.told.find(line);
  return found == draft.memcache.told.end() ? initial : LeadingNumber(found->second.c_str());
}

}  // namespace

void ReadSuboptions(MemcachedDraft& draft, const char* list) {
  std::string_view rest = list;
  while (!rest.empty() && draft.error.empty()) {
    size_t comma = std::min(rest.find(','), rest.size());
    std::string part(rest.substr(0, comma));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    size_t equals = std::min(part.find('='), part.size());
    std::string name = part.substr(0, equals);
    std::string value = equals < part.size() ? part.substr(equals + 1) : "";
    auto row = std::find_if(std::begin(kSuboptions), std::end(kSuboptions),
                            [&](const Suboption& known) { return known.name == name; });
    if (row != std::end(kSuboptions)) {
      Apply(draft, *row, equals < part.size() ? &value : nullptr);
    } else if (std::find(std::begin(kTlsSuboptions), std::end(kTlsSuboptions), name) !=
               std::end(kTlsSuboptions)) {
      draft.Fail("This server is not built with TLS support.", EX_USAGE);
    } else {
      draft.Fail(fmt::format("Illegal suboption \"{}\"", part));
    }
  }
}

void CheckSuboptions(MemcachedDraft& draft) {
  constexpr int64_t kMostPercent = 80;
  if (ToldNumber(draft, "hot_lru_pct", 20) + ToldNumber(draft, "warm_lru_pct", 40) > kMostPercent)
    return draft.Fail("hot_lru_pct + warm_lru_pct cannot be more than 80% combined", EX_USAGE);
  if (draft.memcache.told.contains("temp_lru") && !draft.runs_maintainer)
    draft.Fail("temporary_ttl requires lru_maintainer to be enabled", EX_USAGE);
}

}  // namespace kiln
