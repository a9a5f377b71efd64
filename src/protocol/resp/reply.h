// Reply: writes RESP replies in the client's version of the protocol.
//
// Handlers say what they mean (a map, a set, a double, null) and the version decides the bytes:
// RESP2 turns maps and sets into arrays and doubles into strings. Source: the Redis protocol
// specification, RESP2 and RESP3. Aggregates are announced with their length first; where it is not
// known, open one with *Later and close it after.
//
// Thread safety: none.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/byte_buffer.h"
#include "base/number.h"
#include "base/short_bytes.h"

namespace kiln {

class Reply {
 public:
  explicit Reply(ByteBuffer& out, int version = 2) : out_(out), version_(version) {}

  int version() const { return version_; }
  void set_version(int version) { version_ = version; }
  ByteBuffer& out() { return out_; }

  void Ok() { out_.Append("+OK\r\n"); }
  void Simple(std::string_view text);
  void Integer(int64_t value) { Header(':', value); }
  void Bulk(std::string_view bytes) {
    if (!ShortBulk(bytes)) [[unlikely]]
      LongBulk(bytes);
  }
  // The same for bytes that lie in holder.block(), if that is not null: many of them are not copied
  // where they can be sent from there.
  template <class Holder>
  void Bulk(std::string_view bytes, const Holder& holder) {
    if (!ShortBulk(bytes)) [[unlikely]]
      SharedBulk(bytes, holder.block());
  }
  void BulkInteger(int64_t value);  // an integer's digits as a bulk string
  void Null() { version_ >= 3 ? out_.Append("_\r\n") : out_.Append("$-1\r\n"); }
  void NullArray() { out_.Append(version_ >= 3 ? "_\r\n" : "*-1\r\n"); }
  void Double(double value);
  // A number whose digits the caller has chosen.
  void NumberText(std::string_view digits);
  // Long doubles and other text that is a number: a bulk string in both versions.
  void Boolean(bool value);
  void BigNumber(std::string_view digits);
  // `format` is three letters, such as "txt".
  void Verbatim(std::string_view format, std::string_view text);

  void Array(size_t length) { Header('*', static_cast<int64_t>(length)); }
  void Map(size_t pairs) { MapHeader('%', pairs); }
  void Attribute(size_t pairs) { MapHeader('|', pairs); }
  void Set(size_t length) { Header(version_ >= 3 ? '~' : '*', static_cast<int64_t>(length)); }
  void Push(size_t length) { Header(version_ >= 3 ? '>' : '*', static_cast<int64_t>(length)); }

  // An aggregate whose length comes later: `auto at = Later(); ...elements...; EndArray(at, n)`.
  size_t Later() const { return out_.size(); }
  void EndArray(size_t at, size_t length) { InsertHeader(at, '*', length); }
  void EndSet(size_t at, size_t length) { InsertHeader(at, version_ >= 3 ? '~' : '*', length); }
  void EndMap(size_t at, size_t pairs) {
    InsertHeader(at, version_ >= 3 ? '%' : '*', version_ >= 3 ? pairs : pairs * 2);
  }

  // "-" text line end. CR and LF inside the text become spaces, so no text can forge a reply. Text
  // without a code word must bring one: "ERR ...".
  void Error(std::string_view text);
  // The same for an error that has been counted where it arose: a script passes on what its command
  // replied.
  void CountedError(std::string_view text) {
    Error(text);
    is_counted_error_ = true;
  }
  // Bytes as they are: other protocols, and replies made elsewhere.
  void Raw(std::string_view bytes) { out_.Append(bytes); }

  // Whether an error was written since construction or the last ClearError.
  bool HasError() const { return has_error_; }
  void ClearError() { has_error_ = false; }
  bool is_counted_error() const { return is_counted_error_; }
  // The first word of the last error.
  std::string_view error_code() const { return {error_code_, error_code_size_}; }

 private:
  // Headers with small numbers, ready to be copied: "$32\r\n". Writes a few bytes past their end.
  struct ShortHeader {
    char bytes[7];
    uint8_t size;
  };
  static constexpr auto kShortHeaders = [] {
    std::array<ShortHeader, 100> headers{};
    for (size_t length = 0; length < headers.size(); ++length) {
      ShortHeader& header = headers[length];
      header.bytes[header.size++] = '$';
      if (length >= 10) header.bytes[header.size++] = static_cast<char>('0' + length / 10);
      header.bytes[header.size++] = static_cast<char>('0' + length % 10);
      header.bytes[header.size++] = '\r';
      header.bytes[header.size++] = '\n';
    }
    return headers;
  }();

  void Header(char sigil, int64_t value) {
    out_.CommitTo(WriteHeader(out_.Reserve(32), sigil, value));
  }
  static char* WriteHeader(char* at, char sigil, int64_t value) {
    if (static_cast<uint64_t>(value) < kShortHeaders.size()) [[likely]] {
      const ShortHeader& header = kShortHeaders[static_cast<size_t>(value)];
      std::memcpy(at, header.bytes, sizeof(header.bytes));
      *at = sigil;
      return at + header.size;
    }
    *at++ = sigil;
    at += FormatInt64(value, at);
    *at++ = '\r';
    *at++ = '\n';
    return at;
  }
  void MapHeader(char sigil, size_t pairs) {
    Header(version_ >= 3 ? sigil : '*', static_cast<int64_t>(version_ >= 3 ? pairs : pairs * 2));
  }
  void InsertHeader(size_t at, char sigil, size_t length);
  [[gnu::always_inline]] inline bool ShortBulk(std::string_view bytes) {
    if (bytes.size() > 64 || !out_.HasRoom(bytes.size() + 32)) [[unlikely]]
      return false;
    char* at = WriteHeader(out_.end(), '$', static_cast<int64_t>(bytes.size()));
    CopyShortBytes(at, bytes);
    at += bytes.size();
    std::memcpy(at, "\r\n", 2);
    out_.CommitTo(at + 2);
    return true;
  }
  void LongBulk(std::string_view bytes);
  void SharedBulk(std::string_view bytes, SharedBlock* block);

  ByteBuffer& out_;
  int version_;
  bool has_error_ = false;
  bool is_counted_error_ = false;
  uint8_t error_code_size_ = 0;
  char error_code_[32];
};

}  // namespace kiln
