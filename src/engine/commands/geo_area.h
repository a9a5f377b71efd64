// The area that a geo search looks at: a circle or a box, and the scores that can lie in it.
//
// A box is as high and as wide as it says along the meridian and the parallel through each point,
// so its sides bend. Pure functions; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>

#include "engine/commands/geo_hash.h"
#include "engine/store/types/zset_range.h"

namespace kiln {

struct GeoArea {
  Position centre;
  bool is_box = false;
  // In units of so many metres.
  double unit_metres = 1;
  double radius = 0;  // of a circle
  double width = 0;   // of a box
  double height = 0;

  // The distance from the centre in metres, if the position lies in the area.
  std::optional<double> DistanceTo(Position position) const;
};

// Ranges of scores, at most a cell and its eight neighbours, that together hold all positions of
// the area.
class GeoCover {
 public:
  explicit GeoCover(const GeoArea& area);
  std::span<const ScoreRange> ranges() const { return {ranges_.data(), count_}; }

 private:
  std::array<ScoreRange, 9> ranges_;
  size_t count_ = 0;
};

}  // namespace kiln
