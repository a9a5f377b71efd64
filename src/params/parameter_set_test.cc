#include "params/parameter_set.h"

#include <gtest/gtest.h>

#include <set>

#include "base/random.h"
#include "params/byte_size.h"
#include "params/event_classes.h"

namespace kiln {
namespace {

class ParameterSetTest : public testing::Test {
 protected:
  std::string Get(std::string_view name) {
    auto found = parameters_.Get(std::span(&name, 1));
    return found.size() == 1 ? found.begin()->second : "?";
  }

  // The reason for which a value is refused.
  std::string Refusal(std::string_view name, std::string_view value) {
    std::string error = parameters_.Set(name, value);
    std::string head =
        "CONFIG SET failed (possibly related to argument '" + std::string(name) + "') - ";
    return error.starts_with(head) ? error.substr(head.size()) : error;
  }

  Settings settings_;
  ParameterSet parameters_{&settings_};
};

TEST(ParameterTable, EveryRowIsWholeAndItsDefaultIsCanonical) {
  std::set<std::string_view> names;
  for (const Parameter* row : AllParameters()) {
    EXPECT_TRUE(names.insert(row->name).second) << row->name;
    if (!row->alias.empty()) {
      EXPECT_TRUE(names.insert(row->alias).second) << row->alias;
    }
    EXPECT_TRUE(row->help.ends_with('.')) << row->name;
    EXPECT_EQ(FindParameter(row->name), row);
    bool is_number = row->type >= ParameterType::kInt && row->type <= ParameterType::kOctal;
    EXPECT_EQ(row->allowed.find("..") != std::string_view::npos, is_number) << row->name;
    if (row->type == ParameterType::kDirectory || row->initial.empty()) continue;
    std::string value(row->type == ParameterType::kSavePoints ? "" : row->initial);
    std::vector<std::string> words = {std::string(row->initial)};
    if (row->Has(kMultiWord)) words = SplitAtSpaces(row->initial);
    EXPECT_EQ(ReadValue(*row, words, &value), "") << row->name;
    EXPECT_EQ(value, row->initial) << row->name;
  }
  EXPECT_EQ(AllParameters().size(), 196u);
}

TEST(ParameterSet, TakesEndpointsAsAddressesWithPorts) {
  Settings settings;
  ParameterSet parameters(&settings);
  EXPECT_EQ(parameters.Set("endpoints", "127.0.0.1:7001 [::1]:7002"), "");
  EXPECT_EQ(settings.endpoints, std::vector<std::string>({"127.0.0.1:7001", "[::1]:7002"}));
  EXPECT_EQ(parameters.Set("endpoints", "127.0.0.1:7001 ::1"),
            "CONFIG SET failed (possibly related to argument 'endpoints') - '::1' is no endpoint "
            "(address:port)");
  EXPECT_NE(parameters.Set("endpoints",
                           "a:1 a:2 a:3 a:4 a:5 a:6 a:7 a:8 a:9 a:10 a:11 a:12 a:13 "
                           "a:14 a:15 a:16 a:17"),
            "");
  EXPECT_EQ(settings.endpoints.size(), 2u);
  EXPECT_EQ(parameters.Set("endpoints", ""), "");
  EXPECT_TRUE(settings.endpoints.empty());
}

// Some are found by name, where they are needed once: server/process_parameters.cc and the
// append-only file.
TEST(ParameterTable, RowsWithoutAFieldHaveNoEffectOrAreFoundByName) {
  const std::set<std::string_view> by_name = {
      "aof-disable-auto-gc", "aof-timestamp-enabled", "oom-score-adj",  "oom-score-adj-values",
      "proc-title-template", "rdb-version",           "set-proc-title", "supervised"};
  for (const Parameter* row : AllParameters()) {
    if (std::holds_alternative<std::monostate>(row->member) && !by_name.contains(row->name)) {
      EXPECT_TRUE(row->Has(kNoEffect)) << row->name;
    }
  }
}

TEST_F(ParameterSetTest, DefaultsReachTheSettings) {
  EXPECT_EQ(settings_.port, 6379);
  EXPECT_TRUE(settings_.protected_mode);
  EXPECT_EQ(settings_.bind, (std::vector<std::string>{"*", "-::*"}));
  EXPECT_EQ(settings_.maxmemory_policy, EvictionPolicy::kNoEviction);
  EXPECT_EQ(settings_.loglevel, LogLevel::kNotice);
  EXPECT_EQ(settings_.enable_debug_command, Permission::kNobody);
  EXPECT_EQ(settings_.acl_pubsub_default, ChannelDefault::kResetChannels);
  EXPECT_EQ(settings_.save.size(), 3u);
  EXPECT_EQ(settings_.save[2].changes, 10000);
  EXPECT_EQ(settings_.output_limits[kPubSubClient].soft_seconds, 60);
  EXPECT_EQ(settings_.latency_tracking_percentiles, (std::vector<double>{50, 99, 99.9}));
  EXPECT_TRUE(settings_.dir.starts_with('/'));
}

TEST_F(ParameterSetTest, SettingStoresCanonicalTextAndTypedField) {
  EXPECT_EQ(parameters_.Set("MaxMemory", "100MB"), "");
  EXPECT_EQ(Get("maxmemory"), "104857600");
  EXPECT_EQ(settings_.maxmemory_bytes, 104857600);
  EXPECT_EQ(parameters_.Set("maxmemory-clients", "5%"), "");
  EXPECT_EQ(Get("maxmemory-clients"), "5%");
  EXPECT_EQ(settings_.maxmemory_clients_bytes, -5);
  EXPECT_EQ(parameters_.Set("maxmemory-policy", "ALLKEYS-lfu"), "");
  EXPECT_EQ(Get("maxmemory-policy"), "allkeys-lfu");
  EXPECT_EQ(settings_.maxmemory_policy, EvictionPolicy::kAllKeysLfu);
  EXPECT_EQ(parameters_.Set("latency-tracking", "NO"), "");
  EXPECT_FALSE(settings_.latency_tracking);
  EXPECT_EQ(parameters_.Set("notify-keyspace-events", "lKEg"), "");
  EXPECT_EQ(Get("notify-keyspace-events"), "glKE");
  EXPECT_EQ(settings_.notify_keyspace_events,
            kEventList | kEventGeneric | kEventKeyspace | kEventKeyevent);
  EXPECT_EQ(parameters_.Set("shutdown-on-sigterm", "force NOW"), "");
  EXPECT_EQ(Get("shutdown-on-sigterm"), "now force");
  EXPECT_EQ(settings_.shutdown_on_sigterm, kShutdownNow | kShutdownForce);
  EXPECT_EQ(parameters_.Set("latency-tracking-info-percentiles", "50.50 1e1"), "");
  EXPECT_EQ(Get("latency-tracking-info-percentiles"), "50.5 10");
}

TEST_F(ParameterSetTest, SavePointsAreReplacedAsAWhole) {
  EXPECT_EQ(parameters_.Set("save", "900 1 30 2"), "");
  EXPECT_EQ(Get("save"), "900 1 30 2");
  EXPECT_EQ(parameters_.Set("save", ""), "");
  EXPECT_EQ(Get("save"), "");
  EXPECT_TRUE(settings_.save.empty());
  for (std::string_view value : {"900", "0 1", "900 x", "900  1", "900 -1"}) {
    EXPECT_EQ(Refusal("save", value), "Invalid save parameters") << value;
  }
}

TEST_F(ParameterSetTest, OutputLimitsChangeOnlyTheClassesNamed) {
  EXPECT_EQ(parameters_.Set("client-output-buffer-limit", "replica 1kb 512 7"), "");
  EXPECT_EQ(Get("client-output-buffer-limit"),
            "normal 0 0 0 slave 1024 512 7 pubsub 33554432 8388608 60");
  EXPECT_EQ(settings_.output_limits[kReplicaClient].hard_bytes, 1024);
  EXPECT_EQ(Refusal("client-output-buffer-limit", "normal 1"),
            "Wrong number of arguments in buffer limit configuration.");
  EXPECT_EQ(Refusal("client-output-buffer-limit", "master 1 1 1"),
            "Invalid client class specified in buffer limit configuration.");
  EXPECT_EQ(Refusal("client-output-buffer-limit", "normal 1 1 x"),
            "Error in hard, soft or soft_seconds setting in buffer limit configuration.");
}

TEST_F(ParameterSetTest, RefusalsUseTheWordsOfRedis) {
  EXPECT_EQ(Refusal("port", "abc"), "argument couldn't be parsed into an integer");
  EXPECT_EQ(Refusal("port", "70000"), "argument must be between 0 and 65535 inclusive");
  EXPECT_EQ(Refusal("maxclients", "-1"), "argument must be between 1 and 4294967295 inclusive");
  EXPECT_EQ(Refusal("maxmemory", "1tb"), "argument must be a memory value");
  EXPECT_EQ(Refusal("maxmemory", "99999999999999gb"), "argument must be a memory value");
  EXPECT_EQ(Refusal("maxmemory-clients", "101%"),
            "percentage argument must be less or equal to 100");
  EXPECT_EQ(Refusal("maxmemory-clients", "x"), "argument must be a memory or percent value");
  EXPECT_EQ(Refusal("protected-mode", "true"), "argument must be 'yes' or 'no'");
  EXPECT_EQ(Refusal("appendfsync", "never"),
            "argument(s) must be one of the following: everysec, always, no");
  EXPECT_EQ(Refusal("shutdown-on-sigint", "save nosave"),
            "shutdown options SAVE and NOSAVE can't be used simultaneously");
  EXPECT_EQ(Refusal("shutdown-on-sigint", ""),
            "argument(s) must be one of the following: default, save, nosave, now, force");
  EXPECT_EQ(Refusal("notify-keyspace-events", "KQ"),
            "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.");
  EXPECT_EQ(Refusal("dbfilename", "a/b"), "dbfilename can't be a path, just a filename");
  EXPECT_EQ(Refusal("dir", "/nowhere"), "No such file or directory");
  EXPECT_EQ(Refusal("daemonize", "yes"), "can't set immutable config");
  EXPECT_EQ(Refusal("latency-tracking-info-percentiles", "101"),
            "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]");
  EXPECT_EQ(Refusal("oom-score-adj-values", "0 1"), "wrong number of arguments");
  EXPECT_EQ(parameters_.Set("nonsense", "1"),
            "Unknown option or number of arguments for CONFIG SET - 'nonsense'");
}

TEST_F(ParameterSetTest, SeveralChangesHappenTogetherOrNotAtAll) {
  using Changes = std::vector<ParameterSet::NameValue>;
  EXPECT_EQ(parameters_.SetMany(Changes{{"port", "1"}, {"timeout", "x"}}),
            "CONFIG SET failed (possibly related to argument 'timeout') - argument couldn't be "
            "parsed into an "
            "integer");
  EXPECT_EQ(settings_.port, 6379);
  EXPECT_EQ(parameters_.SetMany(
                Changes{{"hash-max-ziplist-entries", "1"}, {"hash-max-listpack-entries", "2"}}),
            "CONFIG SET failed (possibly related to argument 'hash-max-listpack-entries') - "
            "duplicate parameter");
  EXPECT_EQ(parameters_.SetMany(Changes{{"port", "1"}, {"timeout", "2"}}), "");
  EXPECT_EQ(settings_.port, 1);
  EXPECT_EQ(settings_.timeout_s, 2);
}

TEST_F(ParameterSetTest, ProtectedParametersNeedPermission) {
  std::vector<ParameterSet::NameValue> change = {{"dbfilename", "x.rdb"}};
  EXPECT_EQ(
      parameters_.SetMany(change, false),
      "CONFIG SET failed (possibly related to argument 'dbfilename') - can't set protected config");
  EXPECT_EQ(parameters_.SetMany(change, true), "");
}

TEST_F(ParameterSetTest, AListenerHearsChangesAndMayUndoThem) {
  std::vector<std::string> heard;
  parameters_.OnChange([&](const Parameter& row) {
    heard.emplace_back(row.name);
    return ErrorText(settings_.port == 80 ? "Unable to listen on this port. Check server logs."
                                          : "");
  });
  EXPECT_EQ(Refusal("port", "80"), "Unable to listen on this port. Check server logs.");
  EXPECT_EQ(settings_.port, 6379);
  EXPECT_EQ(heard, (std::vector<std::string>{"port", "port"}));
  heard.clear();
  EXPECT_EQ(parameters_.Set("port", "6379"), "");
  EXPECT_TRUE(heard.empty()) << "nothing changed";
}

TEST_F(ParameterSetTest, GetTakesPatternsNamesAndAliases) {
  std::vector<std::string_view> patterns = {"*max-ziplist-e*", "PORT", "nonsense", "port",
                                            "watchdog*"};
  std::map<std::string, std::string> found = parameters_.Get(patterns);
  EXPECT_EQ(found, (std::map<std::string, std::string>{{"PORT", "6379"},
                                                       {"hash-max-ziplist-entries", "512"},
                                                       {"port", "6379"},
                                                       {"zset-max-ziplist-entries", "128"}}));
  EXPECT_EQ(Get("watchdog-period"), "0") << "a hidden parameter answers to its full name";
}

TEST_F(ParameterSetTest, ChangesWithoutEffectAreListed) {
  EXPECT_TRUE(parameters_.IneffectiveChanges().empty());
  EXPECT_EQ(parameters_.Set("activedefrag", "yes"), "");
  EXPECT_EQ(parameters_.IneffectiveChanges(), (std::vector<std::string_view>{"activedefrag"}));
}

TEST_F(ParameterSetTest, RandomTextIsRefusedOrReadsBackTheSame) {
  Random random(7);
  constexpr std::string_view kPieces[] = {"1", "0",          " ",    "yes",    "no", "mb", "-",
                                          "%", "9999999999", "save", "normal", "K",  ""};
  for (int i = 0; i < 3000; ++i) {
    const Parameter& row = *AllParameters()[random.Below(AllParameters().size())];
    if (row.apply == Apply::kStart) continue;
    std::string text;
    for (uint64_t n = random.Below(6); n > 0; --n)
      text += kPieces[random.Below(std::size(kPieces))];
    std::string before = parameters_.ValueOf(row);
    if (!parameters_.Set(row.name, text).empty()) {
      ASSERT_EQ(parameters_.ValueOf(row), before) << row.name << " " << text;
      continue;
    }
    std::string value = parameters_.ValueOf(row);
    ASSERT_EQ(parameters_.Set(row.name, value), "") << row.name << " " << text;
    ASSERT_EQ(parameters_.ValueOf(row), value) << row.name << " " << text;
  }
}

TEST(ByteSize, UnitsAreThousandsOr1024s) {
  EXPECT_EQ(ParseByteSize("1k"), 1000);
  EXPECT_EQ(ParseByteSize("1Kb"), 1024);
  EXPECT_EQ(ParseByteSize("2GB"), 2LL << 30);
  EXPECT_EQ(ParseByteSize("7b"), 7);
  EXPECT_EQ(ParseByteSize(""), 0);
  EXPECT_EQ(ParseByteSize("mb"), 0);
  EXPECT_EQ(ParseByteSize("-1"), std::nullopt);
  EXPECT_EQ(ParseByteSize("1.5gb"), std::nullopt);
  EXPECT_EQ(ParseByteSize("9223372036854775808"), std::nullopt);
  EXPECT_EQ(FormatByteSize(100 << 20), "100mb");
  EXPECT_EQ(FormatByteSize(1000), "1000");
  EXPECT_EQ(FormatByteSize(0), "0");
}

TEST(EventClasses, LettersAndBitsAgree) {
  EXPECT_EQ(ParseEventClasses(""), 0u);
  EXPECT_EQ(FormatEventClasses(*ParseEventClasses("KEA")), "AKE");
  EXPECT_EQ(FormatEventClasses(*ParseEventClasses("g$lshzxetdKmn")), "AnKm");
  EXPECT_EQ(ParseEventClasses("K "), std::nullopt);
}

}  // namespace
}  // namespace kiln
