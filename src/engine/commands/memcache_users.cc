#include "engine/commands/memcache_users.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/whole_file.h"

namespace kiln {

// A longer text keeps its size, and so equals none of the file's.
MemcacheUsers::Secret::Secret(std::string_view text) : size_(text.size()) {
  if (text.empty()) return;
  std::memcpy(bytes_.data(), text.data(), std::min(text.size(), bytes_.size()));
}

unsigned MemcacheUsers::Secret::Difference(const Secret& other) const {
  unsigned difference = 0;
  for (size_t i = 0; i < bytes_.size(); ++i)
    difference |= static_cast<unsigned>(bytes_[i] ^ other.bytes_[i]);
  size_t sizes = size_ ^ other.size_;
  return difference | static_cast<unsigned>(sizes | sizes >> 32);
}

std::string MemcacheUsers::Load(const std::string& path) {
  std::string text;
  if (!ReadWholeFile(path, &text)) {
    const char* reason = std::strerror(errno);
    return fmt::format("Could not open authfile [{}] for reading, error {}: {}", path, reason,
                       reason);
  }
  if (Take(text)) return {};
  return fmt::format("Authfile [{}] has a malformed entry. Should be 'user:password'", path);
}

bool MemcacheUsers::Take(std::string_view text) {
  std::vector<User> users;
  while (!text.empty()) {
    size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    line = line.substr(0, line.find('\r'));
    size_t colon = line.find(':');
    bool is_sound = colon != std::string_view::npos && colon <= kMaxTextBytes &&
                    line.size() - colon - 1 <= kMaxTextBytes &&
                    line.find('\0') == std::string_view::npos;
    if (!is_sound || users.size() == kMaxUsers) return false;
    users.push_back({Secret(line.substr(0, colon)), Secret(line.substr(colon + 1))});
  }
  std::lock_guard lock(mutex_);
  users_.swap(users);
  return true;
}

bool MemcacheUsers::Check(std::string_view user, std::string_view password) const {
  Secret given_user(user);
  Secret given_password(password);
  std::lock_guard lock(mutex_);
  unsigned found = 0;
  for (const User& known : users_) {
    unsigned difference =
        known.name.Difference(given_user) | known.password.Difference(given_password);
    found |= static_cast<unsigned>(difference == 0);
  }
  return found != 0;
}

size_t MemcacheUsers::size() const {
  std::lock_guard lock(mutex_);
  return users_.size();
}

}  // namespace kiln
