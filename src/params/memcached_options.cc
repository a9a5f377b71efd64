#include "params/memcached_options.h"

#include <fmt/format.h>
#include <getopt.h>
#include <sysexits.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/split_args.h"
#include "base/version.h"
#include "params/endpoint.h"
#include "params/memcached_draft.h"

namespace kiln {
namespace {

constexpr int64_t kMegabyte = 1 << 20;

void SetPort(MemcachedDraft& draft, const char* value) {
  draft.port = LeadingNumber(value);
  draft.has_port = true;
}
void SetSocket(MemcachedDraft& draft, const char* value) {
  draft.Set("unixsocket", value);
}
void SetAdminSocket(MemcachedDraft& draft, const char* value) {
  draft.Set("admin-socket", value);
}
void SetDiscovery(MemcachedDraft& draft, const char* value) {
  draft.memcache.discovery = value;
}
void SetSocketMode(MemcachedDraft& draft, const char* value) {
  constexpr long kModeBits = 0777;
  long mode = std::strtol(value, nullptr, 8);
  draft.Tell("umask", fmt::format("{:o}", static_cast<unsigned>(mode)));
  draft.Set("unixsocketperm", fmt::format("{:o}", mode & kModeBits));
}
void SetMemoryFile(MemcachedDraft& draft, const char* value) {
  std::error_code error;
  draft.Tell("memory_file", value);
  draft.memcache.memory_file = std::filesystem::absolute(value, error).string();
}
void SetMemory(MemcachedDraft& draft, const char* value) {
  draft.Set("maxmemory", std::to_string(LeadingNumber(value) * kMegabyte));
}
void DisableEvictions(MemcachedDraft& draft, const char*) {
  draft.Set("maxmemory-policy", "noeviction");
}
void EnableShutdown(MemcachedDraft& draft, const char*) {
  draft.memcache.shutdown_enabled = true;
}
void DisableCas(MemcachedDraft& draft, const char*) {
  draft.memcache.has_cas = false;
}
void DisableDumps(MemcachedDraft& draft, const char*) {
  draft.memcache.dump_enabled = false;
}
void DisableWatch(MemcachedDraft& draft, const char*) {
  draft.memcache.watch_enabled = false;
}
void LockMemory(MemcachedDraft& draft, const char*) {
  draft.lock_memory = true;
}
void DumpCore(MemcachedDraft& draft, const char*) {
  draft.dump_core = true;
}
void EnableSasl(MemcachedDraft& draft, const char*) {
  draft.memcache.sasl_enabled = true;
}
void SetAuthFile(MemcachedDraft& draft, const char* value) {
  std::error_code error;
  draft.memcache.auth_file = std::filesystem::absolute(value, error).string();
}
void DisableFlush(MemcachedDraft& draft, const char*) {
  draft.memcache.flush_enabled = false;
}
void AddVerbosity(MemcachedDraft& draft, const char*) {
  ++draft.memcache.verbosity;
}
void GoToBackground(MemcachedDraft& draft, const char*) {
  draft.Set("daemonize", "yes");
}
void SetUser(MemcachedDraft& draft, const char* value) {
  draft.user = value;
}
void SetPidFile(MemcachedDraft& draft, const char* value) {
  draft.Set("pidfile", value);
}
void SetBacklog(MemcachedDraft& draft, const char* value) {
  draft.Set("tcp-backlog", std::to_string(LeadingNumber(value)));
}

void AddAddress(MemcachedDraft& draft, const char* value) {
  if (!draft.addresses.empty()) draft.addresses += ',';
  draft.addresses += value;
}

void AddEndpoints(MemcachedDraft& draft, const char* value) {
  std::string& words = draft.parameters["endpoints"];
  for (const std::string& endpoint : SplitCommas(value)) {
    if (!ParseEndpoint(endpoint))
      return draft.Fail(fmt::format("'{}' is no endpoint (address:port)", endpoint), EX_USAGE);
    if (!words.empty()) words += ' ';
    words += endpoint;
  }
}

void SetConnections(MemcachedDraft& draft, const char* value) {
  if (LeadingNumber(value) <= 0) return draft.Fail("Maximum connections must be greater than 0");
  draft.Set("maxclients", std::to_string(LeadingNumber(value)));
}

void SetThreads(MemcachedDraft& draft, const char* value) {
  constexpr int64_t kMaxThreads = 128;
  constexpr int64_t kManyThreads = 64;
  if (LeadingNumber(value) <= 0) return draft.Fail("Number of threads must be greater than 0");
  if (LeadingNumber(value) > kManyThreads) {
    draft.warnings +=
        "WARNING: Setting a high number of workerthreads is not recommended.\n"
        " Set this value to the number of cores in your machine or less.\n";
  }
  draft.Set("io-threads", std::to_string(std::min(LeadingNumber(value), kMaxThreads)));
}

void SetUdpPort(MemcachedDraft& draft, const char* value) {
  int64_t port = LeadingNumber(value);
  if (port > UINT16_MAX)
    return draft.Fail(fmt::format("ERROR: Invalid port number {}.", port), EX_USAGE);
  if (port != 0) draft.Fail("This server is not built with UDP support (-U 0).", EX_USAGE);
}

void SetFactor(MemcachedDraft& draft, const char* value) {
  double factor = std::strtod(value, nullptr);
  if (factor <= 1.0) return draft.Fail("Factor must be greater than 1");
  draft.Tell("growth_factor", fmt::format("{:.2f}", factor));
}

void SetChunkSize(MemcachedDraft& draft, const char* value) {
  if (LeadingNumber(value) == 0) return draft.Fail("Chunk size must be greater than 0");
  draft.Tell("chunk_size", std::to_string(LeadingNumber(value)));
}

void SetRequests(MemcachedDraft& draft, const char* value) {
  int64_t requests = LeadingNumber(value);
  if (requests == 0) return draft.Fail("Number of requests per event must be greater than 0");
  draft.memcache.requests_per_turn = std::max<int64_t>(requests, 1);
  draft.Tell("reqs_per_event", std::to_string(requests));
}

void SetDelimiter(MemcachedDraft& draft, const char* value) {
  if (*value == '\0') return draft.Fail("No delimiter specified");
  draft.memcache.prefix_delimiter = *value;
  draft.memcache.is_detail_on = true;
}

void SetNapiIds(MemcachedDraft& draft, const char* value) {
  draft.napi_ids = LeadingNumber(value);
  if (draft.napi_ids <= 0) draft.Fail("Maximum number of NAPI IDs must be greater than 0");
}

void SetDialect(MemcachedDraft& draft, const char* value) {
  std::string_view name(value);
  draft.has_dialect = true;
  if (name == "auto") {
    draft.memcache.dialect = MemcacheDialect::kAny;
  } else if (name == "ascii") {
    draft.memcache.dialect = MemcacheDialect::kText;
  } else if (name == "binary") {
    draft.memcache.dialect = MemcacheDialect::kBinary;
  } else {
    draft.Fail(fmt::format("Invalid value for binding protocol: {}\n -- should be one of auto, "
                           "binary, or ascii",
                           value),
               EX_USAGE);
  }
}

void SetItemSize(MemcachedDraft& draft, const char* value) {
  int64_t bytes = LeadingNumber(value);
  char unit = *value == '\0' ? '\0' : value[std::string_view(value).size() - 1];
  if (unit == 'k' || unit == 'K') bytes *= 1024;
  if (unit == 'm' || unit == 'M') bytes *= kMegabyte;
  if (unit == 'g' || unit == 'G') bytes *= 1024 * kMegabyte;
  draft.memcache.max_item_bytes = bytes;
}

void RefuseTls(MemcachedDraft& draft, const char*) {
  draft.Fail("This server is not built with TLS support.", EX_USAGE);
}

// In place of the letters of options that have none.
enum LongOption : char { kAdminSocketOption = 1, kEndpointsOption, kDiscoveryOption };

struct Option {
  char letter;
  const char* name;
  int argument;
  std::string_view placeholder;
  void (*apply)(MemcachedDraft& draft, const char* value);  // null: accepted, has no effect
  std::string_view help;
};

// clang-format off
constexpr Option kOptions[] = {
  // letter and long name      argument           placeholder  effect             help
  {'p', "port",                required_argument, "<num>",     SetPort,           "TCP port to listen on (default: 11211)"},
  {'U', "udp-port",            required_argument, "<num>",     SetUdpPort,         "UDP port: 0 only, there is no UDP"},
  {'s', "unix-socket",         required_argument, "<file>",    SetSocket,         "unix socket to listen on (disables network support)"},
  {'a', "unix-mask",           required_argument, "<mask>",    SetSocketMode,     "access mask for the unix socket, in octal (default: 700)"},
  {'A', "enable-shutdown",     no_argument,       "",          EnableShutdown,    "enable the \"shutdown\" command"},
  {'l', "listen",              required_argument, "<addr>",    AddAddress,        "address to listen on, with :port or without; several with commas (default: all)"},
  {'d', "daemon",              no_argument,       "",          GoToBackground,    "run as a daemon"},
  {'r', "enable-coredumps",    no_argument,       "",          DumpCore,           "allow core files of any size"},
  {'u', "user",                required_argument, "<user>",    SetUser,           "become <user> (only when run as root)"},
  {'m', "memory-limit",        required_argument, "<num>",     SetMemory,         "memory in megabytes (default: 64)"},
  {'M', "disable-evictions",   no_argument,       "",          DisableEvictions,  "return an error on memory exhausted instead of evicting"},
  {'c', "conn-limit",          required_argument, "<num>",     SetConnections,    "most simultaneous connections (default: 1024)"},
  {'k', "lock-memory",         no_argument,       "",          LockMemory,           "keep all memory from being swapped out"},
  {'v', "verbose",             optional_argument, "",          AddVerbosity,      "verbose (-vv, -vvv: more)"},
  {'h', "help",                no_argument,       "",          nullptr,           "print this help and exit"},
  {'i', "license",             no_argument,       "",          nullptr,           "print the license and exit"},
  {'V', "version",             no_argument,       "",          nullptr,           "print the version and exit"},
  {'P', "pidfile",             required_argument, "<file>",    SetPidFile,        "save the process id in <file>"},
  {'f', "slab-growth-factor",  required_argument, "<num>",     SetFactor,         "told back by \"stats settings\"; there are no slabs"},
  {'n', "slab-min-size",       required_argument, "<bytes>",   SetChunkSize,      "told back by \"stats settings\"; there are no slabs"},
  {'L', "enable-largepages",   no_argument,       "",          nullptr,           "accepted, no effect"},
  {'D', nullptr,               required_argument, "<char>",    SetDelimiter,      "delimiter of key prefixes, for \"stats detail\", which is on from the start then"},
  {'t', "threads",             required_argument, "<num>",     SetThreads,        "number of threads (default: 4)"},
  {'R', "max-reqs-per-event",  required_argument, "<num>",     SetRequests,       "requests of a connection before others get their turn (default: 20 told, 512 served)"},
  {'C', "disable-cas",         no_argument,       "",          DisableCas,        "store no CAS numbers"},
  {'b', "listen-backlog",      required_argument, "<num>",     SetBacklog,        "connections that may wait to be accepted (default: 1024)"},
  {'B', "protocol",            required_argument, "<name>",    SetDialect,        "protocol: auto, ascii or binary (default: auto)"},
  {'I', "max-item-size",       required_argument, "<num>",     SetItemSize,       "largest item (default: 1m, min: 1k, max: 1g)"},
  {'S', "enable-sasl",         no_argument,       "",          EnableSasl,        "ask clients of the binary protocol for a password (SASL PLAIN)"},
  {'F', "disable-flush-all",   no_argument,       "",          DisableFlush,      "disable the flush_all command"},
  {'X', "disable-dumping",     no_argument,       "",          DisableDumps,           "disable stats cachedump and lru_crawler metadump"},
  {'W', "disable-watch",       no_argument,       "",          DisableWatch,           "disable the watch command"},
  {'Y', "auth-file",           required_argument, "<file>",    SetAuthFile,       "ask clients of the text protocols for a password of <file>"},
  {'e', "memory-file",         required_argument, "<file>",    SetMemoryFile,     "keep the items in <file> over a restart with SIGUSR1 or \"shutdown graceful\""},
  {'Z', "enable-ssl",          no_argument,       "",          RefuseTls,         "not available"},
  {'o', "extended",            required_argument, "<list>",    ReadSuboptions,     "comma separated list of extended options; idle_timeout and (no_)maxconns_fast have an effect"},
  {'N', "napi-ids",            required_argument, "<num>",     SetNapiIds,        "accepted, no effect"},
  {kAdminSocketOption, "admin-socket", required_argument, "<file>", SetAdminSocket, "unix socket for this user only, on which every command may be run, whatever -c says; \"config set\" and \"config delete\" on it alone"},
  {kEndpointsOption, "endpoints", required_argument, "<list>", AddEndpoints,      "comma separated list of further addresses to listen on, as <addr>:<port>; several processes may share one"},
  {kDiscoveryOption, "auto-discovery", required_argument, "<text>", SetDiscovery, "what \"config get cluster\" answers from the start"},
};

// clang-format on

void CheckItemSize(MemcachedDraft& draft) {
  int64_t bytes = draft.memcache.max_item_bytes;
  int64_t memory = LeadingNumber(draft.parameters["maxmemory"].c_str());
  if (bytes < 1024) return draft.Fail("Item max size cannot be less than 1024 bytes.", EX_USAGE);
  if (bytes > memory / 2) {
    return draft.Fail("Cannot set item size limit higher than 1/2 of memory max.", EX_USAGE);
  }
  if (bytes > 1024 * kMegabyte)
    draft.Fail("Cannot set item size limit higher than a gigabyte.", EX_USAGE);
}

// With passwords only those protocols are spoken that ask for them.
void CheckDialect(MemcachedDraft& draft) {
  MemcacheSettings& memcache = draft.memcache;
  bool has_sasl = memcache.sasl_enabled;
  bool has_text = !memcache.auth_file.empty();
  if (!draft.has_dialect && has_sasl != has_text)
    memcache.dialect = has_sasl ? MemcacheDialect::kBinary : MemcacheDialect::kText;
  if (has_sasl && !has_text && memcache.dialect != MemcacheDialect::kBinary)
    return draft.Fail("ERROR: You cannot allow the ASCII protocol while using SASL.", EX_USAGE);
  if (has_text && !has_sasl && memcache.dialect != MemcacheDialect::kText) {
    draft.Fail(
        "ERROR: You cannot allow the BINARY protocol while using ascii authentication tokens.",
        EX_USAGE);
  }
}

void CheckTogether(MemcachedDraft& draft) {
  int64_t threads = LeadingNumber(draft.parameters["io-threads"].c_str());
  if (draft.napi_ids > threads) {
    return draft.Fail(fmt::format("Number of napi_ids({}) cannot be greater than number of "
                                  "threads({})",
                                  draft.napi_ids, threads),
                      EX_USAGE);
  }
  constexpr void (*kChecks[])(MemcachedDraft&) = {CheckItemSize, CheckSuboptions, CheckDialect,
                                                  ReadListeners};
  for (auto check : kChecks) {
    if (draft.error.empty()) check(draft);
  }
}

std::string ConfigLines(MemcachedDraft& draft) {
  draft.Set("port", std::to_string(std::max<int64_t>(draft.port, 0)));
  if (draft.parameters.contains("unixsocket")) {
    draft.Set("port", "0");
    draft.parameters.try_emplace("unixsocketperm", "700");
  }
  std::string lines;
  for (const auto& [name, value] : draft.parameters) {
    lines += name + ' ';
    if (name == "endpoints") {
      lines += value;
    } else {
      AppendQuoted(value, &lines);
    }
    lines += '\n';
  }
  return lines;
}

bool HasLetter(const Option& row) {
  return row.letter > ' ';
}

std::string HelpText() {
  std::string text = fmt::format("memcached {} (Kiln {})\n", kMemcachedVersion, kKilnVersion);
  for (const Option& row : kOptions) {
    std::string left = HasLetter(row) ? fmt::format("-{}", row.letter) : "";
    if (row.name != nullptr) {
      left += fmt::format("{}--{}{}{}", left.empty() ? "" : ", ", row.name,
                          row.placeholder.empty() ? "" : "=", row.placeholder);
    } else {
      left += fmt::format(" {}", row.placeholder);
    }
    text += fmt::format("{:<31} {}\n", left, row.help);
  }
  return text;
}

void Stop(MemcachedCommandLine& line, int code, std::string text) {
  line.exit_code = code;
  line.text = std::move(text);
}

const Option* FindOption(int letter) {
  for (const Option& row : kOptions) {
    if (row.letter == letter) return &row;
  }
  return nullptr;
}

// Reads the options into the draft; a line that is to end the start says so.
void ReadOptions(int argc, char** argv, MemcachedDraft& draft, MemcachedCommandLine& line) {
  std::string letters;
  std::vector<option> names;
  for (const Option& row : kOptions) {
    if (HasLetter(row)) letters += row.letter;
    if (HasLetter(row) && row.argument == required_argument) letters += ':';
    if (row.name != nullptr) names.push_back({row.name, row.argument, nullptr, row.letter});
  }
  names.push_back({});
  int letter = 0;
  while ((letter = getopt_long(argc, argv, letters.c_str(), names.data(), nullptr)) != -1) {
    if (letter == 'h') return Stop(line, 0, HelpText());
    if (letter == 'V') return Stop(line, 0, fmt::format("memcached {}\n", kMemcachedVersion));
    if (letter == 'i') return Stop(line, 0, "Kiln: see the file LICENSE.\n");
    const Option* row = FindOption(letter);
    if (row == nullptr) return Stop(line, 1, "Illegal argument \"?\"\n");
    if (row->apply != nullptr) row->apply(draft, optarg);
    if (!draft.error.empty()) return Stop(line, draft.error_code, draft.error + "\n");
  }
}

}  // namespace

int64_t LeadingNumber(const char* text) {
  return std::strtoll(text, nullptr, 10);
}

std::vector<std::string> SplitCommas(std::string_view list) {
  std::vector<std::string> parts;
  while (!list.empty()) {
    size_t comma = std::min(list.find(','), list.size());
    if (comma > 0) parts.emplace_back(list.substr(0, comma));
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return parts;
}

MemcachedCommandLine ReadMemcachedCommandLine(int argc, char** argv) {
  MemcachedDraft draft;
  draft.memcache.keeps_frequent = true;
  draft.parameters = {{"maxmemory", std::to_string(64 * kMegabyte)},
                      {"maxclients", "1024"},
                      {"maxmemory-policy", "allkeys-lru"},
                      {"io-threads", "4"},
                      {"tcp-backlog", "1024"},
                      {"databases", "1"},
                      {"save", ""},
                      {"protected-mode", "no"},
                      {"slowlog-log-slower-than", "-1"}};
  MemcachedCommandLine line;
  ReadOptions(argc, argv, draft, line);
  if (line.exit_code) return line;
  CheckTogether(draft);
  if (!draft.error.empty()) {
    Stop(line, draft.error_code, draft.error + "\n");
    return line;
  }
  line.config = ConfigLines(draft);
  line.memcache = draft.memcache;
  line.user = draft.user;
  line.warnings = draft.warnings;
  line.lock_memory = draft.lock_memory;
  line.dump_core = draft.dump_core;
  return line;
}

}  // namespace kiln
