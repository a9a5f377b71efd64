#include "engine/persist/aof_manifest.h"

#include <gtest/gtest.h>

namespace kiln {
namespace {

std::string Wrong(std::string_view text) {
  AofManifest manifest("a.aof");
  int line = 0;
  std::string wrong = manifest.Parse(text, &line);
  return std::to_string(line) + ": " + wrong;
}

TEST(AofManifest, ReadsWhatItWrites) {
  AofManifest manifest("my \"file\"\n.aof");
  EXPECT_TRUE(manifest.empty());
  manifest.SetBase(manifest.NextBase(true), 0);
  manifest.AddIncrement();
  manifest.AddIncrement();
  manifest.SetBase(manifest.NextBase(false), 1);
  EXPECT_EQ(manifest.history().size(), 2u);
  AofManifest read("my \"file\"\n.aof");
  int line = 0;
  EXPECT_EQ(read.Parse(manifest.Format(), &line), "");
  EXPECT_EQ(read.Format(), manifest.Format());
  EXPECT_EQ(read.Files(), manifest.Files());
  EXPECT_EQ(read.AddIncrement().sequence, 3);
  EXPECT_EQ(read.NextBase(true).name, "my \"file\"\n.aof.3.base.rdb");
}

TEST(AofManifest, ReadsRedisOwn) {
  AofManifest manifest("appendonly.aof");
  int line = 0;
  EXPECT_EQ(manifest.Parse("# a comment\n"
                           "file appendonly.aof.2.base.rdb seq 2 type b\n"
                           "file appendonly.aof.4.incr.aof seq 4 type h\n"
                           "file appendonly.aof.5.incr.aof seq 5 type i startoffset 17\n",
                           &line),
            "");
  EXPECT_EQ(manifest.base()->name, "appendonly.aof.2.base.rdb");
  EXPECT_EQ(manifest.increments().size(), 1u);
  EXPECT_EQ(manifest.history().size(), 1u);
}

TEST(AofManifest, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(Wrong(""), "0: Found an empty AOF manifest");
  EXPECT_EQ(Wrong("\n"), "1: Invalid AOF manifest file format");
  EXPECT_EQ(Wrong("file a seq 1 type"), "1: The AOF manifest file contains too long line");
  EXPECT_EQ(Wrong("file a seq 1 type\n"), "1: Invalid AOF manifest file format");
  EXPECT_EQ(Wrong("file a seq x type b\n"), "1: Invalid AOF manifest file format");
  EXPECT_EQ(Wrong("file ../a seq 1 type b\n"), "1: File can't be a path, just a filename");
  EXPECT_EQ(Wrong("file a seq 1 type x\n"), "1: Unknown AOF file type");
  EXPECT_EQ(Wrong("file a seq 1 type b\nfile b seq 2 type b\n"),
            "2: Found duplicate base file information");
  EXPECT_EQ(Wrong("file a seq 2 type i\nfile b seq 2 type i\n"),
            "2: Found a non-monotonic sequence number");
}

}  // namespace
}  // namespace kiln
