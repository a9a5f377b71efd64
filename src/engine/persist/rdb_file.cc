#include "engine/persist/rdb_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

namespace kiln {
namespace {

std::string Why(std::string_view what) {
  return fmt::format("{}: {}", what, std::strerror(errno));
}

std::filesystem::path FolderOf(const std::string& path) {
  std::filesystem::path folder = std::filesystem::path(path).parent_path();
  return folder.empty() ? "." : folder;
}

std::atomic<unsigned> files_in_work{0};

std::string TemporaryFor(const std::string& path) {
  unsigned others = files_in_work.fetch_add(1);
  std::string name =
      others == 0 ? RdbFile::TemporaryName() : fmt::format("temp-{}.{}.rdb", getpid(), others);
  return FolderOf(path) / name;
}

}  // namespace

RdbFile::RdbFile(std::string path, bool syncs_in_steps)
    : path_(std::move(path)), temporary_(TemporaryFor(path_)), syncs_in_steps_(syncs_in_steps) {}

std::string RdbFile::TemporaryName() {
  return fmt::format("temp-{}.rdb", getpid());
}

RdbFile::~RdbFile() {
  files_in_work.fetch_sub(1);
  if (fd_ < 0) return;
  close(fd_);
  unlink(temporary_.c_str());
}

std::string RdbFile::Open() {
  fd_ = open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  return fd_ < 0 ? Why("Failed opening the temp RDB file " + temporary_ + " for saving") : "";
}

std::string RdbFile::Write(std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t size = write(fd_, bytes.data(), bytes.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return Why("Write error while saving DB to the disk");
    bytes.remove_prefix(static_cast<size_t>(size));
    bytes_ += static_cast<uint64_t>(size);
  }
  return syncs_in_steps_ && bytes_ - stepped_bytes_ >= kStepBytes ? Step() : "";
}

// Starts writing what came since the last step, and waits for what was started then: the disk is
// never behind by more than two steps, and never waited for without need.
std::string RdbFile::Step() {
  constexpr unsigned kAndWait =
      SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
  auto sync = [&](uint64_t from, uint64_t to, unsigned how) {
    if (from == to) return true;
    auto size = static_cast<off_t>(to - from);
    bool is_fine = sync_file_range(fd_, static_cast<off_t>(from), size, how) == 0;
    // Not every file system can; the sync at the end then does all.
    return is_fine || errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP;
  };
  if (!sync(stepped_bytes_, bytes_, SYNC_FILE_RANGE_WRITE) ||
      !sync(waited_bytes_, stepped_bytes_, kAndWait))
    return Why("Write error while saving DB to the disk");
  (void)posix_fadvise(fd_, 0, static_cast<off_t>(stepped_bytes_), POSIX_FADV_DONTNEED);
  waited_bytes_ = stepped_bytes_;
  stepped_bytes_ = bytes_;
  return {};
}

std::string RdbFile::Commit() {
  if (fsync(fd_) != 0) return Why("Write error while saving DB to the disk: fsync");
  if (close(std::exchange(fd_, -1)) != 0) {
    std::string error = Why("Write error while saving DB to the disk: close");
    unlink(temporary_.c_str());
    return error;
  }
  if (rename(temporary_.c_str(), path_.c_str()) != 0) {
    std::string error =
        Why("Error moving temp DB file " + temporary_ + " on the final destination " + path_);
    unlink(temporary_.c_str());
    return error;
  }
  return SyncFolder();
}

std::string RdbFile::SyncFolder() const {
  std::string folder = FolderOf(path_);
  int fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return Why("Failed to open the folder " + folder);
  bool is_synced = fsync(fd) == 0;
  std::string error = is_synced ? "" : Why("Failed to sync the folder " + folder);
  close(fd);
  return error;
}

}  // namespace kiln
