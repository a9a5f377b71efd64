// A folder for one test, gone at its end.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>

namespace kiln {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    char name[] = "/tmp/kiln-test-XXXXXX";
    if (::mkdtemp(name) != nullptr) path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string Of(std::string_view name) const { return path_ + '/' + std::string(name); }
  void Write(std::string_view name, std::string_view text) const {
    std::ofstream(Of(name), std::ios::binary) << text;
  }
  std::string Read(std::string_view name) const {
    std::ifstream file(Of(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  std::string path_;
};

}  // namespace kiln
