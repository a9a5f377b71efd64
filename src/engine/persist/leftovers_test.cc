#include "engine/persist/leftovers.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <set>
#include <string>

#include "base/whole_file.h"

namespace kiln {
namespace {

TEST(Leftovers, OnlyWhatEndedProcessesWereWritingGoes) {
  std::string folder = "/tmp/kiln-leftovers-XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  std::string running = std::to_string(getppid());
  const std::set<std::string> kept = {"temp-" + running + ".rdb",
                                      "a.manifest",
                                      "a.manifest.backup",
                                      "b.manifest.abcdef",
                                      "temp-old.rdb",
                                      "temp-4194303.aof",
                                      "a.2.incr.aof",
                                      "dump.rdb",
                                      "temp-.rdb",
                                      "temp-1700000000.1.rdb"};
  for (const std::string& name : kept) ASSERT_TRUE(ReplaceFile(folder + "/" + name, "x"));
  // As good as no process has the highest number there can be; what is higher is no process at all.
  for (std::string name : {"temp-4194303.rdb", "temp-4194303.3.rdb", "a.manifest.new-abcdef",
                           "temp-rewriteaof-bg-4194303.aof"})
    ASSERT_TRUE(ReplaceFile(folder + "/" + name, "x"));
  ASSERT_TRUE(ReplaceFile(folder + "/temp-" + std::to_string(getpid()) + ".rdb", "x"));
  RemoveLeftovers(folder, "a.manifest");
  RemoveLeftovers(folder + "/none", "");
  std::set<std::string> left;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    left.insert(entry.path().filename());
  EXPECT_EQ(left, kept);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace kiln
