// The Redis version whose behaviour Kiln follows; clients see it in INFO, HELLO and messages.
#pragma once

#include <string_view>

namespace kiln {

inline constexpr std::string_view kRedisVersion = "7.2.4";
inline constexpr std::string_view kKilnVersion = "0.1.0";

// The same for memcached.
inline constexpr std::string_view kMemcachedVersion = "1.6.18";

}  // namespace kiln
