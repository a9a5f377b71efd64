// BinaryParser: finds complete requests of memcached's binary protocol in received bytes, without
// copying them.
//
// A request becomes the arguments of a command's row: its name, the key (which may be empty), the
// header with the extras behind it, and the value. The value of an item above the limit is skipped
// and is a null view; an empty one is a view of no bytes. What a packet may carry is checked here,
// so that a command finds its extras and its key there. Before the login nothing is taken but what
// logs in, and of that no more than kMaxLoginBytes. Source: memcached 1.6.18; docs/differences.md
// names where it loses its place in the stream and Kiln does not.
//
// Thread safety: none.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/argument_list.h"
#include "protocol/memcache/binary.h"
#include "protocol/memcache/request_parser.h"

namespace kiln::memcache {

// Of what a client sends to log in, by whatever protocol.
constexpr size_t kMaxLoginBytes = 1024;

struct BinaryLimits {
  RequestLimits items;
  bool has_login = false;     // clients have to log in
  bool authenticated = true;  // this one has, or need not
};

class BinaryParser {
 public:
  enum class Status {
    kComplete,    // arguments appended, none when bytes were only skipped; *consumed bytes used
    kIncomplete,  // more bytes needed; nothing consumed
    kRefused,     // *consumed bytes used; error() is to be sent
    kBroken,      // error() is to be sent, unless empty, then the connection must close
  };
  // The places of a request's arguments.
  enum Argument : size_t { kName, kKey, kFrame, kValue, kArguments };

  // `bytes` starts where the request starts, at every call for it.
  Status Parse(std::string_view bytes, const BinaryLimits& limits, ArgumentList* arguments,
               size_t* consumed);

  // A whole packet.
  std::string error() const;
  // How much of a request is known to be missing; a hint for how much to read.
  size_t missing_bytes() const { return missing_bytes_; }

 private:
  static constexpr size_t kMaxMechanismBytes = 32;

  Status Break(BinaryStatus status);
  Status Refuse(BinaryStatus status, size_t skip_bytes, size_t* consumed);
  Status Take(std::string_view bytes, const BinaryOpcode& opcode, const BinaryLimits& limits,
              ArgumentList* arguments, size_t* consumed);
  Status Wait(size_t missing_bytes);

  size_t missing_bytes_ = 0;
  size_t skip_bytes_ = 0;  // of a body that nobody wants
  BinaryHeader header_;    // of the request looked at last
  BinaryStatus error_ = BinaryStatus::kOk;
};

}  // namespace kiln::memcache
