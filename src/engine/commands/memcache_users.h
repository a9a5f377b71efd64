// MemcacheUsers: who may use memcached's protocols, where that is asked for.
//
// A file names them, "user:password" a line, as memcached's -Y has it. What Check takes tells
// nothing of how much of a name or password was right: every entry is compared over its whole
// length, whatever was given. Source: memcached 1.6.18, authfile.c; the bounds are Kiln's.
//
// Thread safety: any thread. A file that cannot be taken leaves the users as they were.
#pragma once

#include <array>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace kiln {

class MemcacheUsers {
 public:
  static constexpr size_t kMaxTextBytes = 255;  // of a name or a password
  static constexpr size_t kMaxUsers = 1024;

  // Takes the file's users in place of those before; an error text, or empty.
  std::string Load(const std::string& path);
  // The same for what such a file holds; false when a line is none of a user.
  bool Take(std::string_view text);
  bool Check(std::string_view user, std::string_view password) const;
  size_t size() const;

 private:
  // A text in a space of one size for all, its length behind it.
  class Secret {
   public:
    explicit Secret(std::string_view text);
    // Not zero when they differ; takes as long for any two.
    unsigned Difference(const Secret& other) const;

   private:
    std::array<unsigned char, kMaxTextBytes + 1> bytes_{};
    size_t size_;
  };
  struct User {
    Secret name;
    Secret password;
  };

  mutable std::mutex mutex_;
  std::vector<User> users_;
};

}  // namespace kiln
