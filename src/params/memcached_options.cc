#include "params/memcached_options.h"

#include <fmt/format.h>
#include <getopt.h>
#include <sysexits.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <string_view>
#include <vector>

#include "base/split_args.h"
#include "base/version.h"
#include "params/endpoint.h"

namespace kiln {
namespace {

constexpr int64_t kMegabyte = 1 << 20;

// What the options read so far say.
struct Draft {
  std::map<std::string, std::string> parameters;  // by Kiln's names
  std::string addresses;
  MemcacheSettings memcache;
  std::string user;
  std::string error;
  int error_code = 1;

  void Set(std::string name, std::string_view value) { parameters[std::move(name)] = value; }
  void Fail(std::string text, int code = 1) {
    error = std::move(text);
    error_code = code;
  }
};

std::vector<std::string> SplitCommas(std::string_view list) {
  std::vector<std::string> parts;
  while (!list.empty()) {
    size_t comma = std::min(list.find(','), list.size());
    if (comma > 0) parts.emplace_back(list.substr(0, comma));
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return parts;
}

int64_t Number(const char* text) {
  return std::strtoll(text, nullptr, 10);
}

void SetPort(Draft& draft, const char* value) {
  draft.Set("port", std::to_string(Number(value)));
}
void SetSocket(Draft& draft, const char* value) {
  draft.Set("unixsocket", value);
}
void SetAdminSocket(Draft& draft, const char* value) {
  draft.Set("admin-socket", value);
}
void SetDiscovery(Draft& draft, const char* value) {
  draft.memcache.discovery = value;
}
void SetSocketMode(Draft& draft, const char* value) {
  draft.Set("unixsocketperm", value);
}
void SetMemory(Draft& draft, const char* value) {
  draft.Set("maxmemory", std::to_string(Number(value) * kMegabyte));
}
void DisableEvictions(Draft& draft, const char*) {
  draft.Set("maxmemory-policy", "noeviction");
}
void EnableShutdown(Draft& draft, const char*) {
  draft.memcache.shutdown_enabled = true;
}
void DisableCas(Draft& draft, const char*) {
  draft.memcache.has_cas = false;
}
void DisableFlush(Draft& draft, const char*) {
  draft.memcache.flush_enabled = false;
}
void AddVerbosity(Draft& draft, const char*) {
  ++draft.memcache.verbosity;
}
void GoToBackground(Draft& draft, const char*) {
  draft.Set("daemonize", "yes");
}
void SetUser(Draft& draft, const char* value) {
  draft.user = value;
}
void SetPidFile(Draft& draft, const char* value) {
  draft.Set("pidfile", value);
}
void SetBacklog(Draft& draft, const char* value) {
  draft.Set("tcp-backlog", std::to_string(Number(value)));
}

void AddAddress(Draft& draft, const char* value) {
  if (!draft.addresses.empty()) draft.addresses += ',';
  draft.addresses += value;
}

void AddEndpoints(Draft& draft, const char* value) {
  std::string& words = draft.parameters["endpoints"];
  for (const std::string& endpoint : SplitCommas(value)) {
    if (!ParseEndpoint(endpoint))
      return draft.Fail(fmt::format("'{}' is no endpoint (address:port)", endpoint), EX_USAGE);
    if (!words.empty()) words += ' ';
    words += endpoint;
  }
}

void SetConnections(Draft& draft, const char* value) {
  if (Number(value) <= 0) return draft.Fail("Maximum connections must be greater than 0");
  draft.Set("maxclients", std::to_string(Number(value)));
}

void SetThreads(Draft& draft, const char* value) {
  constexpr int64_t kMaxThreads = 128;
  if (Number(value) <= 0) return draft.Fail("Number of threads must be greater than 0");
  draft.Set("io-threads", std::to_string(std::min(Number(value), kMaxThreads)));
}

void CheckUdp(Draft& draft, const char* value) {
  if (Number(value) != 0) draft.Fail("This server is not built with UDP support.", EX_USAGE);
}

void CheckFactor(Draft& draft, const char* value) {
  if (std::strtod(value, nullptr) <= 1.0) draft.Fail("Factor must be greater than 1");
}

void CheckChunkSize(Draft& draft, const char* value) {
  if (Number(value) == 0) draft.Fail("Chunk size must be greater than 0");
}

void CheckRequests(Draft& draft, const char* value) {
  if (Number(value) == 0) draft.Fail("Number of requests per event must be greater than 0");
}

void CheckDelimiter(Draft& draft, const char* value) {
  if (*value == '\0') draft.Fail("No delimiter specified");
}

void CheckNapiIds(Draft& draft, const char* value) {
  if (Number(value) <= 0) draft.Fail("Maximum number of NAPI IDs must be greater than 0");
}

void CheckProtocol(Draft& draft, const char* value) {
  std::string_view protocol(value);
  if (protocol == "auto" || protocol == "ascii") return;
  if (protocol == "binary")
    return draft.Fail("This server is not built with support for the binary protocol.", EX_USAGE);
  draft.Fail(
      fmt::format(
          "Invalid value for binding protocol: {}\n -- should be one of auto, binary, or ascii",
          value),
      EX_USAGE);
}

void SetItemSize(Draft& draft, const char* value) {
  int64_t bytes = Number(value);
  char unit = *value == '\0' ? '\0' : value[std::string_view(value).size() - 1];
  if (unit == 'k' || unit == 'K') bytes *= 1024;
  if (unit == 'm' || unit == 'M') bytes *= kMegabyte;
  draft.memcache.max_item_bytes = bytes;
}

void RefuseTls(Draft& draft, const char*) {
  draft.Fail("This server is not built with TLS support.", EX_USAGE);
}
void RefuseSasl(Draft& draft, const char*) {
  draft.Fail("This server is not built with SASL support.", EX_USAGE);
}
void RefuseAuthFile(Draft& draft, const char*) {
  draft.Fail("This server is not built with support for authentication files.", EX_USAGE);
}
void RefuseMemoryFile(Draft& draft, const char*) {
  draft.Fail("This server is not built with support for memory files.", EX_USAGE);
}

void ReadExtended(Draft& draft, const char* value);

// In place of the letters of options that have none.
enum LongOption : char { kAdminSocketOption = 1, kEndpointsOption, kDiscoveryOption };

struct Option {
  char letter;
  const char* name;
  int argument;
  std::string_view placeholder;
  void (*apply)(Draft& draft, const char* value);  // null: accepted, has no effect
  std::string_view help;
};

// clang-format off
constexpr Option kOptions[] = {
  // letter and long name      argument           placeholder  effect             help
  {'p', "port",                required_argument, "<num>",     SetPort,           "TCP port to listen on (default: 11211)"},
  {'U', "udp-port",            required_argument, "<num>",     CheckUdp,          "UDP port: 0 only, there is no UDP"},
  {'s', "unix-socket",         required_argument, "<file>",    SetSocket,         "unix socket to listen on (disables network support)"},
  {'a', "unix-mask",           required_argument, "<mask>",    SetSocketMode,     "access mask for the unix socket, in octal (default: 700)"},
  {'A', "enable-shutdown",     no_argument,       "",          EnableShutdown,    "enable the \"shutdown\" command"},
  {'l', "listen",              required_argument, "<addr>",    AddAddress,        "address to listen on (default: all)"},
  {'d', "daemon",              no_argument,       "",          GoToBackground,    "run as a daemon"},
  {'r', "enable-coredumps",    no_argument,       "",          nullptr,           "accepted, no effect"},
  {'u', "user",                required_argument, "<user>",    SetUser,           "become <user> (only when run as root)"},
  {'m', "memory-limit",        required_argument, "<num>",     SetMemory,         "memory in megabytes (default: 64)"},
  {'M', "disable-evictions",   no_argument,       "",          DisableEvictions,  "return an error on memory exhausted instead of evicting"},
  {'c', "conn-limit",          required_argument, "<num>",     SetConnections,    "most simultaneous connections (default: 1024)"},
  {'k', "lock-memory",         no_argument,       "",          nullptr,           "accepted, no effect"},
  {'v', "verbose",             optional_argument, "",          AddVerbosity,      "verbose (-vv, -vvv: more)"},
  {'h', "help",                no_argument,       "",          nullptr,           "print this help and exit"},
  {'i', "license",             no_argument,       "",          nullptr,           "print the license and exit"},
  {'V', "version",             no_argument,       "",          nullptr,           "print the version and exit"},
  {'P', "pidfile",             required_argument, "<file>",    SetPidFile,        "save the process id in <file>"},
  {'f', "slab-growth-factor",  required_argument, "<num>",     CheckFactor,       "accepted, no effect: there are no slabs"},
  {'n', "slab-min-size",       required_argument, "<bytes>",   CheckChunkSize,    "accepted, no effect: there are no slabs"},
  {'L', "enable-largepages",   no_argument,       "",          nullptr,           "accepted, no effect"},
  {'D', nullptr,               required_argument, "<char>",    CheckDelimiter,    "accepted, no effect: no statistics by prefix"},
  {'t', "threads",             required_argument, "<num>",     SetThreads,        "number of threads (default: 4)"},
  {'R', "max-reqs-per-event",  required_argument, "<num>",     CheckRequests,     "accepted, no effect"},
  {'C', "disable-cas",         no_argument,       "",          DisableCas,        "store no CAS numbers"},
  {'b', "listen-backlog",      required_argument, "<num>",     SetBacklog,        "connections that may wait to be accepted (default: 1024)"},
  {'B', "protocol",            required_argument, "<name>",    CheckProtocol,     "protocol: ascii or auto"},
  {'I', "max-item-size",       required_argument, "<num>",     SetItemSize,       "largest item (default: 1m, min: 1k, max: 1024m)"},
  {'S', "enable-sasl",         no_argument,       "",          RefuseSasl,        "not available"},
  {'F', "disable-flush-all",   no_argument,       "",          DisableFlush,      "disable the flush_all command"},
  {'X', "disable-dumping",     no_argument,       "",          nullptr,           "accepted: nothing can be dumped"},
  {'W', "disable-watch",       no_argument,       "",          nullptr,           "accepted: nothing can be watched"},
  {'Y', "auth-file",           required_argument, "<file>",    RefuseAuthFile,    "not available"},
  {'e', "memory-file",         required_argument, "<file>",    RefuseMemoryFile,  "not available"},
  {'Z', "enable-ssl",          no_argument,       "",          RefuseTls,         "not available"},
  {'o', "extended",            required_argument, "<list>",    ReadExtended,      "comma separated list of extended options; idle_timeout has an effect"},
  {'N', "napi-ids",            required_argument, "<num>",     CheckNapiIds,      "accepted, no effect"},
  {kAdminSocketOption, "admin-socket", required_argument, "<file>", SetAdminSocket, "unix socket for this user only, on which every command may be run, whatever -c says; \"config set\" and \"config delete\" on it alone"},
  {kEndpointsOption, "endpoints", required_argument, "<list>", AddEndpoints,      "comma separated list of further addresses to listen on, as <addr>:<port>; several processes may share one"},
  {kDiscoveryOption, "auto-discovery", required_argument, "<text>", SetDiscovery, "what \"config get cluster\" answers from the start"},
};

// Of -o. Those with a value that memcached insists on are marked.
struct Extended {
  std::string_view name;
  bool needs_value;
};
constexpr Extended kExtended[] = {
  {"drop_privileges", false}, {"hash_algorithm", true}, {"hashpower", true}, {"hot_lru_pct", true},
  {"hot_max_factor", true}, {"idle_timeout", true}, {"inline_ascii_resp", false}, {"lru_crawler", false},
  {"lru_crawler_sleep", true}, {"lru_crawler_tocrawl", true}, {"lru_maintainer", false}, {"maxconns_fast", false},
  {"modern", false}, {"no_chunked_items", false}, {"no_drop_privileges", false}, {"no_hashexpand", false},
  {"no_inline_ascii_resp", false}, {"no_lru_crawler", false}, {"no_lru_maintainer", false},
  {"no_maxconns_fast", false}, {"no_modern", false}, {"no_slab_automove", false}, {"no_slab_reassign", false},
  {"read_buf_mem_limit", true}, {"resp_obj_mem_limit", false}, {"slab_automove", false},
  {"slab_automove_freeratio", false}, {"slab_automove_ratio", true}, {"slab_automove_window", true},
  {"slab_chunk_max", true}, {"slab_reassign", false}, {"slab_sizes", false}, {"tail_repair_time", true},
  {"temporary_ttl", true}, {"track_sizes", false}, {"warm_lru_pct", true}, {"warm_max_factor", true},
  {"watcher_logbuf_size", true}, {"worker_logbuf_size", true},
};
// clang-format on

void ReadExtended(Draft& draft, const char* value) {
  for (const std::string& part : SplitCommas(value)) {
    size_t equals = std::min(part.find('='), part.size());
    std::string_view name = std::string_view(part).substr(0, equals);
    auto row = std::find_if(std::begin(kExtended), std::end(kExtended),
                            [&](const Extended& known) { return known.name == name; });
    if (row == std::end(kExtended))
      return draft.Fail(fmt::format("Illegal suboption \"{}\"", part));
    if (row->needs_value && equals == part.size())
      return draft.Fail(fmt::format("Missing {} argument", name));
    if (name == "idle_timeout")
      draft.Set("timeout", std::to_string(Number(part.c_str() + equals + 1)));
  }
}

// "-l" takes "host", "host:port" and "[v6]:port", several of them; all ports must agree, for Kiln
// listens on one.
void ReadAddresses(Draft& draft) {
  std::string hosts;
  std::string port;
  for (std::string address : SplitCommas(draft.addresses)) {
    if (address.starts_with("notls:")) address.erase(0, 6);
    size_t colon = address.rfind(':');
    bool has_brackets = address.starts_with('[');
    bool has_port = has_brackets ? colon != std::string::npos && address[colon - 1] == ']'
                                 : colon != std::string::npos && address.find(':') == colon;
    if (has_port) {
      std::string given = address.substr(colon + 1);
      if (!port.empty() && port != given)
        return draft.Fail("All addresses of -l must have the same port", EX_USAGE);
      port = given;
      address.resize(colon);
    }
    if (has_brackets) address = address.substr(1, address.find(']') - 1);
    if (!hosts.empty()) hosts += ' ';
    hosts += address;
  }
  if (!hosts.empty()) draft.parameters["bind"] = hosts;
  if (!port.empty()) SetPort(draft, port.c_str());
}

void CheckItemSize(Draft& draft) {
  int64_t bytes = draft.memcache.max_item_bytes;
  int64_t memory = Number(draft.parameters["maxmemory"].c_str());
  if (bytes < 1024) return draft.Fail("Item max size cannot be less than 1024 bytes.", EX_USAGE);
  if (bytes > memory / 2) {
    return draft.Fail("Cannot set item size limit higher than 1/2 of memory max.", EX_USAGE);
  }
  if (bytes > 1024 * kMegabyte)
    draft.Fail("Cannot set item size limit higher than a gigabyte.", EX_USAGE);
}

std::string ConfigLines(Draft& draft) {
  if (draft.parameters.contains("unixsocket")) {
    draft.Set("port", "0");
    draft.parameters.try_emplace("unixsocketperm", "700");
  }
  std::string lines;
  for (const auto& [name, value] : draft.parameters) {
    lines += name + ' ';
    if (name == "bind" || name == "endpoints") {
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
void ReadOptions(int argc, char** argv, Draft& draft, MemcachedCommandLine& line) {
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

MemcachedCommandLine ReadMemcachedCommandLine(int argc, char** argv) {
  Draft draft;
  draft.parameters = {{"port", "11211"},        {"maxmemory", std::to_string(64 * kMegabyte)},
                      {"maxclients", "1024"},   {"maxmemory-policy", "allkeys-lru"},
                      {"io-threads", "4"},      {"tcp-backlog", "1024"},
                      {"databases", "1"},       {"save", ""},
                      {"protected-mode", "no"}, {"slowlog-log-slower-than", "-1"}};
  MemcachedCommandLine line;
  ReadOptions(argc, argv, draft, line);
  if (line.exit_code) return line;
  ReadAddresses(draft);
  if (draft.error.empty()) CheckItemSize(draft);
  if (!draft.error.empty()) {
    Stop(line, draft.error_code, draft.error + "\n");
    return line;
  }
  line.config = ConfigLines(draft);
  line.memcache = draft.memcache;
  line.user = draft.user;
  return line;
}

}  // namespace kiln
