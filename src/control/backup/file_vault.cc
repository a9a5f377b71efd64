#include "control/backup/file_vault.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "net/socket.h"

namespace kiln {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxKeyBytes = 1024;

std::string Sentence(std::string_view what, const std::string& path, int error) {
  return fmt::format("{} cannot be {}: {}.", path, what, std::generic_category().message(error));
}

int Sync(const std::string& path, int flags) {
  Fd fd(::open(path.c_str(), flags | O_CLOEXEC));
  if (!fd.IsOpen()) return errno;
  return ::fsync(fd.get()) == 0 ? 0 : errno;
}

// `to` becomes the same file, or a copy where that is not possible or not wanted. An errno.
int LinkOrCopy(const std::string& from, const std::string& to, bool links) {
  std::error_code error;
  fs::remove(to, error);
  if (links) {
    fs::create_hard_link(from, to, error);
    bool must_copy = error.value() == EXDEV || error.value() == EPERM || error.value() == EMLINK;
    if (!must_copy) return error.value();
  }
  fs::copy_file(from, to, fs::copy_options::overwrite_existing, error);
  if (error) return error.value();
  return Sync(to, O_RDONLY);
}

}  // namespace

std::string FolderVault::Put(const std::string& key, const std::string& path) {
  std::string place = PathOf(key), part = place + ".part";
  fs::path folder = fs::path(place).parent_path();
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return Sentence("made", folder.string(), error.value());
  if (int problem = LinkOrCopy(path, part, !is_shared_); problem != 0) {
    fs::remove(part, error);
    return Sentence("written", place, problem);
  }
  fs::rename(part, place, error);
  if (error) return Sentence("written", place, error.value());
  int problem = Sync(folder.string(), O_RDONLY | O_DIRECTORY);
  if (problem == 0) problem = Sync(root_, O_RDONLY | O_DIRECTORY);
  return problem == 0 ? "" : Sentence("synced", folder.string(), problem);
}

std::string FolderVault::Get(const std::string& key, const std::string& path) {
  int problem = LinkOrCopy(PathOf(key), path, !is_shared_);
  return problem == 0 ? "" : Sentence("read", PathOf(key), problem);
}

std::string FolderVault::Remove(const std::string& key) {
  std::error_code error, ignored;
  fs::remove(PathOf(key) + ".part", ignored);
  fs::remove(PathOf(key), error);
  if (error) return Sentence("removed", PathOf(key), error.value());
  fs::path folder = fs::path(PathOf(key)).parent_path();
  if (folder != fs::path(root_)) fs::remove(folder, ignored);  // The last one closes the door.
  return {};
}

FileVault::Presence FolderVault::Look(const std::string& key) {
  struct stat status;
  if (::stat(key.empty() ? root_.c_str() : PathOf(key).c_str(), &status) == 0)
    return key.empty() == S_ISDIR(status.st_mode) ? Presence::kThere : Presence::kAbsent;
  if (errno == ENOENT || errno == ENOTDIR) return Presence::kAbsent;
  return errno == EACCES ? Presence::kRefused : Presence::kTrouble;
}

bool IsVaultKey(std::string_view key) {
  if (key.empty() || key.size() > kMaxKeyBytes) return false;
  while (!key.empty()) {
    size_t end = std::min(key.find('/'), key.size());
    std::string_view name = key.substr(0, end);
    if (name.empty() || name == "." || name == ".." || name.find('\0') != name.npos) return false;
    if (end + 1 == key.size()) return false;
    key.remove_prefix(std::min(end + 1, key.size()));
  }
  return true;
}

OpenBucket BucketFolders(std::string root) {
  return [root = std::move(root)](const std::string& name) -> std::unique_ptr<FileVault> {
    if (!IsVaultKey(name) || name.find('/') != std::string::npos) return nullptr;
    return std::make_unique<FolderVault>(root + '/' + name, true);
  };
}

namespace {

// Whether there is such a bucket, and it may be used.
std::string CheckBucket(const std::string& name, FileVault* vault) {
  switch (vault == nullptr ? FileVault::Presence::kAbsent : vault->Look("")) {
    case FileVault::Presence::kThere:
      return {};
    case FileVault::Presence::kAbsent:
      return fmt::format("The S3 bucket {} does not exist.", name);
    case FileVault::Presence::kRefused:
      return fmt::format("The S3 bucket {} is not owned by the authenticated user.", name);
    case FileVault::Presence::kElsewhere:
      return fmt::format("The S3 bucket {} is outside of the region.", name);
    case FileVault::Presence::kTrouble:
      break;
  }
  return fmt::format("The S3 bucket {} cannot be reached.", name);
}

}  // namespace

std::string CannotWrite(const OpenBucket& open, const std::string& name, const std::string& key) {
  std::unique_ptr<FileVault> vault = open(name);
  if (std::string problem = CheckBucket(name, vault.get()); !problem.empty()) return problem;
  if (vault->Look(key) != FileVault::Presence::kThere) return {};
  return fmt::format("The S3 bucket {} already contains an object with key {}.", name, key);
}

std::string CannotRead(const OpenBucket& open, const std::string& name, const std::string& key) {
  std::unique_ptr<FileVault> vault = open(name);
  if (std::string problem = CheckBucket(name, vault.get()); !problem.empty()) return problem;
  FileVault::Presence presence = IsVaultKey(key) ? vault->Look(key) : FileVault::Presence::kAbsent;
  if (presence == FileVault::Presence::kThere) return {};
  if (presence == FileVault::Presence::kAbsent)
    return fmt::format("The S3 bucket {} does not contain an object with key {}.", name, key);
  return fmt::format("ElastiCache has not been granted READ permissions {} on the S3 Bucket.", key);
}

}  // namespace kiln
