#include "control/backup/file_vault.h"

#include <gtest/gtest.h>

#include "control/backup/s3_vault.h"
#include "control/backup/snapshot_check.h"

namespace kiln {
namespace {

TEST(VaultKey, LeadsNowhereElse) {
  for (const char* key : {"a", "a/b.rdb", "odd name+(1)/x", "..a/b.."})
    EXPECT_TRUE(IsVaultKey(key)) << key;
  for (const char* key : {"", "/a", "a/", "a//b", ".", "..", "a/../b", "../a", "a/."})
    EXPECT_FALSE(IsVaultKey(key)) << key;
  EXPECT_EQ(BucketFolders("/tmp")(".."), nullptr);
  EXPECT_EQ(BucketFolders("/tmp")("a/b"), nullptr);
}

TEST(S3Place, IsABucketAndAPrefix) {
  EXPECT_EQ(ParseS3Place("s3://kept/from/kiln/")->prefix, "from/kiln");
  EXPECT_EQ(ParseS3Place("s3://kept")->bucket, "kept");
  for (const char* text : {"kept", "s3://", "s3://No", "s3://kept//a", "s3://kept/../a"})
    EXPECT_FALSE(ParseS3Place(text)) << text;
}

TEST(S3Credentials, AreThoseOfTheProfile) {
  constexpr std::string_view kText =
      "[default]\naws_access_key_id = A\naws_secret_access_key=B\n\n[other]\r\n"
      "aws_access_key_id=C\r\n# aws_secret_access_key=X\naws_secret_access_key = D\n"
      "aws_session_token = E";
  S3Access access;
  ASSERT_TRUE(ReadS3Credentials(kText, "default", &access));
  EXPECT_EQ(access.key_id + access.secret + access.token, "AB");
  ASSERT_TRUE(ReadS3Credentials(kText, "other", &access));
  EXPECT_EQ(access.key_id + access.secret + access.token, "CDE");
  EXPECT_FALSE(ReadS3Credentials(kText, "third", &access));
}

TEST(SnapshotCheck, ReadsWhatTheProgramPrints) {
  EXPECT_EQ(FirstFinding("--- RDB ERROR DETECTED ---\n[offset 7] Wrong\n[info] 3"),
            "[offset 7] Wrong");
  EXPECT_EQ(FirstFinding("Cannot open file"), "It is no snapshot file.");
  EXPECT_EQ(MemoryIn("[info] AUX FIELD used-mem = '1234'\n"), 1234);
  EXPECT_EQ(MemoryIn("[info] AUX FIELD ctime = '1'\n"), 0);
}

TEST(SnapshotCheck, AProgramThatIsNotThereIsNoDamage) {
  SnapshotCheck check = CheckSnapshot("/nowhere/kiln-check", "/dev/null", [] { return true; });
  EXPECT_FALSE(check.problem.empty());
  EXPECT_FALSE(check.is_damaged);
}

}  // namespace
}  // namespace kiln
