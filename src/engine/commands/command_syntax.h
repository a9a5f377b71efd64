// The notation in which a command's row writes its arguments, and what it says.
//
//   key value [condition=<NX|XX>@2.6.12] [GET@6.2.0] [LIMIT limit=(offset count)] [data=(a b)...]
//
// An item is an argument (lower case), a token (upper case, or in quotes as it is written), a
// choice `name=<a|b>` or a sequence `name=(a b)`. A token right before an argument or a group
// belongs to it; `name=TOKEN` names a token that is not called by its own letters. Brackets make
// one item optional. Behind an item may follow, in any order:
//   :type     where the name does not tell the type (see TypeOf in command_syntax.cc)
//   'text'    shown in place of the name
//   #n        its key is found by this key specification; otherwise keys are numbered as they come
//   ...       it repeats;  * it repeats with its token
//   @version  since then;  !version  deprecated since then
//
// COMMAND DOCS and the reference page are made from it. The names and types are those of Redis 7.2.
// Views into the text parsed, which must stay. No errors but "this is not the notation".
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace kiln {

enum class SyntaxType : uint8_t {
  kString,
  kInteger,
  kDouble,
  kKey,
  kPattern,
  kUnixTime,
  kPureToken,
  kOneOf,
  kBlock,
};

struct SyntaxItem {
  std::string_view name;  // empty for a token called by its own letters in lower case
  SyntaxType type = SyntaxType::kString;
  std::string_view display;  // empty: the name
  std::string_view token;
  std::string_view since;
  std::string_view deprecated_since;
  int key_spec = -1;
  bool optional = false;
  bool multiple = false;
  bool repeats_token = false;
  std::vector<SyntaxItem> children;  // of kOneOf and kBlock
};

// The word COMMAND DOCS has for it, such as "pure-token".
std::string_view NameOf(SyntaxType type);

// False when the text is not in the notation.
bool ParseSyntax(std::string_view text, std::vector<SyntaxItem>* items);

}  // namespace kiln
