// Times as the AWS APIs write them: ISO 8601, UTC, milliseconds since 1970. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kiln {

// "2016-12-21T21:59:43.794Z".
std::string FormatIsoTime(int64_t time_ms);
// "20161221T215943Z", as signatures have it.
std::string FormatBasicTime(int64_t time_ms);

// "2016-12-21", "2016-12-21T21:59:43", with a fraction of any length or none, with "Z", "+01:00" or
// nothing behind; the years 1970 to 9999.
std::optional<int64_t> ParseIsoTime(std::string_view text);
// "20161221T215943Z".
std::optional<int64_t> ParseBasicTime(std::string_view text);

}  // namespace kiln
