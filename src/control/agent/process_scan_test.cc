#include "control/agent/process_scan.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace kiln {
namespace {

using namespace std::string_view_literals;

TEST(ProcessScan, KnowsANodeByTheNameOfItsProcess) {
  constexpr std::string_view kNodes = "/data/nodes";
  EXPECT_EQ(NodeOfCommandLine("/data/nodes/s.0001/kiln-server\0/data/x\0"sv, kNodes), "s.0001");
  EXPECT_EQ(NodeOfCommandLine("/data/nodes/m.0002/kiln-memcached\0-l\0::1\0"sv, kNodes), "m.0002");
}

TEST(ProcessScan, TakesNoReaderOfANodesFilesForANode) {
  constexpr std::string_view kNodes = "/data/nodes";
  EXPECT_FALSE(NodeOfCommandLine("tail\0-f\0/data/nodes/s.0001/kiln-server\0"sv, kNodes));
  EXPECT_FALSE(NodeOfCommandLine("/data/nodes/s.0001/tool\0"sv, kNodes));
  EXPECT_FALSE(NodeOfCommandLine("/data/nodes/kiln-server\0"sv, kNodes));
  EXPECT_FALSE(NodeOfCommandLine("/data/nodes2/s.0001/kiln-server\0"sv, kNodes));
  EXPECT_FALSE(NodeOfCommandLine("/other/nodes/s.0001/kiln-server\0"sv, kNodes));
  EXPECT_FALSE(NodeOfCommandLine(""sv, kNodes));
}

TEST(ProcessScan, ReadsWhatAProcessUses) {
  auto statistics = ReadProcessStatistics(::getpid());
  ASSERT_EQ(statistics.size(), 3u);
  EXPECT_EQ(statistics[1].first, "process_resident_bytes");
  EXPECT_GT(std::stoll(statistics[1].second), 100'000);
}

}  // namespace
}  // namespace kiln
