#include "control/agent/node_folder.h"

#include <gtest/gtest.h>

#include "control/agent/temporary_folder.h"

namespace kiln {
namespace {

NodeSpec Spec() {
  NodeSpec spec;
  spec.cluster_id = "s";
  spec.node_id = "0001";
  spec.engine = "redis";
  spec.listen = {.address = "127.77.0.5", .port = 6379};
  spec.endpoints = {{.address = "127.77.0.6", .port = 6379}};
  spec.boot = 3;
  spec.start_parameters = {{"databases", "1"}};
  spec.live_parameters = {{"requirepass", "a\"b\xc3\xa4"}};
  spec.discovery = "1\nx\n";
  return spec;
}

TEST(NodeFolder, RemembersWhatTheNodeWasStartedWith) {
  TemporaryFolder data;
  NodeFolder folder(data.path(), "s.0001");
  EXPECT_FALSE(folder.ReadSpec());
  EXPECT_EQ(folder.ReadExits(), 0);
  ASSERT_EQ(folder.Create(), 0);
  ASSERT_EQ(folder.WriteSpec(Spec()), 0);
  ASSERT_EQ(folder.WriteExits(17), 0);
  EXPECT_EQ(folder.ReadSpec(), Spec());
  EXPECT_EQ(folder.ReadExits(), 17);
  EXPECT_EQ(NodeFolder::List(data.path()), std::vector<std::string>{"s.0001"});
  folder.Delete();
  EXPECT_TRUE(NodeFolder::List(data.path()).empty());
}

TEST(NodeFolder, RefusesABrokenFileAndOneOfAnotherNode) {
  TemporaryFolder data;
  NodeFolder other(data.path(), "t.0001");
  ASSERT_EQ(other.Create(), 0);
  ASSERT_EQ(other.WriteSpec(Spec()), 0);
  EXPECT_FALSE(other.ReadSpec());
  data.Write("t.0001/node.json", "{\"schema\":1,");
  EXPECT_FALSE(other.ReadSpec());
}

TEST(NodeFolder, ReadsOnlyTheLogsOfThisRun) {
  TemporaryFolder data;
  NodeFolder folder(data.path(), "s.0001");
  ASSERT_EQ(folder.Create(), 0);
  data.Write("s.0001/node.log", "Address already in use\n");
  LogMark mark = MarkLogs(folder);
  EXPECT_EQ(LogTail(folder, mark), "");
  data.Write("s.0001/node.log", "Address already in use\nnew\n");
  EXPECT_EQ(LogTail(folder, mark), "new\n");
  data.Write("s.0001/node.log", "rotated\n");
  EXPECT_EQ(LogTail(folder, mark), "rotated\n");
}

}  // namespace
}  // namespace kiln
