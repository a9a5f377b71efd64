#include "control/agent/admin_protocol.h"

#include <gtest/gtest.h>

namespace kiln {
namespace {

NodeSpec Spec(std::string engine) {
  NodeSpec spec;
  spec.engine = std::move(engine);
  return spec;
}

// Every beginning of a reply is no reply yet.
AdminReply ReadInPieces(ReplyForm form, std::string_view bytes) {
  for (size_t length = 0; length < bytes.size(); ++length)
    EXPECT_FALSE(ReadReply(form, bytes.substr(0, length))) << length;
  return ReadReply(form, bytes).value_or(AdminReply{true, "none"});
}

TEST(AdminProtocol, ReadsRepliesInPieces) {
  EXPECT_EQ(ReadInPieces(ReplyForm::kResp, "+PONG\r\n").text, "PONG");
  EXPECT_EQ(ReadInPieces(ReplyForm::kResp, "$6\r\na:1\r\nb\r\n").text, "a:1\r\nb");
  AdminReply error = ReadInPieces(ReplyForm::kResp, "-ERR no\r\n");
  EXPECT_TRUE(error.is_error);
  EXPECT_EQ(error.text, "ERR no");
  EXPECT_EQ(ReadInPieces(ReplyForm::kLine, "VERSION 1.6.18\r\n").text, "VERSION 1.6.18");
  EXPECT_TRUE(ReadInPieces(ReplyForm::kLine, "CLIENT_ERROR bad data chunk\r\n").is_error);
  EXPECT_EQ(ReadInPieces(ReplyForm::kUntilEnd, "END\r\n").text, "");
}

TEST(AdminProtocol, KnowsReadinessByTheReplyToAProbe) {
  EXPECT_EQ(ProbeRequest(Spec("redis")).bytes, "*1\r\n$4\r\nPING\r\n");
  EXPECT_EQ(ProbeRequest(Spec("memcached")).bytes, "version\r\n");
  EXPECT_TRUE(IsReady({false, "PONG"}));
  EXPECT_TRUE(IsReady({false, "VERSION 1.6.18"}));
  EXPECT_FALSE(IsReady({true, "LOADING Redis is loading the dataset in memory"}));
}

TEST(AdminProtocol, ReadsStatisticsOfBothEngines) {
  auto info = ReadStatistics(Spec("valkey"), "# Server\r\na:1\r\n\r\n# B\r\ndb0:keys=1,x:2\r\n");
  EXPECT_EQ(info, (std::map<std::string, std::string>{{"a", "1"}, {"db0", "keys=1,x:2"}}));
  auto stats = ReadStatistics(Spec("memcached"), "STAT pid 7\r\nSTAT version 1.6 x\r\n");
  EXPECT_EQ(stats, (std::map<std::string, std::string>{{"pid", "7"}, {"version", "1.6 x"}}));
}

TEST(AdminProtocol, TellsARedisNodeOnlyWhatHasChanged) {
  NodeSpec running = Spec("redis");
  running.live_parameters = {{"maxmemory", "1"}, {"timeout", "0"}};
  NodeSpec wanted = running;
  EXPECT_FALSE(NextConfigureStep(running, wanted));
  wanted.live_parameters["timeout"] = "60";
  wanted.endpoints = {{.address = "127.0.0.9", .port = 1}};
  auto request = NextConfigureStep(running, wanted);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->request.bytes,
            "*6\r\n$6\r\nCONFIG\r\n$3\r\nSET\r\n$7\r\ntimeout\r\n$2\r\n60\r\n"
            "$9\r\nendpoints\r\n$11\r\n127.0.0.9:1\r\n");
  ApplyConfigure(wanted, &running);
  EXPECT_EQ(running, wanted);
}

TEST(AdminProtocol, GrantsALeaseFromAMomentOn) {
  EXPECT_EQ(LeaseRequest(1234, 3000).bytes,
            "*5\r\n$4\r\nKILN\r\n$5\r\nLEASE\r\n$4\r\n3000\r\n$4\r\nFROM\r\n$4\r\n1234\r\n");
}

TEST(AdminProtocol, ReadsWhetherAReplicaHoldsStill) {
  ReplicationReport report;
  std::string text =
      "role:slave\r\nmaster_host:127.0.0.1\r\nmaster_port:1\r\nmaster_link_status:down\r\n"
      "replica_held:1\r\nmaster_link_down_since_seconds:4\r\nmaster_failover_state:no-failover\r\n";
  ASSERT_TRUE(ReadReplication(Spec("redis"), text, &report));
  EXPECT_TRUE(report.is_held);
  EXPECT_EQ(report.link_down_s, 4);
}

TEST(AdminProtocol, TellsAMemcachedNodeItsListOfNodesAlone) {
  NodeSpec running = Spec("memcached");
  NodeSpec wanted = running;
  wanted.endpoints = {{.address = "127.0.0.9", .port = 1}};
  EXPECT_FALSE(NextConfigureStep(running, wanted));
  wanted.discovery = "2\nhost|127.0.0.1|11211\n";
  auto request = NextConfigureStep(running, wanted);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->request.bytes, "config set cluster 0 23\r\n2\nhost|127.0.0.1|11211\n\r\n");
  ApplyConfigure(wanted, &running);
  EXPECT_EQ(running.discovery, wanted.discovery);
  EXPECT_TRUE(running.endpoints.empty());
}

}  // namespace
}  // namespace kiln
