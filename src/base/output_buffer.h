// What a connection has yet to send: its own bytes, and between them big values of others, which
// are not copied but held until they have left.
//
// A part stands before the own byte at its offset. Writers append through the ByteBuffer that this
// is; who sends takes pieces, and says how much of them went. While there are no parts that is one
// piece of own bytes, at no cost more than that.
//
// Thread safety: none; what the parts hold may be let go by any thread.
#pragma once

#include <sys/uio.h>

#include <span>
#include <vector>

#include "base/byte_buffer.h"
#include "base/shared_block.h"

namespace kiln {

class OutputBuffer final : public ByteBuffer {
 public:
  OutputBuffer() { output_ = this; }
  OutputBuffer(OutputBuffer&&) = delete;
  OutputBuffer& operator=(OutputBuffer&&) = delete;
  ~OutputBuffer() { DropParts(0); }

  // All bytes that have not left, of parts too.
  size_t unsent() const { return size() - sent_ + part_bytes_; }
  bool has_parts() const { return part_bytes_ > 0; }
  // The own bytes that have not left.
  std::string_view own_unsent() const { return view().substr(sent_); }
  // What is to be sent next, in order; returns how many pieces were filled in.
  size_t FillPieces(std::span<iovec> pieces) const;
  // So many of the unsent bytes have left.
  void NoteSent(size_t bytes) {
    if (!has_parts()) [[likely]] {
      sent_ += bytes;
    } else {
      NotePartsSent(bytes);
    }
  }
  // Makes room for others when all has left, or more than half.
  void ForgetAllSent() {
    sent_ = 0;
    Clear();
  }
  void ForgetSent() {
    if (sent_ > size() / 2) DropSent();
  }

  // Bytes of the block, which must hold for as long as somebody holds it.
  void AppendPart(std::string_view bytes, SharedBlock* block);

 private:
  friend class ByteBuffer;

  struct Part {
    size_t at;  // in front of this own byte
    std::string_view bytes;
    SharedBlock* block;
  };

  void NotePartsSent(size_t bytes);
  void DropSent();
  // The parts from the one at this place on.
  void DropParts(size_t first);
  // The own bytes have been cut off, or have got some more at `position`.
  void OnTruncate();
  void OnInsert(size_t position, size_t bytes);

  size_t sent_ = 0;          // of the own bytes
  size_t part_bytes_ = 0;    // of all parts, that have not left
  std::vector<Part> parts_;  // in order; no memory while there are none
  size_t next_part_ = 0;     // those before have left
};

}  // namespace kiln
