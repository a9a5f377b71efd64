#include "engine/persist/byte_source.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace kiln {

FileSource::~FileSource() {
  if (fd_ >= 0) close(fd_);
}

bool FileSource::Open(const std::string& path) {
  fd_ = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd_ < 0) return false;
  struct stat status;
  if (fstat(fd_, &status) != 0) return false;
  if (S_ISDIR(status.st_mode)) {
    errno = EISDIR;
    return false;
  }
  if (S_ISREG(status.st_mode)) total_bytes_ = static_cast<uint64_t>(status.st_size);
  (void)posix_fadvise(fd_, 0, 0, POSIX_FADV_SEQUENTIAL);
  return true;
}

std::string FileSource::Read(char* to, size_t bytes, size_t* got) {
  while (true) {
    ssize_t size = read(fd_, to, bytes);
    if (size < 0 && errno == EINTR) continue;
    *got = size < 0 ? 0 : static_cast<size_t>(size);
    return size < 0 ? fmt::format("can't read: {}", std::strerror(errno)) : "";
  }
}

}  // namespace kiln
