#include "engine/commands/geo_area.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/random.h"

namespace kiln {
namespace {

double Share(Random& random) {
  return static_cast<double>(random.Below(1'000'001)) / 1e6;
}

// A circle or a box somewhere between 60 degrees south and north, up to 5,000 km wide. Nearer to
// the poles such wide ones lack cells, in Redis as here.
GeoArea RandomArea(Random& random) {
  GeoArea area;
  area.centre = {Share(random) * 360 - 180, Share(random) * 120 - 60};
  area.is_box = random.Below(2) == 0;
  area.unit_metres = random.Below(2) == 0 ? 1000 : 1;
  double largest = std::pow(10, Share(random) * 3 + 3.4) / area.unit_metres;
  area.radius = largest * Share(random);
  area.width = 2 * largest * Share(random);
  area.height = 2 * largest * Share(random);
  return area;
}

// A position not too far from the area's centre, so that about every other one lies within.
Position PositionNear(Random& random, const GeoArea& area) {
  double metres =
      area.unit_metres * (area.is_box ? std::max(area.width, area.height) / 2 : area.radius);
  double degrees = Degrees(metres / kEarthRadiusMetres) * 1.2;
  double latitude = area.centre.latitude + (Share(random) * 2 - 1) * degrees;
  latitude = std::clamp(latitude, -kMaxLatitude, kMaxLatitude);
  double longitude =
      area.centre.longitude + (Share(random) * 2 - 1) * degrees / std::cos(Radians(latitude));
  return {std::remainder(longitude, 360), latitude};
}

bool IsIn(const GeoCover& cover, double score) {
  auto ranges = cover.ranges();
  return std::any_of(ranges.begin(), ranges.end(), [&](const ScoreRange& range) {
    return !range.IsBelow(score) && range.IsUpTo(score);
  });
}

TEST(GeoArea, CirclesHoldWhatIsNear) {
  GeoArea circle{.centre = {15, 37}, .unit_metres = 1000, .radius = 200};
  EXPECT_NEAR(*circle.DistanceTo({13.361389, 38.115556}), 190442.4, 0.1);
  EXPECT_NEAR(*circle.DistanceTo({15.087269, 37.502669}), 56441.3, 0.1);
  EXPECT_EQ(circle.DistanceTo({12, 38}), std::nullopt);
  EXPECT_EQ(*circle.DistanceTo(circle.centre), 0);
}

TEST(GeoArea, BoxesEndAtTheirSides) {
  GeoArea box{.centre = {0, 60}, .is_box = true, .unit_metres = 1000, .width = 100, .height = 20};
  // A degree of latitude is 111.2 km, one of longitude half of it here.
  EXPECT_TRUE(box.DistanceTo({0.89, 60}));
  EXPECT_FALSE(box.DistanceTo({0.91, 60}));
  EXPECT_TRUE(box.DistanceTo({0, 60.089}));
  EXPECT_FALSE(box.DistanceTo({0, 60.091}));
}

TEST(GeoArea, ItsCoverHoldsAllOfItWithoutHoldingAnythingTwice) {
  for (uint64_t seed : {1, 2, 3, 4, 5}) {
    SCOPED_TRACE(seed);
    Random random(seed);
    size_t inside = 0;
    for (int i = 0; i < 300; ++i) {
      GeoArea area = RandomArea(random);
      GeoCover cover(area);
      for (int j = 0; j < 20; ++j) {
        double score = ScoreAt(PositionNear(random, area));
        if (!area.DistanceTo(PositionOf(score))) continue;
        ++inside;
        ASSERT_TRUE(IsIn(cover, score)) << i << " " << area.centre.longitude << " "
                                        << area.centre.latitude << " " << area.is_box;
      }
      auto ranges = cover.ranges();
      for (size_t a = 0; a < ranges.size(); ++a) {
        for (size_t b = 0; b < a; ++b) {
          ASSERT_TRUE(ranges[a].max <= ranges[b].min || ranges[b].max <= ranges[a].min) << i;
        }
      }
    }
    EXPECT_GT(inside, 1000u);
  }
}

TEST(GeoArea, EndlessOnesCoverTheMap) {
  GeoArea area{.centre = {100, -50}, .unit_metres = 1000, .radius = 1e300};
  GeoCover cover(area);
  Random random(1);
  for (int i = 0; i < 100; ++i) {
    Position position{Share(random) * 360 - 180, Share(random) * 170 - 85};
    EXPECT_TRUE(IsIn(cover, ScoreAt(position)));
    EXPECT_TRUE(area.DistanceTo(position));
  }
}

TEST(GeoArea, OfNoSizeIsOneCell) {
  GeoArea area{.centre = {1, 1}, .radius = 0};
  GeoCover cover(area);
  EXPECT_TRUE(IsIn(cover, ScoreAt(area.centre)));
  EXPECT_LE(cover.ranges().size(), 9u);
}

}  // namespace
}  // namespace kiln
