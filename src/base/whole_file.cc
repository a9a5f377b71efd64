#include "base/whole_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

namespace kiln {
namespace {

bool WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    ssize_t size = write(fd, text.data(), text.size());
    if (size < 0 && errno != EINTR) return false;
    if (size > 0) text.remove_prefix(static_cast<size_t>(size));
  }
  return true;
}

bool SyncFolderOf(const std::string& path) {
  std::string folder = std::filesystem::path(path).parent_path();
  int fd = open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return false;
  bool done = fsync(fd) == 0;
  close(fd);
  return done;
}

mode_t ModeOf(const std::string& path) {
  struct stat old;
  return stat(path.c_str(), &old) == 0 ? old.st_mode & 0777 : 0644;
}

}  // namespace

bool ReadWholeFile(const std::string& path, std::string* text) {
  std::FILE* file = std::fopen(path.c_str(), "re");
  if (file == nullptr) return false;
  char buffer[16 * 1024];
  while (size_t size = std::fread(buffer, 1, sizeof(buffer), file)) text->append(buffer, size);
  bool done = !std::ferror(file);
  int why = errno;
  std::fclose(file);
  errno = why;
  return done;
}

bool ReplaceFile(const std::string& path, std::string_view text) {
  std::string temporary = path + ".new-XXXXXX";
  int fd = mkostemp(temporary.data(), O_CLOEXEC);
  if (fd < 0) return false;
  bool done = WriteAll(fd, text) && fsync(fd) == 0 && fchmod(fd, ModeOf(path)) == 0 &&
              rename(temporary.c_str(), path.c_str()) == 0;
  int why = errno;
  close(fd);
  if (!done) unlink(temporary.c_str());
  errno = why;
  return done && SyncFolderOf(path);
}

}  // namespace kiln
