// What the geo commands share: coordinates and units in arguments, coordinates and distances in
// replies.
#pragma once

#include <optional>
#include <string_view>

#include "engine/commands/call.h"
#include "engine/commands/geo_hash.h"

namespace kiln {

// "longitude latitude". Nothing when an error is replied.
std::optional<Position> TakePosition(Call& call);
// The metres of "m", "km", "ft" or "mi". Nothing when an error is replied.
std::optional<double> TakeUnit(Call& call);

void ReplyPosition(Call& call, Position position);
// With four decimals.
void ReplyDistance(Call& call, double distance);

}  // namespace kiln
