#include "control/agent/log_rotation.h"

#include <filesystem>
#include <system_error>

namespace kiln {
namespace {

namespace fs = std::filesystem;

bool IsOverLimit(const std::string& path, const LogLimits& limits) {
  std::error_code error;
  uintmax_t bytes = fs::file_size(path, error);
  return !error && bytes > static_cast<uintmax_t>(limits.max_bytes);
}

// Renames .2 to .3 and .1 to .2, so that .1 is free.
void MakeRoom(const std::string& path, const LogLimits& limits) {
  std::error_code ignored;
  for (int number = limits.kept_files; number > 1; --number) {
    fs::rename(path + '.' + std::to_string(number - 1), path + '.' + std::to_string(number),
               ignored);
  }
}

}  // namespace

bool RotateByRename(const std::string& path, const LogLimits& limits) {
  if (!IsOverLimit(path, limits)) return false;
  MakeRoom(path, limits);
  std::error_code error;
  fs::rename(path, path + ".1", error);
  return !error;
}

bool RotateByCopy(const std::string& path, const LogLimits& limits) {
  if (!IsOverLimit(path, limits)) return false;
  MakeRoom(path, limits);
  std::error_code error;
  fs::copy_file(path, path + ".1", fs::copy_options::overwrite_existing, error);
  if (error) return false;
  fs::resize_file(path, 0, error);
  return !error;
}

}  // namespace kiln
