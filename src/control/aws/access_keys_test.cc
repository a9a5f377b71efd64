#include "control/aws/access_keys.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace kiln {
namespace {

class AccessKeysTest : public testing::Test {
 protected:
  AccessKeysTest() {
    std::string folder = (std::filesystem::temp_directory_path() / "kiln-keys-XXXXXX").string();
    folder_ = mkdtemp(folder.data());
    path_ = (folder_ / "credentials").string();
  }
  ~AccessKeysTest() override { std::filesystem::remove_all(folder_); }

  void Write(const std::string& text) { std::ofstream(path_) << text; }
  std::string Read() {
    std::ifstream file(path_);
    return std::string((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  }

  std::filesystem::path folder_;
  std::string path_;
};

TEST_F(AccessKeysTest, TheFirstStartMakesAKeyThatLaterStartsRead) {
  AccessKeys first;
  ASSERT_EQ(first.Load(path_), "");
  std::string text = Read();
  std::string id = text.substr(text.find("AKIA"), 20);
  std::optional<std::string> secret = first.SecretOf(id);
  ASSERT_TRUE(secret);
  EXPECT_EQ(secret->size(), 40u);
  struct stat status;
  ASSERT_EQ(stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  AccessKeys second;
  ASSERT_EQ(second.Load(path_), "");
  EXPECT_EQ(second.SecretOf(id), secret);
  EXPECT_EQ(Read(), text);
}

TEST_F(AccessKeysTest, EveryProfileIsAKey) {
  Write(
      "# ours\n[default]\naws_access_key_id=A1\naws_secret_access_key = s1\n\n"
      "[ci]\r\naws_secret_access_key = s2=\r\naws_access_key_id = A2\r\n[none]\nregion = x\n");
  AccessKeys keys;
  ASSERT_EQ(keys.Load(path_), "");
  EXPECT_EQ(keys.SecretOf("A1"), "s1");
  EXPECT_EQ(keys.SecretOf("A2"), "s2=");
  EXPECT_FALSE(keys.SecretOf("A3"));
  EXPECT_FALSE(keys.SecretOf(""));
}

TEST_F(AccessKeysTest, AFileWithoutKeysIsAnError) {
  Write("[default]\naws_access_key_id = A1\n");
  AccessKeys keys;
  EXPECT_NE(keys.Load(path_), "");
}

}  // namespace
}  // namespace kiln
