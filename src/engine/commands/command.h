// Command: one row of the command table. Everything the server knows of a command stands in its
// row.
//
// Rows live beside their handlers, one file a group, sorted by name; registry.cc lists the groups.
// From a row come the arity check, which shards to lock, MULTI and script rules, the memory check,
// COMMAND INFO/DOCS and the statistics. A handler is a plain function: arguments, lookup, change,
// reply. It knows no socket, thread or protocol version.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace kiln {

struct Call;
struct KeyAccess;

enum CommandFlag : uint32_t {
  kWrite = 1u << 0,
  kReadOnly = 1u << 1,
  kGrows = 1u << 2,  // may need memory: refused when over maxmemory ("denyoom")
  kAdmin = 1u << 3,
  kPubSub = 1u << 4,
  kNoScript = 1u << 5,
  kBlocking = 1u << 6,
  kLoading = 1u << 7,  // allowed while loading
  kStale = 1u << 8,
  kFast = 1u << 9,
  kNoAuth = 1u << 10,  // allowed before AUTH
  kNoMulti = 1u << 11,
  kMayReplicate = 1u << 12,
  kSkipSlowlog = 1u << 13,
  kSkipMonitor = 1u << 14,
  kNoMandatoryKeys = 1u << 15,
  kAllowBusy = 1u << 16,
  kMovableKeys = 1u << 17,
  kContainer = 1u << 18,  // has subcommand rows, named "PARENT|CHILD"
  kNoAsyncLoading = 1u << 19,
  kDebugOnly = 1u << 20,
  kAsking = 1u << 21,  // as if ASKING had been sent before it

  // How Kiln runs it.
  kGate = 1u << 24,         // runs alone: no other worker is inside
  kEndsBatch = 1u << 25,    // later requests of the connection are looked at only after it ran
  kImmediate = 1u << 26,    // runs at once inside MULTI instead of being queued
  kWalksShards = 1u << 28,  // visits shards one by one with Call::WithShard
  kLocksQueue = 1u << 27,   // locks what the client's queued and watched keys need (EXEC)
};

// ACL categories beyond those that the flags give (read, write, fast, slow, admin, dangerous,
// blocking, pubsub).
enum class Acl : uint32_t {
  kNone = 0,
  kKeyspace = 1u << 0,
  kSet = 1u << 1,
  kSortedSet = 1u << 2,
  kList = 1u << 3,
  kHash = 1u << 4,
  kString = 1u << 5,
  kBitmap = 1u << 6,
  kHyperLogLog = 1u << 7,
  kGeo = 1u << 8,
  kStream = 1u << 9,
  kConnection = 1u << 10,
  kTransaction = 1u << 11,
  kScripting = 1u << 12,
  kDangerous = 1u << 13,
  kAdministration = 1u << 14,  // "admin" for commands without the flag
};
constexpr Acl operator|(Acl a, Acl b) {
  return static_cast<Acl>(static_cast<uint32_t>(a) | static_cast<uint32_t>(b));
}
constexpr bool Has(Acl set, Acl one) {
  return (static_cast<uint32_t>(set) & static_cast<uint32_t>(one)) != 0;
}

using Arguments = std::span<const std::string_view>;
// Appends the positions of the keys in `arguments` (0 is the command's name); false when the
// arguments make no sense.
using FindKeys = bool (*)(Arguments arguments, std::vector<uint32_t>* positions);

// Where a command's keys are: first, last (negative counts from the end) and step, as COMMAND INFO
// says; or found by a function, for commands with a count of keys or keys behind keywords.
struct Keys {
  int first = 0;
  int last = 0;
  int step = 0;
  FindKeys find = nullptr;

  static constexpr Keys None() { return {}; }
  static constexpr Keys One() { return {1, 1, 1, nullptr}; }
  static constexpr Keys Range(int first, int last, int step) {
    return {first, last, step, nullptr};
  }
  static constexpr Keys All() { return {1, -1, 1, nullptr}; }
  // `first`, `last` and `step` are what COMMAND INFO reports.
  static constexpr Keys By(FindKeys find, int first = 0, int last = 0, int step = 0) {
    return {first, last, step, find};
  }
  constexpr bool any() const { return first != 0 || find != nullptr; }
};

// Finder for "numkeys key [key ...]" with the count at a position. Defined in key_positions.cc.
template <int kCountAt>
bool FindCountedKeys(Arguments arguments, std::vector<uint32_t>* positions);

using CommandHandler = void (*)(Call& call);

struct Command {
  std::string_view name;  // upper case; subcommands as "CONFIG|GET"
  int arity;              // argument count with the name; negative: at least
  Keys keys;
  uint32_t flags;
  Acl acl;
  CommandHandler handler;  // null only for containers, which answer through their subcommands
  std::string_view since;
  std::string_view usage;  // the arguments, in the notation of command_syntax.h
  std::string_view summary;
  // Derived when the CommandTable is built: the row's place among all rows, the words of its name,
  // where its first key is, as far as it has some (0: nowhere fixed), and whether that key is all
  // that it locks.
  mutable uint32_t number = 0;
  mutable uint8_t words = 1;
  mutable uint8_t first_key = 0;
  mutable bool has_one_key = false;
  // For clients of the admin socket alone; see CommandTable::Restrict.
  mutable bool is_restricted = false;
  // For a list of keys: the count of arguments with which it is just one. 0: never.
  mutable uint8_t one_key_arguments = 0;
  // What it does with its keys (key_access.h); null when that has no row.
  mutable const KeyAccess* access = nullptr;

  constexpr bool Is(uint32_t flag) const { return (flags & flag) != 0; }
  bool HasArity(size_t count) const {
    auto given = static_cast<int>(count);
    return given == arity || (arity < 0 && given >= -arity);
  }
};

template <size_t kCount>
constexpr bool WellFormed(const Command (&rows)[kCount]) {
  for (size_t i = 0; i < kCount; ++i) {
    const Command& row = rows[i];
    if (i > 0 && !(rows[i - 1].name < row.name)) return false;
    if (row.summary.empty() || row.since.empty() || row.arity == 0) return false;
    if (row.Is(kWrite) && row.Is(kReadOnly)) return false;
    if (row.handler == nullptr && !row.Is(kContainer)) return false;
  }
  return true;
}

// Appends the positions of all keys of a request; false when they cannot be told.
bool KeyPositions(const Command& command, Arguments arguments, std::vector<uint32_t>* positions);

}  // namespace kiln
