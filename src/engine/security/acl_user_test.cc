#include "engine/security/acl_user.h"

#include <gtest/gtest.h>

#include "engine/security/acl_fixture.h"
#include "engine/security/acl_password.h"

namespace kiln {
namespace {

struct DescriptionRow {
  std::string_view rules;
  std::string_view description;  // behind the flags
};

TEST(AclUser, DescribesItsRulesAsTheyWereMeant) {
  constexpr DescriptionRow kRows[] = {
      {"", "resetchannels -@all"},
      {"+get -get", "resetchannels -@all -get"},
      {"+@all -@hash -@slow +hget -@hash", "resetchannels +@all -@slow +hget -@hash"},
      {"+HGET +hget", "resetchannels -@all +hget"},
      {"-@all -@string -@slow +@all", "resetchannels +@all"},
      {"+client|list +config|get +config +acl|list -acl",
       "resetchannels -@all +client|list +config -acl"},
      {"+select|0 +select|0 +debug|segfault +debug", "resetchannels -@all +select|0 +debug"},
      {"%R~a %W~b %RW~c ~d", "%R~a %W~b ~c ~d resetchannels -@all"},
      {"~a %R~* %W~* ~b", "~a %RW~* ~b resetchannels -@all"},
      {"%R~a %W~a", "~a resetchannels -@all"},
      {"~a ~b resetkeys ~c", "~c resetchannels -@all"},
      {"~a allkeys &x allchannels allcommands", "~* &* +@all"},
      {"&a &b &a nocommands", "resetchannels &a &b -@all"},
      {"+get (+set ~x) ( %R~y )",
       "resetchannels -@all +get (~x resetchannels -@all +set) "
       "(%R~y resetchannels -@all)"},
      {"(+set ~x) clearselectors", "resetchannels -@all"},
      {"+@all ~* on nopass >p (+get) reset", "resetchannels -@all"},
  };
  for (const DescriptionRow& row : kRows) {
    AclUser user("alice", AclTestTable(), ChannelDefault::kResetChannels);
    EXPECT_EQ(AddRules(row.rules, &user), AclError::kNone) << row.rules;
    EXPECT_EQ(user.Describe(), "off sanitize-payload " + std::string(row.description));
    AclUser again = UserWith(user.Describe());
    EXPECT_EQ(again.Describe(), user.Describe()) << row.rules;
  }
}

struct ErrorRow {
  std::string_view rules;
  AclError error;
};

TEST(AclUser, RefusesWrongRulesAndStaysAsItWas) {
  constexpr ErrorRow kRows[] = {
      {"foo", AclError::kSyntax},
      {"+", AclError::kUnknownCommand},
      {"+nosuch", AclError::kUnknownCommand},
      {"+@nosuch", AclError::kUnknownCommand},
      {"-get|x", AclError::kUnknownCommand},
      {"+get|a|b", AclError::kUnknownCommand},
      {"+config|nosuch", AclError::kUnknownCommand},
      {"-config|nosuch", AclError::kUnknownCommand},
      {"+config|get|x", AclError::kSubcommandArgument},
      {"+select|", AclError::kSyntax},
      {"%~x", AclError::kSyntax},
      {"%X~x", AclError::kSyntax},
      {"%RR~x", AclError::kSyntax},
      {"~a\tb", AclError::kSyntax},
      {"&a\tb", AclError::kSyntax},
      {"#abc", AclError::kBadHash},
      {"!abc", AclError::kBadHash},
      {"<nosuch", AclError::kNoSuchPassword},
      {"(+get", AclError::kSyntax},
      {")", AclError::kSyntax},
      {"(foo)", AclError::kSyntax},
      {"(+get (+set ) )", AclError::kSyntax},
      {"(~\"x)", AclError::kSyntax},
  };
  for (const ErrorRow& row : kRows) {
    AclUser user = UserWith("on >secret ~k (+set)");
    std::string before = user.Describe();
    EXPECT_EQ(AddRules(row.rules, &user), row.error) << row.rules;
    EXPECT_EQ(user.Describe(), before) << row.rules;
  }
  AclUser all = UserWith("allkeys allchannels");
  EXPECT_EQ(AddRules("~x", &all), AclError::kKeysAfterAll);
  EXPECT_EQ(AddRules("&x", &all), AclError::kChannelsAfterAll);
}

struct RightRow {
  std::string_view rules;
  std::string_view request;
  std::string_view denied;
};

TEST(AclUser, MayDoWhatOneOfItsSelectorsAllowsAsAWhole) {
  constexpr RightRow kRows[] = {
      {"", "GET k", "command"},
      {"", "AUTH x", ""},  // before anybody is authenticated it works too
      {"+get", "GET k", "k"},
      {"+get ~k*", "GET k1", ""},
      {"+get ~k*", "SET k1 v", "command"},
      {"+@all ~k*", "MGET k1 x y", "x"},
      {"+@all %R~r* %W~w*", "COPY r w", ""},
      {"+@all %R~r* %W~w*", "COPY w r", "w"},
      {"+@all (%R~r*) (%W~w*)", "COPY r w", "r"},
      {"(%R~r* +@all) (%W~w* +@all)", "COPY r w", "w"},
      {"+@all %W~w", "SET w v", ""},
      {"+@all %W~w", "SET w v GET", "w"},
      {"+@all %R~r", "SET r v", "r"},
      {"+@all %R~r", "BITFIELD r GET u4 0", ""},
      {"+@all %R~r", "BITFIELD r GET u4 0 SET u4 0 1", "r"},
      {"+@all %R~r", "EXISTS r", ""},
      {"+@all %W~w", "EXISTS w", ""},
      {"+@all %W~w", "EXISTS x", "x"},
      {"+@all %R~r %W~w", "SORT r STORE w", ""},
      {"+@all %R~r %W~w", "SORT r STORE r", "r"},
      {"+@all %R~r %W~w", "ZUNIONSTORE w 2 r r", ""},
      {"+@all %R~r %W~w", "ZUNIONSTORE w 2 r w", "w"},
      {"+@all ~k", "EVAL x 1 k arg", ""},
      {"+@all ~k", "EVAL x 1 x arg", "x"},
      {"+@all ~k", "EVAL x 9 x", ""},  // it fails before it touches a key
      {"+@all", "EVAL x 0", ""},
      {"+@all", "PUBLISH c m", "c"},
      {"+@all &c*", "PUBLISH c1 m", ""},
      {"+@all &c*", "SUBSCRIBE c1 d", "d"},
      {"+@all &c*", "PSUBSCRIBE c*", ""},
      {"+@all &c*", "PSUBSCRIBE c1", "c1"},
      {"+@all &c*", "SSUBSCRIBE c1", ""},
      {"+@all", "UNSUBSCRIBE c", ""},
      {"+select|0", "SELECT 0", ""},
      {"+select|0", "SELECT 1", "command"},
      {"+select|0 -select", "SELECT 0", "command"},
      {"+config|get", "CONFIG GET x", ""},
      {"+config|get", "CONFIG SET x y", "command"},
      {"+config -config|set", "CONFIG SET x y", "command"},
      {"+@all -config", "CONFIG GET x", "command"},
      {"+@all -@dangerous", "CONFIG GET x", "command"},
      {"+@read ~*", "GET k", ""},
      {"+@all -@string ~*", "GET k", "command"},
      {"+mget ~key (+mget ~key ~otherkey)", "MGET otherkey some", "some"},
      {"+@all ~*", "GET k", ""},
  };
  for (const RightRow& row : kRows) {
    EXPECT_EQ(DeniedTo(UserWith(row.rules), row.request), row.denied)
        << row.rules << " / " << row.request;
  }
}

TEST(AclUser, TakesEachOfItsPasswords) {
  AclUser user = UserWith(">one >two >one #" + HashPassword("three"));
  EXPECT_EQ(user.passwords().size(), 3u);
  for (const char* password : {"one", "two", "three"})
    EXPECT_TRUE(user.IsPassword(HashPassword(password)));
  EXPECT_FALSE(user.IsPassword(HashPassword("four")));
  EXPECT_EQ(AddRules("<one !" + HashPassword("two"), &user), AclError::kNone);
  EXPECT_FALSE(user.IsPassword(HashPassword("one")));
  EXPECT_EQ(AddRules("nopass", &user), AclError::kNone);
  EXPECT_TRUE(user.passwords().empty());
  EXPECT_TRUE(user.IsPassword(HashPassword("four")));
  EXPECT_EQ(AddRules("resetpass", &user), AclError::kNone);
  EXPECT_FALSE(user.IsPassword(HashPassword("")));
}

TEST(AclUser, APasswordIsKeptAsItsSha256) {
  EXPECT_EQ(HashPassword("secret"),
            "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b");
  EXPECT_TRUE(IsPasswordHash(HashPassword("")));
  EXPECT_FALSE(IsPasswordHash("2BB80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"));
}

TEST(AclUser, IsLimitedUnlessOneSelectorAllowsEverything) {
  EXPECT_TRUE(UserWith("").is_limited());
  EXPECT_TRUE(UserWith("+@all ~*").is_limited());
  EXPECT_TRUE(UserWith("+@all ~* (&*)").is_limited());
  EXPECT_FALSE(UserWith("+@all ~* &*").is_limited());
  EXPECT_FALSE(UserWith("(+@all ~* &*)").is_limited());
  EXPECT_TRUE(UserWith("+@all ~* &* -get").is_limited());
}

TEST(AclUser, KeepsChannelsWhenNoneOfThePatternsIsGone) {
  EXPECT_TRUE(UserWith("&a &b").KeepsChannelsOf(UserWith("&a")));
  EXPECT_TRUE(UserWith("&a (&b)").KeepsChannelsOf(UserWith("&b")));
  EXPECT_TRUE(UserWith("&*").KeepsChannelsOf(UserWith("&a")));
  EXPECT_FALSE(UserWith("&a").KeepsChannelsOf(UserWith("&a &b")));
  EXPECT_FALSE(UserWith("&a").KeepsChannelsOf(UserWith("&*")));
}

TEST(AclUser, MayReadAllKeysWithTheSelectorThatAllowsTheCommand) {
  std::vector<std::string_view> words = SplitWords("SORT k BY w*");
  const Command* sort = AclTestTable().Find(words);
  EXPECT_TRUE(UserWith("+sort ~*").MayReadAllKeys(*sort, words));
  EXPECT_TRUE(UserWith("(+sort ~k %R~*)").MayReadAllKeys(*sort, words));
  EXPECT_FALSE(UserWith("(+sort ~k ~w*)").MayReadAllKeys(*sort, words));
  EXPECT_FALSE(UserWith("(+sort ~k %W~*)").MayReadAllKeys(*sort, words));
  EXPECT_FALSE(UserWith("+sort ~k (%R~*)").MayReadAllKeys(*sort, words));
}

}  // namespace
}  // namespace kiln
