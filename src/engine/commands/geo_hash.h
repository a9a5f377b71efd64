// Positions on Earth as the scores of a sorted set, so that what lies close together has close
// scores.
//
// Latitude (within the limits of the web's Mercator map) and longitude are each cut into 2^26
// steps, and the 26 bits of both are interleaved, latitude lowest: 52 bits, which a double holds
// exactly. A cell is what has the first 2n of these bits in common: n steps. Scores, texts and
// distances are bit for bit those of Redis (geohash.c, geohash_helper.c), and so is the order of
// arithmetic here. Pure functions; any thread. Angles in degrees, lengths in metres.
#pragma once

#include <array>
#include <cstdint>

namespace kiln {

constexpr unsigned kMaxGeoSteps = 26;
constexpr double kMaxLongitude = 180;
constexpr double kMaxLatitude = 85.05112878;
constexpr double kEarthRadiusMetres = 6372797.560856;

struct Position {
  double longitude = 0;
  double latitude = 0;

  bool IsOnMap() const {
    return longitude >= -kMaxLongitude && longitude <= kMaxLongitude && latitude >= -kMaxLatitude &&
           latitude <= kMaxLatitude;
  }
};

double Radians(double degrees);
double Degrees(double radians);

// One of 4^steps parts of the map; no steps: none.
struct GeoCell {
  uint64_t bits = 0;
  unsigned steps = 0;

  // The scores of its positions: from first_score() up to, not including, end_score().
  double first_score() const { return Score(bits); }
  double end_score() const { return Score(bits + 1); }
  bool operator==(const GeoCell&) const = default;

 private:
  double Score(uint64_t prefix) const {
    return static_cast<double>(prefix << (2 * (kMaxGeoSteps - steps)));
  }
};

struct GeoBounds {
  double min_longitude;
  double max_longitude;
  double min_latitude;
  double max_latitude;
};

// The cell that a position on the map lies in.
GeoCell CellAt(Position position, unsigned steps);
GeoBounds BoundsOf(GeoCell cell);
// The cell next to it, `east` and `north` being -1, 0 or 1; goes round at the edges of the map.
GeoCell Neighbour(GeoCell cell, int east, int north);

// The score of a position on the map, and the middle of what a score stands for; any score will do.
double ScoreAt(Position position);
Position PositionOf(double score);
// The 11 letters of geohash.org; the last, for which there are no bits, is always '0'.
std::array<char, 11> GeohashText(Position position);

// Along the great circle on a sphere, by the haversine formula.
double DistanceMetres(Position a, Position b);
// The same between two latitudes on one meridian.
double LatitudeDistanceMetres(double a, double b);

}  // namespace kiln
