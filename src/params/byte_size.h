// Sizes in bytes as redis.conf has them: "100", "100b", "1k" (1000), "1kb" (1024), "1m", "1mb",
// "1g", "1gb".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kiln {

// Units in any case. A missing number counts as 0, as in Redis; more than int64 can hold is
// refused.
std::optional<int64_t> ParseByteSize(std::string_view text);

// The shortest exact form with a unit of 1024s: "100mb", "1000".
std::string FormatByteSize(int64_t bytes);

}  // namespace kiln
