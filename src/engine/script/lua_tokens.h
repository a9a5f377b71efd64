// Splits Lua 5.1 source into tokens.
//
// For reading scripts, not for running them: what this does not understand is no text to draw
// conclusions from, so it gives up. Source: the Lua 5.1 manual, section 2.1.
//
// Thread safety: pure.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

namespace kiln {

struct LuaToken {
  enum class Kind { kName, kKeyword, kString, kNumber, kSymbol, kEnd };
  Kind kind;
  // As it stands in the source; of a string what is between its quotes.
  std::string_view text;
  // A string whose value is its text: in quotes, without escapes.
  bool is_plain = false;

  bool IsName() const { return kind == Kind::kName; }
  bool Is(std::string_view word) const {
    return text == word && (kind == Kind::kSymbol || kind == Kind::kKeyword);
  }
  bool IsNamed(std::string_view name) const { return IsName() && text == name; }
};

// The last token is kEnd. Nothing when the source is longer than `max_bytes`, or holds a byte or a
// string that cannot be.
std::optional<std::vector<LuaToken>> ReadLuaTokens(std::string_view source, size_t max_bytes);

}  // namespace kiln
