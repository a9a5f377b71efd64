// Lines of words with quotes, as the configuration file and inline commands have them.
//
// Words are separated by blanks. "..." takes the escapes \n \r \t \b \a \xHH and \<any byte>; '...'
// takes only \'. A closing quote must be followed by a blank or the end. Pure functions; any
// thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kiln {

// The words of a line, or nothing when its quotes do not balance. The line ends at a zero byte.
std::optional<std::vector<std::string>> SplitArgs(std::string_view line);

// Appends `text` in double quotes with escapes, so that SplitArgs reads it back as one word.
void AppendQuoted(std::string_view text, std::string* out);

}  // namespace kiln
