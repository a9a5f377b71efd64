#include "engine/commands/geo_area.h"

#include <algorithm>
#include <cmath>

namespace kiln {
namespace {

// The least box of coordinates around the area, about.
GeoBounds BoundsOf(const GeoArea& area) {
  double height = area.unit_metres * (area.is_box ? area.height / 2 : area.radius);
  double width = area.unit_metres * (area.is_box ? area.width / 2 : area.radius);
  Position centre = area.centre;
  double north = Degrees(height / kEarthRadiusMetres);
  // The side nearer to the pole spans more degrees.
  double widest = centre.latitude < 0 ? centre.latitude - north : centre.latitude + north;
  double east = Degrees(width / kEarthRadiusMetres / std::cos(Radians(widest)));
  return {.min_longitude = centre.longitude - east,
          .max_longitude = centre.longitude + east,
          .min_latitude = centre.latitude - north,
          .max_latitude = centre.latitude + north};
}

// How fine cells may be so that a cell and its neighbours cover what is so far away, mostly.
unsigned EstimateSteps(double range_metres, double latitude) {
  constexpr double kHalfMapMetres = 20037726.37;  // of the Mercator map
  if (range_metres == 0) return kMaxGeoSteps;
  int steps = -1;
  for (; range_metres < kHalfMapMetres; range_metres *= 2) ++steps;
  // Cells get narrower towards the poles.
  if (std::fabs(latitude) > 66) --steps;
  if (std::fabs(latitude) > 80) --steps;
  return static_cast<unsigned>(std::clamp(steps, 1, static_cast<int>(kMaxGeoSteps)));
}

// Whether the cell and its neighbours reach as far as the bounds.
bool Reaches(GeoCell cell, const GeoBounds& bounds) {
  return BoundsOf(Neighbour(cell, 0, 1)).max_latitude >= bounds.max_latitude &&
         BoundsOf(Neighbour(cell, 0, -1)).min_latitude <= bounds.min_latitude &&
         BoundsOf(Neighbour(cell, 1, 0)).max_longitude >= bounds.max_longitude &&
         BoundsOf(Neighbour(cell, -1, 0)).min_longitude <= bounds.min_longitude;
}

GeoCell CentreCell(const GeoArea& area, const GeoBounds& bounds) {
  double range =
      area.is_box
          ? std::sqrt(area.width / 2 * (area.width / 2) + area.height / 2 * (area.height / 2))
          : area.radius;
  unsigned steps = EstimateSteps(range * area.unit_metres, area.centre.latitude);
  GeoCell cell = CellAt(area.centre, steps);
  if (steps > 1 && !Reaches(cell, bounds)) cell = CellAt(area.centre, steps - 1);
  return cell;
}

// Where the neighbours lie, in the order in which they are looked through.
struct Direction {
  int east;
  int north;
};
constexpr Direction kDirections[] = {{0, 0}, {0, 1},  {0, -1}, {1, 0},  {-1, 0},
                                     {1, 1}, {-1, 1}, {1, -1}, {-1, -1}};

}  // namespace

std::optional<double> GeoArea::DistanceTo(Position position) const {
  if (!is_box) {
    double distance = DistanceMetres(centre, position);
    return distance > radius * unit_metres ? std::nullopt : std::optional(distance);
  }
  if (LatitudeDistanceMetres(position.latitude, centre.latitude) > height * unit_metres / 2) {
    return std::nullopt;
  }
  Position beside{centre.longitude, position.latitude};
  if (DistanceMetres(position, beside) > width * unit_metres / 2) return std::nullopt;
  return DistanceMetres(centre, position);
}

GeoCover::GeoCover(const GeoArea& area) {
  GeoBounds bounds = BoundsOf(area);
  GeoCell centre = CentreCell(area, bounds);
  GeoBounds inner = BoundsOf(centre);
  // With one step there are but four cells, and a neighbour may be needed on its other side.
  bool may_leave_out = centre.steps >= 2;
  GeoCell last;
  for (const Direction& direction : kDirections) {
    bool is_beyond = (direction.north < 0 && inner.min_latitude < bounds.min_latitude) ||
                     (direction.north > 0 && inner.max_latitude > bounds.max_latitude) ||
                     (direction.east < 0 && inner.min_longitude < bounds.min_longitude) ||
                     (direction.east > 0 && inner.max_longitude > bounds.max_longitude);
    if (may_leave_out && is_beyond) continue;
    GeoCell cell = Neighbour(centre, direction.east, direction.north);
    // Of few cells the one to the east is the one to the west.
    if (cell == last) continue;
    last = cell;
    ranges_[count_++] = {.min = cell.first_score(), .max = cell.end_score(), .max_exclusive = true};
  }
}

}  // namespace kiln
