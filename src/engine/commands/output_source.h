// OutputSource: a long reply that is made while it is sent.
//
// A client has at most one. Whenever what it was sent before has left, its connection asks for
// more; meanwhile nothing else of it runs. A client that does not read holds the source and one
// piece, and no lock.
//
// Thread rules: called on the client's own worker, which holds no lock.
#pragma once

#include "base/byte_buffer.h"

namespace kiln {

class OutputSource {
 public:
  virtual ~OutputSource() = default;
  // Appends the next piece, of bounded size; false when it was the last.
  virtual bool Write(ByteBuffer& out) = 0;
};

}  // namespace kiln
