#include "engine/persist/cipher_file.h"

#include <algorithm>
#include <cstring>

namespace kiln {

// ---- CipherSink ----

CipherSink::CipherSink(ByteSink& sink, const AtRestKey& key)
    : CipherSink(sink, key, NewCipherHeader(CipherKind::kSnapshot)) {}

CipherSink::CipherSink(ByteSink& sink, const AtRestKey& key, const CipherHeader& header)
    : sink_(sink), cipher_(header), sealed_(WrapCipherHeader(header, key)) {
  cipher_.Begin(&sealed_);
}

std::string CipherSink::Write(std::string_view bytes) {
  while (!bytes.empty()) {
    // A chunk is sealed when more comes: the last one may be full.
    if (text_.size() == kCipherChunkBytes) {
      if (std::string error = Put(text_, false); !error.empty()) return error;
      text_.clear();
    }
    size_t taken = std::min(kCipherChunkBytes - text_.size(), bytes.size());
    text_ += bytes.substr(0, taken);
    bytes.remove_prefix(taken);
  }
  return {};
}

std::string CipherSink::Finish() {
  return Put(text_, true);
}

std::string CipherSink::Put(std::string_view text, bool is_final) {
  cipher_.Seal(text, is_final, &sealed_);
  std::string error = sink_.Write(sealed_);
  sealed_.clear();
  return error;
}

// ---- CipherSource ----

std::string CipherSource::Open() {
  input_.reserve(kReadBytes + kCipherChunkBytes + kChunkExtraBytes);
  if (std::string error = Fill(kCipherHeaderBytes); !error.empty()) return error;
  std::string_view bytes = std::string_view(input_).substr(0, kCipherHeaderBytes);
  if (std::string error = UnwrapCipherHeader(bytes, keys_, &header_); !error.empty()) return error;
  if (bytes.size() < kCipherHeaderBytes) return "The encrypted file ends within its header";
  at_ = whole_bytes_ = kCipherHeaderBytes;
  cipher_.emplace(header_);
  uint64_t total = source_.total_bytes();
  if (header_.kind == CipherKind::kSnapshot && total != kUnknown) total_bytes_ = TextBytes(total);
  return {};
}

// All chunks of a snapshot are full, except the last one.
uint64_t CipherSource::TextBytes(uint64_t file_bytes) const {
  constexpr uint64_t kAhead = kCipherHeaderBytes + kSessionBytes;
  constexpr uint64_t kFull = kCipherChunkBytes + kChunkExtraBytes;
  uint64_t rest = file_bytes > kAhead ? file_bytes - kAhead : 0;
  uint64_t extra = (rest + kFull - 1) / kFull * kChunkExtraBytes;
  return rest > extra ? rest - extra : 0;
}

// Has so many bytes ready, or all up to the end.
std::string CipherSource::Fill(size_t bytes) {
  if (input_.size() - at_ >= bytes) return {};
  input_.erase(0, at_);
  at_ = 0;
  while (!is_source_over_ && input_.size() < bytes) {
    size_t start = input_.size();
    size_t got = 0;
    input_.resize(start + kReadBytes);
    std::string error = source_.Read(input_.data() + start, kReadBytes, &got);
    input_.resize(start + got);
    if (!error.empty()) return error;
    is_source_over_ = got == 0;
  }
  return {};
}

// The file ends where a chunk should begin or go on.
std::string CipherSource::EndBefore(std::string_view what) {
  is_over_ = true;
  if (header_.kind == CipherKind::kLog) return {};
  return "The encrypted file is cut off: " + std::string(what) + " is missing";
}

std::string CipherSource::NextChunk() {
  constexpr char kDamaged[] = "The encrypted file is damaged: ";
  if (std::string error = Fill(kChunkHeadBytes); !error.empty()) return error;
  if (input_.size() - at_ < kChunkHeadBytes) return EndBefore("its last chunk");
  ChunkHead head;
  if (!cipher_->ReadHead(input_.data() + at_, &head))
    return kDamaged + ("the head of chunk " + std::to_string(chunks()));
  size_t whole = head.size() + kChunkExtraBytes;
  // Nothing may come behind the last chunk of a snapshot.
  size_t looked_at = whole + (head.IsFinal() ? 1 : 0);
  if (std::string error = Fill(looked_at); !error.empty()) return error;
  if (input_.size() - at_ < whole) return EndBefore("the end of a chunk");
  bool is_log = header_.kind == CipherKind::kLog;
  char* body = input_.data() + at_ + kChunkHeadBytes;
  if ((is_log && head.IsFinal()) || !cipher_->Open(head, body))
    return kDamaged + ("chunk " + std::to_string(chunks()));
  at_ += whole;
  whole_bytes_ += whole;
  if (!head.IsSession()) text_ = {body, head.size()};
  is_over_ = head.IsFinal();
  bool goes_on = is_over_ && input_.size() > at_;
  return goes_on ? "The encrypted file goes on behind its last chunk" : "";
}

std::string CipherSource::Read(char* to, size_t bytes, size_t* got) {
  *got = 0;
  while (*got < bytes) {
    if (!text_.empty()) {
      size_t taken = std::min(text_.size(), bytes - *got);
      std::memcpy(to + *got, text_.data(), taken);
      text_.remove_prefix(taken);
      *got += taken;
      continue;
    }
    if (is_over_ || !error_.empty()) break;
    error_ = NextChunk();
  }
  return *got == 0 ? error_ : "";
}

// ---- StoredFile ----

bool StoredFile::Open(const std::string& path) {
  if (!file_.Open(path)) return false;
  if (!IsCipherFile(path)) return true;
  cipher_.emplace(file_, keys_);
  error_ = cipher_->Open();
  return true;
}

std::string StoredFile::Read(char* to, size_t bytes, size_t* got) {
  *got = 0;
  if (!error_.empty()) return error_;
  return cipher_ ? cipher_->Read(to, bytes, got) : file_.Read(to, bytes, got);
}

// What can't be decrypted is as good as empty.
uint64_t StoredFile::total_bytes() const {
  if (!cipher_) return file_.total_bytes();
  return error_.empty() ? cipher_->total_bytes() : 0;
}

}  // namespace kiln
