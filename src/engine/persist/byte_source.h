// ByteSource: where the bytes of a snapshot come from: a file, a socket, a cipher behind either.
//
// Thread safety: none. Errors: a text that says what is wrong, or empty.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace kiln {

class ByteSource {
 public:
  static constexpr uint64_t kUnknown = ~uint64_t{0};

  virtual ~ByteSource() = default;
  // Reads up to so many bytes, at least one unless this is the end; sets `*got`.
  [[nodiscard]] virtual std::string Read(char* to, size_t bytes, size_t* got) = 0;
  // How many bytes there are in all, where that is known.
  virtual uint64_t total_bytes() const = 0;
};

// An open file, from where it stands on; closed with the source.
class FileSource final : public ByteSource {
 public:
  FileSource() = default;
  FileSource(const FileSource&) = delete;
  FileSource& operator=(const FileSource&) = delete;
  ~FileSource() override;

  // The reason is in errno when it is false.
  bool Open(const std::string& path);
  [[nodiscard]] std::string Read(char* to, size_t bytes, size_t* got) override;
  uint64_t total_bytes() const override { return total_bytes_; }

 private:
  int fd_ = -1;
  uint64_t total_bytes_ = kUnknown;
};

}  // namespace kiln
