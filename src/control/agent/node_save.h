// A snapshot of a running node: BGSAVE on its admin socket, and waiting until it is done.
//
// The file then lies in the node's folder. Blocks; any thread. A save that somebody else has begun
// (a replica that takes everything anew) is waited for first.
#pragma once

#include <functional>
#include <string>

namespace kiln {

// `folder`: the node's. Why it has not saved, as the end of a sentence, or empty. `goes_on` is
// asked many times a second; once it says no, nothing is waited for any more.
std::string SaveNode(const std::string& folder, const std::function<bool()>& goes_on);

}  // namespace kiln
