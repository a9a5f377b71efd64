// A bucket of an S3-compatible store, over libcurl. Requests are signed with Signature Version 4
// and name the bucket in their path; an upload carries the SHA-256 of its file, so what arrives is
// what was sent.
//
// Files go in one piece: 5 GiB at most, where the store is AWS's. Calls block, and are tried a few
// times. Any thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "control/backup/file_vault.h"

namespace kiln {

struct S3Access {
  std::string endpoint;  // "https://s3.us-east-1.amazonaws.com", without a slash at the end.
  std::string region;
  std::string key_id;
  std::string secret;
  std::string token;              // Of temporary credentials, or empty.
  std::function<bool()> goes_on;  // Asked many times a second; "no" cuts transfers off.
};

// As AWS's SDKs find them: AWS_ACCESS_KEY_ID and its like; else the profile AWS_PROFILE (or
// "default") of AWS_SHARED_CREDENTIALS_FILE (or ~/.aws/credentials). False: there are none.
bool FindS3Credentials(S3Access* access);
// The same of a file's text.
bool ReadS3Credentials(std::string_view text, std::string_view profile, S3Access* access);

// "s3://bucket/prefix" or "s3://bucket".
struct S3Place {
  std::string bucket;
  std::string prefix;  // Without slashes around it; may be empty.
};
std::optional<S3Place> ParseS3Place(std::string_view text);

// 3 to 63 small letters, digits, dots and hyphens.
bool IsBucketName(std::string_view name);

class S3Vault final : public FileVault {
 public:
  S3Vault(S3Access access, S3Place place) : access_(std::move(access)), place_(std::move(place)) {}

  std::string Put(const std::string& key, const std::string& path) override;
  std::string Get(const std::string& key, const std::string& path) override;
  std::string Remove(const std::string& key) override;
  Presence Look(const std::string& key) override;

 private:
  std::string UrlOf(const std::string& key) const;

  S3Access access_;
  S3Place place_;
};

OpenBucket S3Buckets(S3Access access);

}  // namespace kiln
