// The Redis version whose behaviour Kiln follows; clients see it in INFO, HELLO and messages.
#pragma once

#include <string_view>

namespace kiln {

inline constexpr std::string_view kRedisVersion = "7.2.4";

}  // namespace kiln
