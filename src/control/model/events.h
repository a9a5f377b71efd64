// Events as DescribeEvents tells them: documents in order of time.
#pragma once

#include <string>

#include "control/model/documents.h"

namespace kiln {

inline constexpr int64_t kEventLifetimeMs = int64_t{14} * 24 * 3600 * 1000;

// "event/<13 digits of ms>-<random>": a key of its own for each event. Any thread.
std::string NewEventKey(int64_t time_ms);
// Sorts before every event of that moment, and after all before it.
std::string FirstEventKey(int64_t time_ms);

}  // namespace kiln
