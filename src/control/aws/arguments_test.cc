#include "control/aws/arguments.h"

#include <gtest/gtest.h>

#include "control/aws/iso_time.h"

namespace kiln {
namespace {

using Fields = Arguments::Fields;

TEST(Arguments, RemembersTheFirstErrorOnly) {
  Arguments args(Fields{{"Port", "abc"}});
  EXPECT_EQ(args.Required("CacheClusterId"), "");
  EXPECT_EQ(args.Integer("Port", 1, 65535), std::nullopt);
  EXPECT_EQ(args.error().fault, Fault::kMissingParameter);
  EXPECT_EQ(args.error().message, "The request must contain the parameter CacheClusterId.");
}

TEST(Arguments, NumbersMustBeInRange) {
  for (const char* text : {"0", "6", "", "1.5", "99999999999999999999", "+1", " 1"}) {
    Arguments args(Fields{{"Port", text}});
    EXPECT_EQ(args.Integer("Port", 1, 5), std::nullopt) << text;
    EXPECT_EQ(args.error().fault, Fault::kInvalidParameterValue) << text;
  }
  Arguments args(Fields{{"Port", "5"}});
  EXPECT_EQ(args.Integer("Port", 1, 5), 5);
  EXPECT_FALSE(args.error());
}

TEST(Arguments, WordsAreReadInAnyCase) {
  Arguments args(
      Fields{{"Now", "TRUE"}, {"Later", "False"}, {"AZMode", "Cross-AZ"}, {"Bad", "yes"}});
  EXPECT_TRUE(args.BoolOr("Now", false));
  EXPECT_FALSE(args.BoolOr("Later", true));
  EXPECT_TRUE(args.BoolOr("Absent", true));
  EXPECT_EQ(args.OneOf("AZMode", {"single-az", "cross-az"}), "cross-az");
  EXPECT_FALSE(args.error());
  EXPECT_FALSE(args.BoolOr("Bad", false));
  EXPECT_EQ(args.error().fault, Fault::kInvalidParameterValue);
}

TEST(Arguments, ListsAreInOrderOfTheirNumbers) {
  Arguments args(Fields{{"Ids.Id.10", "c"},
                        {"Ids.Id.2", "b"},
                        {"Ids.Id.0", "a"},
                        {"Ids.Id.x", "no"},
                        {"Ids.Id.3.Key", "no"},
                        {"Idsx", "no"}});
  EXPECT_EQ(args.List("Ids", "Id"), (std::vector<std::string>{"a", "b", "c"}));
}

TEST(Arguments, ListsMayBeNumberedAsMembersAndBeEmpty) {
  Arguments args(Fields{{"Ids.member.1", "a"}, {"None", ""}});
  EXPECT_EQ(args.List("Ids", "Id"), (std::vector<std::string>{"a"}));
  EXPECT_TRUE(args.List("None", "Id").empty());
  EXPECT_TRUE(args.Has("None"));
}

TEST(Arguments, StructuresReadTheirOwnFields) {
  Arguments args(
      Fields{{"Tags.Tag.2.Key", "b"}, {"Tags.Tag.1.Key", "a"}, {"Tags.Tag.1.Value", "1"}});
  std::vector<Arguments> tags = args.Structures("Tags", "Tag");
  ASSERT_EQ(tags.size(), 2u);
  EXPECT_EQ(tags[0].Required("Key"), "a");
  EXPECT_EQ(tags[0].StringOr("Value", ""), "1");
  EXPECT_EQ(tags[1].StringOr("Value", "none"), "none");
}

TEST(IsoTime, IsReadInItsForms) {
  constexpr int64_t kTime = 1704164645000;
  for (const char* text :
       {"2024-01-02T03:04:05Z", "2024-01-02T03:04:05", "2024-01-02T03:04:05.000Z",
        "2024-01-02T05:04:05+02:00", "2024-01-01T22:04:05-0500"}) {
    EXPECT_EQ(ParseIsoTime(text), kTime) << text;
  }
  EXPECT_EQ(ParseIsoTime("2024-01-02T03:04:05.1239Z"), kTime + 123);
  EXPECT_EQ(ParseIsoTime("2024-01-02"), 1704153600000);
  EXPECT_EQ(ParseBasicTime("20240102T030405Z"), kTime);
  EXPECT_EQ(FormatIsoTime(kTime + 7), "2024-01-02T03:04:05.007Z");
  EXPECT_EQ(FormatBasicTime(kTime + 7), "20240102T030405Z");
}

TEST(IsoTime, NonsenseIsRefused) {
  for (const char* text :
       {"", "now", "2024", "2024-13-01", "2023-02-29", "1969-12-31", "2024-01-02T",
        "2024-01-02T24:00:00Z", "2024-01-02T03:04:05ZZ", "2024-01-02T03:04:05.Z",
        "2024-01-02T03:04:05+2", "2024-01-02 03:04:05"}) {
    EXPECT_EQ(ParseIsoTime(text), std::nullopt) << text;
  }
  EXPECT_EQ(ParseBasicTime("2024-01-02T03:04:05Z"), std::nullopt);
}

TEST(Arguments, TimesAreMilliseconds) {
  Arguments args(Fields{{"StartTime", "1970-01-01T00:00:01Z"}, {"EndTime", "soon"}});
  EXPECT_EQ(args.Time("StartTime"), 1000);
  EXPECT_EQ(args.Time("EndTime"), std::nullopt);
  EXPECT_EQ(args.error().fault, Fault::kInvalidParameterValue);
}

}  // namespace
}  // namespace kiln
