#include "engine/commands/geo_hash.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string_view>

namespace kiln {
namespace {

constexpr uint64_t kLatitudeBits = 0x5555555555555555;
constexpr uint64_t kLongitudeBits = 0xaaaaaaaaaaaaaaaa;

// Puts a zero above each bit.
uint64_t Spread(uint32_t number) {
  uint64_t bits = number;
  bits = (bits | bits << 16) & 0x0000ffff0000ffff;
  bits = (bits | bits << 8) & 0x00ff00ff00ff00ff;
  bits = (bits | bits << 4) & 0x0f0f0f0f0f0f0f0f;
  bits = (bits | bits << 2) & 0x3333333333333333;
  return (bits | bits << 1) & kLatitudeBits;
}

// Takes every other bit, from the lowest on.
uint32_t Gather(uint64_t bits) {
  bits &= kLatitudeBits;
  bits = (bits | bits >> 1) & 0x3333333333333333;
  bits = (bits | bits >> 2) & 0x0f0f0f0f0f0f0f0f;
  bits = (bits | bits >> 4) & 0x00ff00ff00ff00ff;
  bits = (bits | bits >> 8) & 0x0000ffff0000ffff;
  return static_cast<uint32_t>(bits | bits >> 16);
}

// Which of 2^steps parts of [-limit, limit] a value is in; the limit itself lies behind the last
// one.
uint32_t PartOf(double value, double limit, unsigned steps) {
  double share = (value + limit) / (limit - -limit);
  return static_cast<uint32_t>(share * static_cast<double>(uint64_t{1} << steps));
}

// Where a part begins.
double StartOf(uint32_t part, double limit, unsigned steps) {
  return -limit + part * 1.0 / static_cast<double>(uint64_t{1} << steps) * (limit - -limit);
}

uint64_t Interleave(Position position, double max_latitude, unsigned steps) {
  return Spread(PartOf(position.latitude, max_latitude, steps)) |
         Spread(PartOf(position.longitude, kMaxLongitude, steps)) << 1;
}

// One step up or down in the bits of one coordinate.
uint64_t Move(uint64_t bits, uint64_t own_bits, unsigned steps, int by) {
  if (by == 0) return bits;
  uint64_t inside = ~uint64_t{0} >> (64 - 2 * steps);
  uint64_t others = ~own_bits & inside;
  uint64_t own = bits & own_bits;
  own = by > 0 ? own + (others + 1) : (own | others) - (others + 1);
  return (own & own_bits & inside) | (bits & ~own_bits);
}

// The bits of a score. Sorted sets may hold any number; those far from 52 bits mean nothing, but
// what they mean is the same on every machine.
uint64_t BitsOf(double score) {
  constexpr double kTwoTo63 = 9223372036854775808.0;
  if (score >= 2 * kTwoTo63) return 0;
  if (score >= kTwoTo63) return static_cast<uint64_t>(score);
  if (score < -kTwoTo63) return uint64_t{1} << 63;
  return static_cast<uint64_t>(static_cast<int64_t>(score));
}

}  // namespace

double Radians(double degrees) {
  return degrees * (std::numbers::pi / 180.0);
}

double Degrees(double radians) {
  return radians / (std::numbers::pi / 180.0);
}

GeoCell CellAt(Position position, unsigned steps) {
  return {Interleave(position, kMaxLatitude, steps), steps};
}

GeoBounds BoundsOf(GeoCell cell) {
  uint32_t latitude = Gather(cell.bits);
  uint32_t longitude = Gather(cell.bits >> 1);
  return {.min_longitude = StartOf(longitude, kMaxLongitude, cell.steps),
          .max_longitude = StartOf(longitude + 1, kMaxLongitude, cell.steps),
          .min_latitude = StartOf(latitude, kMaxLatitude, cell.steps),
          .max_latitude = StartOf(latitude + 1, kMaxLatitude, cell.steps)};
}

GeoCell Neighbour(GeoCell cell, int east, int north) {
  cell.bits = Move(cell.bits, kLongitudeBits, cell.steps, east);
  cell.bits = Move(cell.bits, kLatitudeBits, cell.steps, north);
  return cell;
}

double ScoreAt(Position position) {
  return CellAt(position, kMaxGeoSteps).first_score();
}

Position PositionOf(double score) {
  GeoBounds bounds = BoundsOf({BitsOf(score), kMaxGeoSteps});
  double longitude = (bounds.min_longitude + bounds.max_longitude) / 2;
  double latitude = (bounds.min_latitude + bounds.max_latitude) / 2;
  return {std::clamp(longitude, -kMaxLongitude, kMaxLongitude),
          std::clamp(latitude, -kMaxLatitude, kMaxLatitude)};
}

std::array<char, 11> GeohashText(Position position) {
  constexpr std::string_view kLetters = "0123456789bcdefghjkmnpqrstuvwxyz";
  // The common form covers the poles too.
  uint64_t bits = Interleave(position, 90, kMaxGeoSteps);
  std::array<char, 11> text;
  for (unsigned i = 0; i < 10; ++i) text[i] = kLetters[bits >> (47 - 5 * i) & 31];
  text[10] = kLetters[0];
  return text;
}

double LatitudeDistanceMetres(double a, double b) {
  return kEarthRadiusMetres * std::fabs(Radians(b) - Radians(a));
}

double DistanceMetres(Position a, Position b) {
  double v = std::sin((Radians(b.longitude) - Radians(a.longitude)) / 2);
  if (v == 0) return LatitudeDistanceMetres(a.latitude, b.latitude);
  double latitude_a = Radians(a.latitude);
  double latitude_b = Radians(b.latitude);
  double u = std::sin((latitude_b - latitude_a) / 2);
  double square = u * u + std::cos(latitude_a) * std::cos(latitude_b) * v * v;
  return 2.0 * kEarthRadiusMetres * std::asin(std::sqrt(square));
}

}  // namespace kiln
