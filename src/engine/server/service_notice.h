// Tells systemd how the server is: "READY=1", "STATUS=...", "STOPPING=1".
//
// A datagram to the socket that the environment variable NOTIFY_SOCKET names; nothing happens where
// there is none. Any thread. Source: sd_notify(3).
#pragma once

#include <string_view>

namespace kiln {

void NotifyServiceManager(std::string_view text);

}  // namespace kiln
