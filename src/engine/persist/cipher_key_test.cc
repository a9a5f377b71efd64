#include "engine/persist/cipher_key.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>

#include "base/whole_file.h"

namespace kiln {
namespace {

constexpr char kDigits[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1B1C1D1E1F";

std::string RawKey() {
  std::string key;
  for (int i = 0; i < 32; ++i) key += static_cast<char>(i);
  return key;
}

class AtRestKeyTest : public ::testing::Test {
 protected:
  AtRestKeyTest() {
    std::string name = "/tmp/kiln-key-XXXXXX";
    folder_ = mkdtemp(name.data());
  }
  ~AtRestKeyTest() override { std::filesystem::remove_all(folder_); }

  std::string File(std::string_view text, mode_t mode) {
    std::string path = folder_ + "/key";
    EXPECT_TRUE(ReplaceFile(path, text));
    EXPECT_EQ(chmod(path.c_str(), mode), 0);
    return path;
  }

  std::string folder_;
};

TEST_F(AtRestKeyTest, IsTheSameAsBytesAndAsDigits) {
  AtRestKey raw;
  AtRestKey hex;
  EXPECT_EQ(ReadAtRestKey(File(RawKey(), 0600), &raw), "");
  EXPECT_EQ(ReadAtRestKey(File(std::string(" ") + kDigits + "\n", 0640), &hex), "");
  EXPECT_EQ(raw.id, hex.id);
  EXPECT_EQ(std::string(raw.secret.data(), raw.secret.data() + Secret::kBytes), RawKey());
  EXPECT_EQ(std::string(hex.secret.data(), hex.secret.data() + Secret::kBytes), RawKey());
}

TEST_F(AtRestKeyTest, AnotherKeyHasAnotherId) {
  AtRestKey one;
  AtRestKey other;
  EXPECT_EQ(ParseAtRestKey(RawKey(), &one), "");
  EXPECT_EQ(ParseAtRestKey(std::string(32, 'x'), &other), "");
  EXPECT_NE(one.id, other.id);
}

TEST_F(AtRestKeyTest, TextsThatAreNoKeyAreRefused) {
  std::string digits = kDigits;
  for (const std::string& text :
       {std::string(), std::string("\n"), RawKey() + "x", RawKey().substr(1), digits + "0",
        digits.substr(1), digits.substr(1) + "g", std::string(300, 'a')}) {
    AtRestKey key;
    EXPECT_NE(ReadAtRestKey(File(text, 0600), &key), "") << text;
  }
}

TEST_F(AtRestKeyTest, FilesThatOthersMayReadAreRefused) {
  AtRestKey key;
  EXPECT_NE(ReadAtRestKey(File(RawKey(), 0644), &key).find("others"), std::string::npos);
  EXPECT_NE(ReadAtRestKey(File(RawKey(), 0602), &key).find("others"), std::string::npos);
  EXPECT_NE(ReadAtRestKey(folder_, &key), "");
  EXPECT_NE(ReadAtRestKey(folder_ + "/none", &key).find("No such file"), std::string::npos);
}

TEST_F(AtRestKeyTest, CommandsPrintIt) {
  AtRestKey key;
  EXPECT_EQ(RunAtRestKeyCommand(std::string("echo ") + kDigits, &key), "");
  AtRestKey expected;
  EXPECT_EQ(ParseAtRestKey(kDigits, &expected), "");
  EXPECT_EQ(key.id, expected.id);
  EXPECT_EQ(RunAtRestKeyCommand("cat \"" + File(RawKey(), 0600) + "\"", &key), "");
  EXPECT_EQ(key.id, expected.id);
}

TEST_F(AtRestKeyTest, CommandsAreNotReadByAShell) {
  AtRestKey key;
  std::string command = std::string("echo ") + kDigits + "; touch " + folder_ + "/made";
  EXPECT_NE(RunAtRestKeyCommand(command, &key), "");
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/made"));
}

TEST_F(AtRestKeyTest, CommandsThatFailAreTold) {
  AtRestKey key;
  EXPECT_NE(RunAtRestKeyCommand("false", &key).find("status 1"), std::string::npos);
  EXPECT_NE(RunAtRestKeyCommand("/no/such/command", &key).find("No such file"), std::string::npos);
  EXPECT_NE(RunAtRestKeyCommand("cat /dev/zero", &key).find("more than a key"), std::string::npos);
  EXPECT_NE(RunAtRestKeyCommand("echo 'x", &key).find("quotes"), std::string::npos);
  EXPECT_NE(RunAtRestKeyCommand("echo x", &key).find("64 hexadecimal"), std::string::npos);
}

TEST_F(AtRestKeyTest, ParametersSayWhichKeysThereAre) {
  Settings settings;
  AtRestKeys none;
  EXPECT_EQ(LoadAtRestKeys(settings, &none), "");
  EXPECT_TRUE(none.IsEmpty());
  settings.at_rest_key_command = std::string("echo ") + kDigits;
  settings.at_rest_old_key_file = File(std::string(32, 'x'), 0600);
  AtRestKeys keys;
  EXPECT_EQ(LoadAtRestKeys(settings, &keys), "");
  ASSERT_TRUE(keys.current && keys.old);
  EXPECT_EQ(keys.Find(keys.current->id), &*keys.current);
  EXPECT_EQ(keys.Find(keys.old->id), &*keys.old);
  EXPECT_EQ(keys.Find(KeyId{}), nullptr);
  settings.at_rest_key_file = settings.at_rest_old_key_file;
  EXPECT_NE(LoadAtRestKeys(settings, &keys), "");
}

}  // namespace
}  // namespace kiln
