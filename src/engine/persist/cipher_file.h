// Encrypted files as sinks and sources of bytes: a header (cipher_header.h), then chunks
// (cipher_chunk.h).
//
// A CipherSink stands before the sink that takes the file, a CipherSource behind the source that
// gives it. A StoredFile is for who does not know whether a file is encrypted.
//
// Thread safety: none. Errors: a text, or empty. A source gives the text of all whole chunks before
// it says that the next one is damaged.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/persist/byte_sink.h"
#include "engine/persist/byte_source.h"
#include "engine/persist/cipher_chunk.h"

namespace kiln {

// A snapshot: complete only with the last chunk, which Finish writes.
class CipherSink final : public ByteSink {
 public:
  CipherSink(ByteSink& sink, const AtRestKey& key);

  [[nodiscard]] std::string Write(std::string_view bytes) override;
  [[nodiscard]] std::string Finish();

 private:
  CipherSink(ByteSink& sink, const AtRestKey& key, const CipherHeader& header);
  std::string Put(std::string_view text, bool is_final);

  ByteSink& sink_;
  ChunkCipher cipher_;
  std::string text_;    // of the chunk to come
  std::string sealed_;  // to be given to the sink
};

class CipherSource final : public ByteSource {
 public:
  // `keys` may be null: there are none. Both must outlive this. Nothing has been read of `source`.
  CipherSource(ByteSource& source, const AtRestKeys* keys) : source_(source), keys_(keys) {}

  // Reads the header.
  [[nodiscard]] std::string Open();
  [[nodiscard]] std::string Read(char* to, size_t bytes, size_t* got) override;
  uint64_t total_bytes() const override { return total_bytes_; }

  // ---- At the end, of logs ----
  // The bytes of the file up to where its last whole chunk ends, and those behind.
  uint64_t whole_bytes() const { return whole_bytes_; }
  uint64_t cut_bytes() const { return input_.size() - at_; }
  uint64_t chunks() const { return cipher_ ? cipher_->number() : 0; }
  const CipherHeader& header() const { return header_; }

 private:
  static constexpr size_t kReadBytes = 256 << 10;

  std::string Fill(size_t bytes);
  std::string NextChunk();
  std::string EndBefore(std::string_view what);
  uint64_t TextBytes(uint64_t file_bytes) const;

  ByteSource& source_;
  const AtRestKeys* keys_;
  CipherHeader header_;
  std::optional<ChunkCipher> cipher_;
  std::string input_;  // read, and used up to at_
  size_t at_ = 0;
  std::string_view text_;  // of the last chunk, not yet given; inside input_
  std::string error_;      // to be told once all text is given
  bool is_source_over_ = false;
  bool is_over_ = false;
  uint64_t whole_bytes_ = 0;
  uint64_t total_bytes_ = kUnknown;
};

// A file that is encrypted or is not, as it says itself.
class StoredFile final : public ByteSource {
 public:
  // `keys` may be null; they must outlive this.
  explicit StoredFile(const AtRestKeys* keys) : keys_(keys) {}

  // The reason is in errno when it is false. That a file cannot be decrypted is told by Read.
  bool Open(const std::string& path);
  [[nodiscard]] std::string Read(char* to, size_t bytes, size_t* got) override;
  uint64_t total_bytes() const override;

  bool is_encrypted() const { return cipher_.has_value(); }
  // Behind the last whole chunk of an encrypted log; not before its end was read.
  uint64_t cut_bytes() const { return cipher_ ? cipher_->cut_bytes() : 0; }
  uint64_t whole_bytes() const { return cipher_ ? cipher_->whole_bytes() : 0; }

 private:
  const AtRestKeys* keys_;
  FileSource file_;
  std::optional<CipherSource> cipher_;
  std::string error_;
};

}  // namespace kiln
