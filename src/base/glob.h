// The glob patterns of KEYS, SCAN MATCH, PSUBSCRIBE, CONFIG GET and ACL rules.
//
// `*` any bytes, `?` one byte, `[abc]`, `[a-z]`, `[^x]` one byte of a class, `\x` the byte x
// itself. Bytes, not characters; only ASCII letters have a case. Pure function; any thread.
#pragma once

#include <string_view>

namespace kiln {

// Keeps Redis's corner cases, since clients may rely on them: an empty text matches only the empty
// pattern, a class may lack its ']', and in "[a-]" the ']' is the end of the range. No recursion,
// no memory; at worst |pattern| * |text| steps.
bool GlobMatches(std::string_view pattern, std::string_view text, bool ignore_case = false);

}  // namespace kiln
