#include "engine/persist/cipher_log.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "engine/persist/cipher_file.h"
#include "engine/persist/rdb_file.h"

namespace kiln {
namespace {

constexpr size_t kReadBytes = 256 << 10;

std::string CannotOpen(const std::string& path) {
  return fmt::format("Can't open {}: {}", path, std::strerror(errno));
}

}  // namespace

std::unique_ptr<CipherLog> CipherLog::Create(const AtRestKey& key, std::string* header) {
  CipherHeader made = NewCipherHeader(CipherKind::kLog);
  *header = WrapCipherHeader(made, key);
  return std::make_unique<CipherLog>(made, 0);
}

std::unique_ptr<CipherLog> CipherLog::Start(int fd, const AtRestKey& key, std::string* error) {
  std::string header;
  std::unique_ptr<CipherLog> log = Create(key, &header);
  ssize_t put = write(fd, header.data(), header.size());
  if (put == static_cast<ssize_t>(header.size()) && fsync(fd) == 0) return log;
  *error = std::strerror(put >= 0 && put != static_cast<ssize_t>(header.size()) ? ENOSPC : errno);
  // Half a header is no log; should it stay, the start of the server will say so.
  if (ftruncate(fd, 0) != 0) *error += ", and half of it stays";
  return nullptr;
}

std::unique_ptr<CipherLog> CipherLog::Continue(const std::string& path, const AtRestKeys* keys,
                                               std::string* error) {
  FileSource file;
  if (!file.Open(path)) return *error = CannotOpen(path), nullptr;
  CipherSource source(file, keys);
  *error = source.Open();
  if (error->empty() && source.header().kind != CipherKind::kLog)
    *error = "The encrypted file is no log";
  std::string text(kReadBytes, '\0');
  size_t got = 1;
  while (error->empty() && got > 0) *error = source.Read(text.data(), text.size(), &got);
  if (error->empty() && source.cut_bytes() > 0)
    *error = "The encrypted file ends in the middle of a chunk";
  if (!error->empty()) return nullptr;
  return std::make_unique<CipherLog>(source.header(), source.chunks());
}

void CipherLog::Append(std::string_view bytes, std::string* out) {
  number_before_ = cipher_.number();
  if (!cipher_.has_session()) cipher_.Begin(out);
  for (size_t at = 0; at < bytes.size(); at += kCipherChunkBytes)
    cipher_.Seal(bytes.substr(at, kCipherChunkBytes), false, out);
}

std::string CutCipherLog(const std::string& path, const AtRestKeys* keys, uint64_t bytes) {
  if (keys == nullptr || keys->IsEmpty()) return "There is no key to write an encrypted log with";
  FileSource file;
  if (!file.Open(path)) return CannotOpen(path);
  CipherSource source(file, keys);
  if (std::string error = source.Open(); !error.empty()) return error;
  std::string sealed;
  std::unique_ptr<CipherLog> log =
      CipherLog::Create(keys->current ? *keys->current : *keys->old, &sealed);
  RdbFile cut(path, true);
  if (std::string error = cut.Open(); !error.empty()) return error;
  std::string text(kReadBytes, '\0');
  while (true) {
    if (std::string error = cut.Write(sealed); !error.empty()) return error;
    sealed.clear();
    if (bytes == 0) return cut.Commit();
    size_t got = 0;
    size_t wanted = static_cast<size_t>(std::min<uint64_t>(text.size(), bytes));
    if (std::string error = source.Read(text.data(), wanted, &got); !error.empty()) return error;
    if (got == 0) return "The encrypted file is shorter than it was";
    bytes -= got;
    log->Append({text.data(), got}, &sealed);
  }
}

}  // namespace kiln
