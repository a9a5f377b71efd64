#include "params/config_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "params/config_rewrite.h"

namespace kiln {
namespace {

class ConfigFileTest : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string Write(std::string_view name, std::string_view text) {
    std::string path = folder_ + "/" + std::string(name);
    std::ofstream(path) << text;
    return path;
  }

  ErrorText Load(std::string_view text) { return LoadConfigText(text, &parameters_); }

  ErrorText Start(std::vector<std::string_view> args) {
    return LoadConfig(ReadCommandLine(args), &parameters_);
  }

  // A fresh set that has read the text.
  static std::string Rewritten(std::string_view text,
                               const std::vector<ParameterSet::NameValue>& changes = {}) {
    Settings settings;
    ParameterSet parameters(&settings);
    EXPECT_EQ(LoadConfigText(text, &parameters), "");
    if (!changes.empty()) {
      EXPECT_EQ(parameters.SetMany(changes), "");
    }
    std::string result = RewriteConfig(text, parameters, {});
    // Lines that are always written would hide what a test is about.
    std::string dir = "dir \"" + settings.dir + "\"\n";
    for (const std::string& line :
         {dir, std::string("latency-tracking-info-percentiles 50 99 99.9\n"),
          std::string("save 3600 1\nsave 300 100\nsave 60 10000\n")}) {
      if (size_t at = result.find(line); at != std::string::npos) result.erase(at, line.size());
    }
    return result;
  }

  std::string folder_ = testing::TempDir() + "kiln_config_test." + std::to_string(getpid());
  Settings settings_;
  ParameterSet parameters_{&settings_};
};

TEST_F(ConfigFileTest, LinesSetParameters) {
  EXPECT_EQ(Load("# comment\n\n  PORT 7000 \r\nbind 127.0.0.1 -::1\nrequirepass \"a b\"\n"
                 "client-output-buffer-limit normal 1mb 0 0\nsave 900 1\nsave 60 5 30 9\n"
                 "list-max-ziplist-entries 5\nslave-priority 7\nmaxmemory-clients 10%"),
            "");
  EXPECT_EQ(settings_.port, 7000);
  EXPECT_EQ(settings_.bind, (std::vector<std::string>{"127.0.0.1", "-::1"}));
  EXPECT_EQ(settings_.requirepass, "a b");
  EXPECT_EQ(settings_.output_limits[kNormalClient].hard_bytes, 1 << 20);
  EXPECT_EQ(settings_.output_limits[kPubSubClient].hard_bytes, 32 << 20);
  EXPECT_EQ(parameters_.ValueOf(*FindParameter("save")), "900 1 60 5 30 9");
  EXPECT_EQ(parameters_.ValueOf(*FindParameter("replica-priority")), "7");
}

TEST_F(ConfigFileTest, SavePointsMayBeTurnedOff) {
  EXPECT_EQ(Load("save \"\""), "");
  EXPECT_TRUE(settings_.save.empty());
  EXPECT_EQ(Load("save \"900 1\""), "");
  EXPECT_EQ(settings_.save.size(), 1u);
}

TEST_F(ConfigFileTest, ErrorsNameTheLine) {
  EXPECT_EQ(
      Load("port 1\n\n nonsense 5 \n"),
      "\n*** FATAL CONFIG FILE ERROR (Redis 7.2.4) ***\nReading the configuration file, at line 3\n"
      ">>> 'nonsense 5'\nBad directive or wrong number of arguments\n");
  auto ends_with = [&](std::string_view text, std::string_view why) {
    ErrorText error = Load(text);
    EXPECT_TRUE(error.ends_with("\n" + std::string(why) + "\n")) << error;
  };
  ends_with("port", "wrong number of arguments");
  ends_with("port 1 2", "wrong number of arguments");
  ends_with("port x", "argument couldn't be parsed into an integer");
  ends_with("requirepass \"x", "Unbalanced quotes in configuration line");
  ends_with("replicaof host", "wrong number of arguments");
  ends_with("loadmodule a.so", "loadmodule is not supported");
  ends_with("sentinel monitor", "sentinel directive while not in sentinel mode");
  ends_with("include", "Bad directive or wrong number of arguments");
  ends_with("cluster-enabled yes\nreplicaof a 1",
            "replicaof directive not allowed in cluster mode");
}

TEST_F(ConfigFileTest, OtherDirectivesAreKeptForTheServer) {
  EXPECT_EQ(Load("rename-command FLUSHALL \"\"\nuser alice on >secret ~*\n"), "");
  ASSERT_EQ(settings_.renamed_commands.size(), 1u);
  EXPECT_EQ(settings_.renamed_commands[0].name, "FLUSHALL");
  EXPECT_EQ(settings_.renamed_commands[0].new_name, "");
  ASSERT_EQ(settings_.users.size(), 1u);
  EXPECT_EQ(settings_.users[0], (std::vector<std::string>{"alice", "on", ">secret", "~*"}));
}

TEST_F(ConfigFileTest, IncludesReadOtherFilesInPlace) {
  Write("a.conf", "port 1\ntimeout 1\n");
  Write("b.conf", "timeout 2\nnonsense\n");
  EXPECT_EQ(Load("timeout 9\ninclude " + folder_ + "/a*.conf\nport 5\n"), "");
  EXPECT_EQ(settings_.timeout_s, 1);
  EXPECT_EQ(settings_.port, 5);
  EXPECT_EQ(Load("include " + folder_ + "/none-*.conf"), "") << "no file matches";
  EXPECT_NE(Load("include " + folder_ + "/none.conf").find("can't open config file"),
            std::string::npos);
  EXPECT_NE(Load("\n\n\ninclude " + folder_ + "/b.conf").find("at line 2\n>>> 'nonsense'"),
            std::string::npos);
  std::string self = Write("self.conf", "include " + folder_ + "/self.conf\n");
  EXPECT_NE(Load("include " + self).find("nested too deeply"), std::string::npos);
}

TEST_F(ConfigFileTest, ValuesOutOfRangeAreBroughtIntoIt) {
  EXPECT_EQ(Load("hz 9999\ncluster-enabled yes\ndatabases 4\n"), "");
  EXPECT_EQ(settings_.hz, 500);
  EXPECT_EQ(settings_.databases, 1);
}

TEST_F(ConfigFileTest, TheCommandLineWinsOverTheFile) {
  std::string path = Write("redis.conf", "port 1\ntimeout 3\n");
  EXPECT_EQ(Start({path, "--port", "7000", "--bind", "127.0.0.1", "::1", "--save", "--requirepass",
                   "--x"}),
            "");
  EXPECT_EQ(settings_.port, 7000);
  EXPECT_EQ(settings_.timeout_s, 3);
  EXPECT_EQ(settings_.bind.size(), 2u);
  EXPECT_TRUE(settings_.save.empty());
  EXPECT_EQ(settings_.requirepass, "--x");
}

TEST_F(ConfigFileTest, OptionsMayHoldTheirValue) {
  EXPECT_EQ(Start({"--port 7001", "--save", "900 1", "--logfile", "", "--save"}), "");
  EXPECT_EQ(settings_.port, 7001);
  EXPECT_TRUE(settings_.save.empty());
  EXPECT_EQ(Start({"--port"}).find("\n*** FATAL CONFIG FILE ERROR (Redis 7.2.4) ***"), 0u);
  EXPECT_NE(Start({"--nonsense", "1"}).find(">>> 'nonsense \"1\"'\nBad directive"),
            std::string::npos);
  EXPECT_NE(
      Start({"/nowhere.conf"}).find("Fatal error, can't open config file '/nowhere.conf': No such"),
      std::string::npos);
}

TEST(CommandLine, ADashMeansStandardInput) {
  auto read = [](std::vector<std::string_view> args) { return ReadCommandLine(args); };
  EXPECT_TRUE(read({"-"}).has_stdin);
  EXPECT_TRUE(read({"x.conf", "--port", "1", "-"}).has_stdin);
  EXPECT_EQ(read({"x.conf", "-"}).file, "x.conf");
  EXPECT_FALSE(read({"x.conf", "--user", "-", "on"}).has_stdin);
  EXPECT_EQ(read({}).options, "");
  EXPECT_EQ(read({"--port", "1", "--bind", "a", "b"}).options, "port \"1\" \nbind \"a\" \"b\" ");
}

TEST_F(ConfigFileTest, RewriteKeepsCommentsAndOrder) {
  std::string text = "# mine\n\nport 7000\n\n\ninclude " + Write("a.conf", "") + "\ntimeout 5\n";
  EXPECT_EQ(Rewritten(text, {{"timeout", "9"}, {"maxmemory", "100mb"}}),
            "# mine\n\nport 7000\n\ninclude " + folder_ +
                "/a.conf\ntimeout 9\n\n"
                "# Generated by CONFIG REWRITE\nmaxmemory 100mb\n");
}

TEST_F(ConfigFileTest, RewriteDropsWhatIsNoLongerNeeded) {
  EXPECT_EQ(Rewritten("save 1 2\nsave 3 4\nport 1\n", {{"save", ""}}),
            "save \"\"\n\nport 1\n\n# Generated by CONFIG REWRITE\n");
  EXPECT_EQ(Rewritten("bind 1.1.1.1\nport 6379\n", {{"bind", "* -::*"}}),
            "\nport 6379\n\n# Generated by CONFIG REWRITE\n");
  EXPECT_EQ(Rewritten("hash-max-ziplist-entries 5\n"),
            "hash-max-listpack-entries 5\n\n# Generated by CONFIG REWRITE\n");
}

TEST_F(ConfigFileTest, RewriteTurnsWhatItDoesNotKnowIntoComments) {
  std::string text =
      RewriteConfig("nonsense 1\nrename-command GET G\nloadmodule x\n", parameters_, {});
  EXPECT_TRUE(text.starts_with("# ??? nonsense 1\nrename-command GET G\n\n")) << text;
}

TEST_F(ConfigFileTest, RewriteWritesUsers) {
  std::vector<std::string> users = {"alice on ~*", "default on nopass ~* &* +@all"};
  std::string text = RewriteConfig("user bob on\n", parameters_, users);
  EXPECT_TRUE(text.starts_with("user alice on ~*\n")) << text;
  EXPECT_NE(text.find("\nuser default on nopass ~* &* +@all\n"), std::string::npos);
  EXPECT_EQ(text.find("bob"), std::string::npos);
}

TEST_F(ConfigFileTest, ARewrittenFileLoadsToTheSameValues) {
  EXPECT_EQ(
      Load("save 5 6\nrequirepass \"\\x01 \\\"q\\\"\"\nunixsocketperm 700\nmaxmemory-clients 5%\n"
           "client-output-buffer-limit pubsub 3 2 1\nlatency-tracking-info-percentiles \"\"\n"
           "notify-keyspace-events KEA\nbind \"\"\nshutdown-on-sigint nosave now\n"),
      "");
  std::string path = Write("redis.conf", "# kept\n");
  EXPECT_EQ(RewriteConfigFile(path, parameters_, {}), "");
  Settings settings;
  ParameterSet again(&settings);
  std::string_view args[] = {path};
  EXPECT_EQ(LoadConfig(ReadCommandLine(args), &again), "");
  for (const Parameter* row : AllParameters())
    EXPECT_EQ(again.ValueOf(*row), parameters_.ValueOf(*row)) << row->name;
  EXPECT_EQ(settings.unixsocketperm, 0700);
  EXPECT_EQ(RewriteConfigFile(folder_ + "/none/x.conf", parameters_, {}),
            "No such file or directory");
}

}  // namespace
}  // namespace kiln
