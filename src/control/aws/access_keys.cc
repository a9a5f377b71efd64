#include "control/aws/access_keys.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "net/socket.h"

namespace kiln {
namespace {

constexpr std::string_view kIdDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr std::string_view kSecretDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// `digits` has a power of two of them, so that each is as likely. Empty when there is no
// randomness.
std::string RandomText(size_t size, std::string_view digits) {
  std::string text(size, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(text.data()), static_cast<int>(size)) != 1)
    return {};
  for (char& c : text) c = digits[static_cast<unsigned char>(c) % digits.size()];
  return text;
}

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r";
  size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

}  // namespace

std::string AccessKeys::Load(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return errno == ENOENT ? Create(path) : "Cannot read " + path + ".";
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  Parse(text);
  if (!secrets_.empty()) return {};
  return "There is no access key in " + path + "; remove the file to have one made.";
}

std::string AccessKeys::Create(const std::string& path) {
  std::string id = RandomText(16, kIdDigits);
  std::string secret = RandomText(40, kSecretDigits);
  if (id.empty() || secret.empty()) return "There is no randomness for an access key.";
  std::string text = fmt::format(
      "[default]\naws_access_key_id = AKIA{}\naws_secret_access_key = {}\n", id, secret);
  // Whole or not at all, and never readable by others.
  std::string draft = path + ".new";
  Fd file(::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  bool is_written =
      file.IsOpen() && ::fchmod(file.get(), 0600) == 0 &&
      ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
      ::fsync(file.get()) == 0 && ::rename(draft.c_str(), path.c_str()) == 0;
  if (!is_written) return fmt::format("Cannot write {}: {}.", path, std::strerror(errno));
  Parse(text);
  return {};
}

// Keys of a profile may come in any order; an id without a secret is no key.
void AccessKeys::Parse(std::string_view text) {
  std::string id, secret;
  auto keep = [&] {
    if (!id.empty() && !secret.empty()) secrets_[id] = secret;
  };
  while (!text.empty()) {
    size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = Trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.starts_with('[')) {
      keep();
      id.clear();
      secret.clear();
    }
    size_t equals = line.find('=');
    if (equals == std::string_view::npos || line.starts_with('#')) continue;
    std::string_view name = Trim(line.substr(0, equals));
    if (name == "aws_access_key_id") id = Trim(line.substr(equals + 1));
    if (name == "aws_secret_access_key") secret = Trim(line.substr(equals + 1));
  }
  keep();
}

std::optional<std::string> AccessKeys::SecretOf(std::string_view key_id) const {
  auto found = secrets_.find(key_id);
  return found == secrets_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace kiln
