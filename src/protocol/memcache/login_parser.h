// LoginParser: what a client of memcached's text protocol says before it has logged in.
//
// It logs in with a "set" whose value is "user password"; key, flags and expiry do not matter. That
// becomes the arguments of a command's row: its name, user and password. Everything else is refused
// line by line. Source: memcached 1.6.18; the bound of the value is Kiln's.
//
// Thread safety: none.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/argument_list.h"
#include "protocol/memcache/binary_parser.h"

namespace kiln::memcache {

// The name of the row; no word of the text protocol.
constexpr std::string_view kLoginCommand = "text login";

class LoginParser {
 public:
  enum class Status {
    kComplete,    // arguments appended, none when bytes were only skipped; *consumed bytes used
    kIncomplete,  // more bytes needed; nothing consumed
    kRefused,     // *consumed bytes used; error() is to be sent
    kBroken,      // the connection must close, without a word
  };
  static constexpr size_t kMaxLineBytes = 2048;

  // `bytes` starts where the request starts, at every call for it.
  Status Parse(std::string_view bytes, const BinaryLimits&, ArgumentList* arguments,
               size_t* consumed);

  // A whole reply with its line end; empty for kBroken.
  std::string_view error() const { return error_; }

 private:
  Status Refuse(std::string_view error);

  size_t skip_bytes_ = 0;  // of a value that is too long
  std::string_view error_;
};

}  // namespace kiln::memcache
