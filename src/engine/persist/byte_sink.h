// ByteSink: where the bytes of a snapshot go: a file, a socket, a cipher before either.
//
// Thread safety: none. Errors: a text that says what is wrong, or empty; after an error nothing
// more is to be written.
#pragma once

#include <string>
#include <string_view>

namespace kiln {

class ByteSink {
 public:
  virtual ~ByteSink() = default;
  // Takes all of the bytes.
  [[nodiscard]] virtual std::string Write(std::string_view bytes) = 0;
};

}  // namespace kiln
