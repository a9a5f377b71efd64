#include "control/agent/node_command.h"

#include <gtest/gtest.h>

namespace kiln {
namespace {

const NodeFolder kFolder("/data/nodes", "s.0001");

NodeSpec Spec(std::string engine) {
  NodeSpec spec;
  spec.cluster_id = "s";
  spec.node_id = "0001";
  spec.engine = std::move(engine);
  spec.listen = {.address = "127.77.0.5", .port = 6379};
  return spec;
}

TEST(NodeCommand, WritesTheConfigurationOfARedisNode) {
  NodeSpec spec = Spec("redis");
  spec.start_parameters = {{"databases", "1"}};
  spec.live_parameters = {{"notify-keyspace-events", ""}, {"requirepass", "a \"b\" \\c"}};
  spec.endpoints = {{.address = "127.77.0.6", .port = 6379}, {.address = "::1", .port = 7000}};
  EXPECT_EQ(NodeConfig(spec, kFolder),
            "# Written by kilnd when it starts the node. Changes here are lost.\n"
            "databases \"1\"\n"
            "notify-keyspace-events \"\"\n"
            "requirepass \"a \\\"b\\\" \\\\c\"\n"
            "bind \"127.77.0.5\"\n"
            "port \"6379\"\n"
            "endpoints 127.77.0.6:6379 [::1]:7000\n"
            "admin-socket \"/proc/self/cwd/admin.sock\"\n"
            "managed-node \"yes\"\n"
            "logfile \"/data/nodes/s.0001/node.log\"\n"
            "dir \"/data/nodes/s.0001\"\n"
            "daemonize \"no\"\n"
            "save \"\"\n"
            "protected-mode \"no\"\n");
  EXPECT_EQ(
      NodeArguments(spec, kFolder),
      std::vector<std::string>({"/data/nodes/s.0001/kiln-server", "/data/nodes/s.0001/kiln.conf"}));
}

TEST(NodeCommand, MakesTheCommandLineOfAMemcachedNode) {
  NodeSpec spec = Spec("memcached");
  spec.start_parameters = {
      {"m", "64"}, {"C", ""}, {"max-item-size", "2m"}, {"o.modern", ""}, {"o.idle_timeout", "10"}};
  spec.endpoints = {{.address = "127.77.0.6", .port = 11211}, {.address = "::1", .port = 7000}};
  spec.discovery = "1\nhost|127.0.0.1|11211\n";
  EXPECT_EQ(
      NodeArguments(spec, kFolder),
      std::vector<std::string>(
          {"/data/nodes/s.0001/kiln-memcached", "-l", "127.77.0.5", "-p", "6379", "-C", "-m", "64",
           "--max-item-size=2m", "-o", "idle_timeout=10,modern",
           "--admin-socket=/proc/self/cwd/admin.sock", "--endpoints=127.77.0.6:11211,[::1]:7000",
           "--auto-discovery=1\nhost|127.0.0.1|11211\n"}));
}

TEST(NodeCommand, TellsWhatTakesANewStart) {
  NodeSpec spec = Spec("redis");
  NodeSpec other = spec;
  other.live_parameters["maxmemory"] = "1";
  other.endpoints = {{.address = "127.77.0.6", .port = 6379}};
  EXPECT_TRUE(IsSameStart(spec, other));
  other.boot = 2;
  EXPECT_FALSE(IsSameStart(spec, other));
}

TEST(NodeCommand, MemcachedTakesEndpointsAtStartOnly) {
  NodeSpec spec = Spec("memcached");
  NodeSpec other = spec;
  other.discovery = "1\nhost|127.0.0.1|11211\n";
  EXPECT_TRUE(IsSameStart(spec, other));
  other.endpoints = {{.address = "127.77.0.6", .port = 11211}};
  EXPECT_FALSE(IsSameStart(spec, other));
}

}  // namespace
}  // namespace kiln
