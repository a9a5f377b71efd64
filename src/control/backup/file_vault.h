// Where files are kept under keys: a folder, or an S3 bucket (s3_vault.h).
//
// A key is a path of names with slashes between. A file is there as a whole or not at all, also
// after a crash, and is durable when Put has returned. Calls block. Any thread. Errors: a sentence,
// empty when it is done.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace kiln {

class FileVault {
 public:
  enum class Presence : uint8_t {
    kThere,
    kAbsent,
    kRefused,    // It is somebody else's.
    kElsewhere,  // In another region.
    kTrouble,    // Nobody can tell just now.
  };

  virtual ~FileVault() = default;

  // Replaces what was there. The file at `path` stays, and must not be changed any more.
  virtual std::string Put(const std::string& key, const std::string& path) = 0;
  virtual std::string Get(const std::string& key, const std::string& path) = 0;
  virtual std::string Remove(const std::string& key) = 0;  // What is not there is gone.
  virtual Presence Look(const std::string& key) = 0;       // Empty: the vault itself.
};

// Null when it cannot be one's name.
using OpenBucket = std::function<std::unique_ptr<FileVault>(const std::string& name)>;

class FolderVault final : public FileVault {
 public:
  // `is_shared`: others may write there as well, so files are copied, not linked. The folder is
  // made when something is put there, unless it is shared.
  FolderVault(std::string root, bool is_shared) : root_(std::move(root)), is_shared_(is_shared) {}

  std::string Put(const std::string& key, const std::string& path) override;
  std::string Get(const std::string& key, const std::string& path) override;
  std::string Remove(const std::string& key) override;
  Presence Look(const std::string& key) override;

 private:
  std::string PathOf(const std::string& key) const { return root_ + '/' + key; }

  std::string root_;
  bool is_shared_;
};

// Whether it names a file below the folder, whatever it holds.
bool IsVaultKey(std::string_view key);

// Folders below `root`, each a bucket.
OpenBucket BucketFolders(std::string root);

// Why it cannot be put into the bucket `name`, or taken out of it, in AWS's words; or empty.
std::string CannotWrite(const OpenBucket& open, const std::string& name, const std::string& key);
std::string CannotRead(const OpenBucket& open, const std::string& name, const std::string& key);

}  // namespace kiln
