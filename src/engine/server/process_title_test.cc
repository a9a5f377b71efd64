#include "engine/server/process_title.h"

#include <gtest/gtest.h>

namespace kiln {
namespace {

std::optional<std::string> Value(std::string_view name) {
  if (name == "port") return "6379";
  if (name == "none") return "";
  return std::nullopt;
}

TEST(ProcessTitle, NamesInBracesAreReplaced) {
  EXPECT_EQ(ExpandTitle("kiln {port} {none}", Value), "kiln 6379");
  EXPECT_EQ(ExpandTitle("{{port} {port}", Value), "{port} 6379");
  EXPECT_EQ(ExpandTitle("", Value), "");
  EXPECT_EQ(ExpandTitle("  ", Value), "");
}

TEST(ProcessTitle, UnknownNamesAndOpenBracesAreErrors) {
  EXPECT_EQ(ExpandTitle("{user}", Value), std::nullopt);
  EXPECT_EQ(ExpandTitle("{port", Value), std::nullopt);
}

}  // namespace
}  // namespace kiln
