// Script: the text of a script with its SHA1 and what its first line declares.
//
// A first line "#!lua flags=no-writes,allow-oom" states rights and duties ahead; scripts without
// one get Redis's older, laxer rules. Source:
// https://redis.io/docs/latest/develop/programmability/lua-api/#script_flags
//
// Thread safety: pure functions; a Script never changes once made.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kiln {

class CommandTable;

enum ScriptFlag : uint32_t {
  kScriptNoWrites = 1u << 0,
  kScriptAllowOom = 1u << 1,
  kScriptAllowStale = 1u << 2,
  kScriptNoCluster = 1u << 3,
  kScriptAllowCrossSlot = 1u << 4,
  kScriptNoShebang = 1u << 5,
};

// By its name in a first line or in redis.register_function; 0 when there is none.
uint32_t FindScriptFlag(std::string_view name);
// The names of the flags, in their order.
std::vector<std::string_view> ScriptFlagNames(uint32_t flags);

// SHA1 as 40 lower-case hexadecimal digits.
struct ShaText {
  std::array<char, 40> digits;
  bool operator==(const ShaText&) const = default;
  std::string_view view() const { return {digits.data(), digits.size()}; }
};
struct ShaTextHash {
  size_t operator()(const ShaText& sha) const {
    uint64_t word;
    std::memcpy(&word, sha.digits.data(), sizeof(word));
    return word * 0x9e3779b97f4a7c15;
  }
};

ShaText Sha1Of(std::string_view bytes);
// Forty characters, upper case made lower; nothing for another length.
std::optional<ShaText> ParseSha(std::string_view text);

struct Script {
  std::string body;
  ShaText sha;
  uint32_t flags = 0;
  size_t shebang_bytes = 0;
  // Proven; see declared_keys.h.
  bool keeps_to_keys = false;

  // What Lua compiles: the line feed of the first line stays, so that line numbers are the
  // author's.
  std::string_view code() const { return std::string_view(body).substr(shebang_bytes); }
};

// Null when the first line is wrong, with an error reply (without a code word) in `error`.
std::shared_ptr<const Script> MakeScript(std::string_view body, const CommandTable& commands,
                                         std::string* error);
// The flags of a script's first line; nothing when that is wrong, with the same error.
std::optional<uint32_t> ReadScriptFlags(std::string_view body, std::string* error);

}  // namespace kiln
