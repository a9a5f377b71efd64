#include "engine/commands/geo_hash.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>
#include <string_view>

#include "base/random.h"

namespace kiln {
namespace {

constexpr Position kPalermo{13.361389, 38.115556};
constexpr Position kCatania{15.087269, 37.502669};

Position RandomPosition(Random& random) {
  constexpr double kParts = 1e9;
  auto share = [&] { return static_cast<double>(random.Below(1'000'000'001)) / kParts * 2 - 1; };
  return {share() * kMaxLongitude, share() * kMaxLatitude};
}

// The same distance by another way: the angle between two vectors.
double DistanceByVectors(Position a, Position b) {
  struct Vector {
    double x, y, z;
  };
  auto vector = [](Position p) {
    double longitude = p.longitude * std::numbers::pi / 180;
    double latitude = p.latitude * std::numbers::pi / 180;
    return Vector{std::cos(latitude) * std::cos(longitude),
                  std::cos(latitude) * std::sin(longitude), std::sin(latitude)};
  };
  Vector u = vector(a);
  Vector v = vector(b);
  double x = u.y * v.z - u.z * v.y;
  double y = u.z * v.x - u.x * v.z;
  double z = u.x * v.y - u.y * v.x;
  double dot = u.x * v.x + u.y * v.y + u.z * v.z;
  return kEarthRadiusMetres * std::atan2(std::sqrt(x * x + y * y + z * z), dot);
}

TEST(GeoHash, GivesTheScoresOfRedis) {
  EXPECT_EQ(ScoreAt(kPalermo), 3479099956230698);
  EXPECT_EQ(ScoreAt(kCatania), 3479447370796909);
  EXPECT_EQ(ScoreAt({0, 0}), 3377699720527872);
  EXPECT_EQ(ScoreAt({-180, -85.05112878}), 0);
  // The edge itself lies behind the last of the 52 bits.
  EXPECT_EQ(ScoreAt({180, 85.05112878}), 13510798882111488);
}

TEST(GeoHash, GivesTheTextsOfGeohashOrg) {
  auto text = [](Position position) {
    std::array<char, 11> letters = GeohashText(PositionOf(ScoreAt(position)));
    return std::string(letters.data(), letters.size());
  };
  EXPECT_EQ(text(kPalermo), "sqc8b49rny0");
  EXPECT_EQ(text(kCatania), "sqdtr74hyu0");
  EXPECT_EQ(text({-5.6, 42.6}), "ezs42e44yx0");
}

TEST(GeoHash, FindsPositionsAgainWithinACell) {
  Random random(1);
  for (int i = 0; i < 10'000; ++i) {
    Position position = RandomPosition(random);
    Position found = PositionOf(ScoreAt(position));
    ASSERT_NEAR(found.longitude, position.longitude, 180.0 / (1 << 26)) << i;
    ASSERT_NEAR(found.latitude, position.latitude, 86.0 / (1 << 26)) << i;
  }
}

TEST(GeoHash, TakesAnyScoreForAPositionOnTheMap) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (double score : {-1.0, -1e300, 1e300, 9.3e18, 1.5, kInfinity, -kInfinity}) {
    EXPECT_TRUE(PositionOf(score).IsOnMap()) << score;
  }
}

TEST(GeoHash, DistancesAreThoseAlongTheGreatCircle) {
  EXPECT_NEAR(DistanceMetres(PositionOf(ScoreAt(kPalermo)), PositionOf(ScoreAt(kCatania))),
              166274.1516, 0.0001);
  EXPECT_EQ(DistanceMetres(kPalermo, kPalermo), 0);
  EXPECT_NEAR(DistanceMetres({0, 0}, {180, 0}), std::numbers::pi * kEarthRadiusMetres, 1e-3);
  Random random(2);
  for (int i = 0; i < 10'000; ++i) {
    Position a = RandomPosition(random);
    Position b = RandomPosition(random);
    ASSERT_NEAR(DistanceMetres(a, b), DistanceByVectors(a, b), 0.5) << i;
  }
}

TEST(GeoHash, NeighboursShareAnEdgeAndGoRoundTheMap) {
  Random random(3);
  for (int i = 0; i < 1000; ++i) {
    auto steps = static_cast<unsigned>(random.Below(kMaxGeoSteps) + 1);
    GeoCell cell = CellAt(RandomPosition(random), steps);
    GeoBounds bounds = BoundsOf(cell);
    GeoBounds east = BoundsOf(Neighbour(cell, 1, 0));
    double edge = bounds.max_longitude == kMaxLongitude ? -kMaxLongitude : bounds.max_longitude;
    ASSERT_DOUBLE_EQ(east.min_longitude, edge) << i;
    ASSERT_EQ(east.min_latitude, bounds.min_latitude) << i;
    ASSERT_EQ(Neighbour(Neighbour(cell, 1, 1), -1, -1), cell) << i;
    ASSERT_EQ(Neighbour(Neighbour(cell, -1, 1), 1, -1), cell) << i;
  }
}

}  // namespace
}  // namespace kiln
