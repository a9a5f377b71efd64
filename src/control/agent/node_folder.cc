#include "control/agent/node_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "base/number.h"
#include "net/socket.h"

namespace kiln {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMaxFileBytes = 1 << 20;

int WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0) return errno;
    text.remove_prefix(static_cast<size_t>(written));
  }
  return 0;
}

int WriteFile(const std::string& path, std::string_view text) {
  std::string draft = path + ".new";
  Fd fd(::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd.IsOpen()) return errno;
  if (int error = WriteAll(fd.get(), text); error != 0) return error;
  return std::rename(draft.c_str(), path.c_str()) == 0 ? 0 : errno;
}

int64_t FileBytes(const std::string& path) {
  struct stat status;
  return ::stat(path.c_str(), &status) == 0 ? status.st_size : 0;
}

// The last `limit` bytes that lie after `from`. A file shorter than `from` has been rotated.
std::string ReadEnd(const std::string& path, int64_t from, int64_t limit) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.IsOpen()) return {};
  int64_t bytes = FileBytes(path);
  int64_t start = std::max(from > bytes ? 0 : from, bytes - limit);
  std::string text(static_cast<size_t>(bytes - start), '\0');
  ssize_t got = ::pread(fd.get(), text.data(), text.size(), start);
  text.resize(got < 0 ? 0 : static_cast<size_t>(got));
  return text;
}

}  // namespace

std::vector<std::string> NodeFolder::List(const std::string& nodes_path) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(nodes_path, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code ignored;
    if (entry->is_directory(ignored)) names.push_back(entry->path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

int NodeFolder::Create() const {
  std::error_code error;
  fs::create_directories(path_, error);
  if (error) return error.value();
  return ::chmod(path_.c_str(), 0700) == 0 ? 0 : errno;
}

int NodeFolder::WriteSpec(const NodeSpec& spec) const {
  return WriteFile(path_ + "/node.json", ToJson(spec));
}

int NodeFolder::WriteConfig(std::string_view text) const {
  return WriteFile(ConfigPath(), text);
}

int NodeFolder::WriteExits(int64_t exits) const {
  return WriteFile(path_ + "/exits", std::to_string(exits));
}

void NodeFolder::Delete() const {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

int NodeFolder::TakeSnapshot(const std::string& path) const {
  std::error_code error;
  fs::rename(SnapshotPath(), path, error);
  if (error.value() != EXDEV) return error.value();
  fs::copy_file(SnapshotPath(), path, fs::copy_options::overwrite_existing, error);
  if (error) return error.value();
  fs::remove(SnapshotPath(), error);
  return error.value();
}

int NodeFolder::PlaceSeed(const std::string& seed) const {
  std::error_code error;
  fs::remove(SnapshotPath(), error);
  if (error || seed.empty()) return error.value();
  fs::create_hard_link(seed, SnapshotPath(), error);
  if (error.value() != EXDEV && error.value() != EPERM) return error.value();
  fs::copy_file(seed, SnapshotPath(), error);
  return error.value();
}

void NodeFolder::DropSeed(const std::string& seed) const {
  std::error_code ignored;
  fs::remove(SnapshotPath(), ignored);
  fs::remove(seed, ignored);
}

std::optional<NodeSpec> NodeFolder::ReadSpec() const {
  auto spec = FromJson<NodeSpec>(ReadEnd(path_ + "/node.json", 0, kMaxFileBytes));
  return spec && spec->Key() == key_ ? spec : std::nullopt;
}

int64_t NodeFolder::ReadExits() const {
  return ParseInt64(ReadEnd(path_ + "/exits", 0, kMaxInt64Chars)).value_or(0);
}

LogMark MarkLogs(const NodeFolder& folder) {
  return {.log_bytes = FileBytes(folder.LogPath()), .output_bytes = FileBytes(folder.OutputPath())};
}

std::string LogTail(const NodeFolder& folder, const LogMark& mark) {
  constexpr int64_t kTailBytes = 4096;
  return ReadEnd(folder.OutputPath(), mark.output_bytes, kTailBytes) +
         ReadEnd(folder.LogPath(), mark.log_bytes, kTailBytes);
}

}  // namespace kiln
