// Function libraries: what FUNCTION LOAD takes and FCALL calls.
//
// A library is Lua code whose first line is "#!lua name=mylib"; running it once registers its
// functions. Source: https://redis.io/docs/latest/develop/programmability/functions-intro/
//
// Thread safety: a library never changes once made.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kiln {

struct FunctionInfo {
  std::string name;
  std::optional<std::string> description;
  uint32_t flags = 0;  // Of ScriptFlag.
};

struct FunctionLibrary {
  std::string name;
  std::string code;       // The first line included.
  size_t head_bytes = 0;  // Of the first line, without its line feed.
  std::vector<FunctionInfo> functions;

  std::string_view body() const { return std::string_view(code).substr(head_bytes); }
};

// Names of libraries and functions are the same in any case.
struct NameLess {
  using is_transparent = void;
  bool operator()(std::string_view left, std::string_view right) const;
};

// Letters, digits and underscores, at least one.
bool IsFunctionName(std::string_view name);

// Reads the first line; the library's functions are not known yet. An error reply's text without
// its code word, or empty.
std::string ReadLibrary(std::string_view code, FunctionLibrary* library);

}  // namespace kiln
