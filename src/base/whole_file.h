// Files that are read and written as a whole.
//
// Any thread. Errors: false, with the reason in errno.
#pragma once

#include <string>
#include <string_view>

namespace kiln {

// Appends what the file holds.
bool ReadWholeFile(const std::string& path, std::string* text);
// The path names the old or the new content at any time, also after a crash. The mode stays; a new
// file has 0644.
bool ReplaceFile(const std::string& path, std::string_view text);

}  // namespace kiln
