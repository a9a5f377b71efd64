// Passwords of users: kept and compared as their SHA-256 in lower-case hex, as Redis does.
//
// Pure functions; any thread.
#pragma once

#include <string>
#include <string_view>

namespace kiln {

std::string HashPassword(std::string_view password);
bool IsPasswordHash(std::string_view text);
// In a time that does not tell how much of it was right. Both must be hashes.
bool IsSameHash(std::string_view a, std::string_view b);

}  // namespace kiln
