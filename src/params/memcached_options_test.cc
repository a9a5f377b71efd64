#include "params/memcached_options.h"

#include <getopt.h>
#include <gtest/gtest.h>

#include <vector>

#include "params/config_file.h"

namespace kiln {
namespace {

MemcachedCommandLine Read(std::vector<std::string> words) {
  words.insert(words.begin(), "memcached");
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  optind = 0;  // read from the start again
  opterr = 0;
  return ReadMemcachedCommandLine(static_cast<int>(words.size()), argv.data());
}

Settings SettingsOf(std::vector<std::string> words) {
  MemcachedCommandLine line = Read(std::move(words));
  EXPECT_FALSE(line.exit_code.has_value()) << line.text;
  Settings settings;
  ParameterSet parameters(&settings);
  EXPECT_EQ(LoadConfigText(line.config, &parameters), "");
  settings.memcache = line.memcache;
  return settings;
}

TEST(MemcachedOptions, HaveTheDefaultsOfMemcached) {
  Settings settings = SettingsOf({});
  EXPECT_EQ(settings.port, 11211);
  EXPECT_EQ(settings.maxmemory_bytes, 64 << 20);
  EXPECT_EQ(settings.maxmemory_policy, EvictionPolicy::kAllKeysLru);
  EXPECT_EQ(settings.maxclients, 1024);
  EXPECT_EQ(settings.io_threads, 4);
  EXPECT_EQ(settings.databases, 1);
  EXPECT_EQ(settings.memcache.max_item_bytes, 1 << 20);
  EXPECT_TRUE(settings.memcache.has_cas);
}

TEST(MemcachedOptions, AreTakenInShortAndInLongForm) {
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"-p", "7000", "-m", "100", "-M", "-c", "10", "-t", "2", "-I", "2m", "-C", "-F", "-A"},
           {"-p7000", "-m100", "-MCFA", "-c10", "-t2", "-I2m"},
           {"--port=7000", "--memory-limit", "100", "--disable-evictions", "--conn-limit=10",
            "--threads=2", "--max-item-size=2m", "--disable-cas", "--disable-flush-all",
            "--enable-shutdown"}}) {
    Settings settings = SettingsOf(words);
    EXPECT_EQ(settings.port, 7000);
    EXPECT_EQ(settings.maxmemory_bytes, 100 << 20);
    EXPECT_EQ(settings.maxmemory_policy, EvictionPolicy::kNoEviction);
    EXPECT_EQ(settings.maxclients, 10);
    EXPECT_EQ(settings.io_threads, 2);
    EXPECT_EQ(settings.memcache.max_item_bytes, 2 << 20);
    EXPECT_FALSE(settings.memcache.has_cas);
    EXPECT_FALSE(settings.memcache.flush_enabled);
    EXPECT_TRUE(settings.memcache.shutdown_enabled);
  }
}

using Listeners = std::vector<ListenAddress>;

Listeners ListenersOf(std::vector<std::string> words) {
  return SettingsOf(std::move(words)).memcache.listeners;
}

TEST(MemcachedOptions, NameAddresses) {
  EXPECT_EQ(ListenersOf({}), Listeners({{"*", 11211}, {"-::*", 11211}}));
  EXPECT_EQ(ListenersOf({"-l", "127.0.0.1,::1"}),
            Listeners({{"127.0.0.1", 11211}, {"::1", 11211}}));
  EXPECT_EQ(ListenersOf({"-p", "7", "-l", "127.0.0.1", "-l", "name"}),
            Listeners({{"127.0.0.1", 7}, {"name", 7}}));
  EXPECT_EQ(ListenersOf({"-l", "127.0.0.1:7001;[::1]:7002,[::2]"}),
            Listeners({{"127.0.0.1", 7001}, {"::1", 7002}, {"::2", 11211}}));
  EXPECT_EQ(ListenersOf({"-l", "*:5"}), Listeners({{"*", 5}, {"-::*", 5}}));
  EXPECT_EQ(SettingsOf({"-l", "a,b:1", "-l", "c"}).memcache.interfaces, "a,b:1,c");
}

TEST(MemcachedOptions, TakePort0AsNoneAndLessAsAny) {
  EXPECT_EQ(ListenersOf({"-p", "0", "-l", "127.0.0.1:5"}), Listeners());
  EXPECT_EQ(ListenersOf({"-p", "-1", "-l", "127.0.0.1"}), Listeners({{"127.0.0.1", 0}}));
  EXPECT_EQ(SettingsOf({"-p", "-1"}).memcache.told.at("tcpport"), "-1");
}

TEST(MemcachedOptions, ReadWhatStandsInFrontOfAnAddress) {
  EXPECT_EQ(ListenersOf({"-l", "tag[a]:127.0.0.1:5"}), Listeners({{"127.0.0.1", 5}}));
  EXPECT_EQ(ListenersOf({"-l", "proto[negotiating]:tag[a]:[::1]:5"}), Listeners({{"::1", 5}}));
  EXPECT_EQ(ListenersOf({"-B", "ascii", "-l", "proto[ascii]:h"}), Listeners({{"h", 11211}}));
  for (std::string address : {"proto[ascii]:h", "proto[x]:h", "tag[]:h", "tag[123456789]:h", "[::1",
                              "h:x", "h:65536", "h:-2", "notls:h", "[::1]:"}) {
    bool is_good = address == "[::1]:";
    EXPECT_EQ(Read({"-l", address}).exit_code, is_good ? std::nullopt : std::optional(71))
        << address;
  }
}

TEST(MemcachedOptions, CloseTheNetworkForAUnixSocket) {
  Settings settings = SettingsOf({"-s", "/tmp/a b.sock", "-a", "777"});
  EXPECT_EQ(settings.port, 0);
  EXPECT_EQ(settings.unixsocket, "/tmp/a b.sock");
  EXPECT_EQ(settings.unixsocketperm, 0777);
  EXPECT_EQ(SettingsOf({"-s", "/tmp/x"}).unixsocketperm, 0700);
}

TEST(MemcachedOptions, SetUpAManagedNode) {
  Settings settings =
      SettingsOf({"--admin-socket=/tmp/a b.sock", "--endpoints=127.0.0.1:7001,[::1]:7002",
                  "--endpoints", "127.0.0.2:7001", "--auto-discovery=1\nh|127.0.0.1|7001\n"});
  EXPECT_EQ(settings.admin_socket, "/tmp/a b.sock");
  EXPECT_EQ(settings.endpoints,
            std::vector<std::string>({"127.0.0.1:7001", "[::1]:7002", "127.0.0.2:7001"}));
  EXPECT_EQ(settings.memcache.discovery, "1\nh|127.0.0.1|7001\n");
  EXPECT_EQ(Read({"--endpoints=127.0.0.1"}).exit_code, 64);
  EXPECT_EQ(Read({"--endpoints=127.0.0.1"}).text, "'127.0.0.1' is no endpoint (address:port)\n");
}

TEST(MemcachedOptions, TellBackWhatHasNoEffect) {
  Settings settings =
      SettingsOf({"-L", "-f", "1.5", "-n", "96", "-U", "0", "-vv", "-N", "2", "-b", "99", "-o",
                  "modern,hashpower=20,idle_timeout=30,hot_max_factor=0.5,watcher_logbuf_size=2"});
  EXPECT_EQ(settings.memcache.told.at("growth_factor"), "1.50");
  EXPECT_EQ(settings.memcache.told.at("chunk_size"), "96");
  EXPECT_EQ(settings.memcache.told.at("hashpower_init"), "20");
  EXPECT_EQ(settings.memcache.told.at("hot_max_factor"), "0.50");
  EXPECT_EQ(settings.memcache.told.at("watcher_logbuf_size"), "2048");
  EXPECT_EQ(settings.timeout_s, 30);
  EXPECT_EQ(settings.tcp_backlog, 99);
  EXPECT_EQ(settings.memcache.verbosity, 2u);
}

TEST(MemcachedOptions, SwitchThingsOnAndOff) {
  MemcacheSettings settings =
      SettingsOf({"-X", "-W", "-F", "-D", ".", "-R", "50", "-o", "no_maxconns_fast"}).memcache;
  EXPECT_FALSE(settings.dump_enabled);
  EXPECT_FALSE(settings.watch_enabled);
  EXPECT_FALSE(settings.flush_enabled);
  EXPECT_FALSE(settings.closes_when_full);
  EXPECT_TRUE(settings.is_detail_on);
  EXPECT_EQ(settings.prefix_delimiter, '.');
  EXPECT_EQ(settings.requests_per_turn, 50);
  EXPECT_TRUE(Read({"-k"}).lock_memory);
  EXPECT_TRUE(Read({"-r"}).dump_core);
  EXPECT_EQ(SettingsOf({"-I", "1g", "-m", "2048"}).memcache.max_item_bytes, 1 << 30);
}

TEST(MemcachedOptions, SpeakOnlyWhatAsksForPasswords) {
  EXPECT_EQ(SettingsOf({"-S"}).memcache.dialect, MemcacheDialect::kBinary);
  EXPECT_EQ(SettingsOf({"-Y", "f"}).memcache.dialect, MemcacheDialect::kText);
  EXPECT_EQ(Read({"-S", "-B", "auto"}).exit_code, 64);
  EXPECT_EQ(Read({"-Y", "f", "-B", "binary"}).exit_code, 64);
}

TEST(MemcachedOptions, RefuseAsMemcachedDoes) {
  struct Case {
    std::vector<std::string> words;
    int code;
    std::string text;
  };
  const Case cases[] = {
      {{"-q"}, 1, "Illegal argument \"?\"\n"},
      {{"--foo"}, 1, "Illegal argument \"?\"\n"},
      {{"-p"}, 1, "Illegal argument \"?\"\n"},
      {{"-o", "foo"}, 1, "Illegal suboption \"foo\"\n"},
      {{"-c", "0"}, 1, "Maximum connections must be greater than 0\n"},
      {{"-t", "0"}, 1, "Number of threads must be greater than 0\n"},
      {{"-f", "1"}, 1, "Factor must be greater than 1\n"},
      {{"-I", "1000"}, 64, "Item max size cannot be less than 1024 bytes.\n"},
      {{"-I", "33m"}, 64, "Cannot set item size limit higher than 1/2 of memory max.\n"},
      {{"-m", "4096", "-I", "1025m"}, 64, "Cannot set item size limit higher than a gigabyte.\n"},
      {{"-B", "x"},
       64,
       "Invalid value for binding protocol: x\n -- should be one of auto, binary, or ascii\n"},
  };
  for (const Case& c : cases) {
    MemcachedCommandLine line = Read(c.words);
    EXPECT_EQ(line.exit_code, c.code) << c.words[0];
    EXPECT_EQ(line.text, c.text) << c.words[0];
  }
}

TEST(MemcachedOptions, DoNotPromiseSafetyThatIsNotThere) {
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"-Z"}, {"-o", "ssl_key=x"}, {"-o", "ssl_session_cache"}, {"-U", "11211"}}) {
    EXPECT_EQ(Read(words).exit_code, 64) << words[0];
  }
}

TEST(MemcachedOptions, PrintAndEnd) {
  EXPECT_EQ(Read({"-V"}).text, "memcached 1.6.18\n");
  EXPECT_EQ(Read({"-V"}).exit_code, 0);
  EXPECT_NE(Read({"--help"}).text.find("-p, --port=<num>"), std::string::npos);
}

}  // namespace
}  // namespace kiln
