// Request parser: finds complete requests of memcached's text protocols, classic and meta, in
// received bytes, without copying them.
//
// A request is one line of words, and for the storage verbs (set add replace append prepend cas) a
// data block behind it. Words are views into the caller's bytes. For a storage verb the word that
// gave the length is replaced by the block itself, its closing line end included: what is not
// "\r\n" there is a bad chunk, which is the command's to say. ElastiCache's "config set" has a
// block too; its clients write "config" in any case, and it is handed on in small letters. Meta
// commands with the flag b get their key decoded, as a copy; an empty one where that cannot be.
// Source:
// memcached's doc/protocol.txt; limits and texts as memcached 1.6.18 has them.
//
// Thread safety: none.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/argument_list.h"
#include "protocol/memcache/word_scan.h"

namespace kiln::memcache {

constexpr size_t kMaxKeyBytes = 250;
// Of a text of "config set".
constexpr size_t kMaxConfigBytes = 65536;

struct RequestLimits {
  size_t max_item_bytes = size_t{1} << 20;
  bool has_cas = true;  // items carry a CAS number, which counts towards their size
};

// What an item counts for against the limit. The fixed parts are those of memcached's item.
constexpr size_t ItemBytes(size_t key_bytes, uint32_t flags, size_t value_bytes, bool has_cas) {
  return 48 + key_bytes + 1 + (flags != 0 ? 4 : 0) + value_bytes + 2 + (has_cas ? 8 : 0);
}

class RequestParser {
 public:
  enum class Status {
    kComplete,    // arguments appended, none when bytes were only skipped; *consumed bytes used
    kIncomplete,  // more bytes needed; nothing consumed
    kRefused,     // *consumed bytes used; error() is to be sent, unless empty
    kBroken,      // the connection must close, without a word
  };

  // Longer lines break the connection, except those of get and gets.
  static constexpr size_t kMaxLineBytes = 2048;
  static constexpr size_t kMaxGetLineBytes = size_t{16} << 20;

  // `bytes` starts where the request starts, at every call for it. Of an item above the limit the
  // block is skipped, and the command gets an empty view for it.
  [[gnu::always_inline]] inline Status Parse(std::string_view bytes, const RequestLimits& limits,
                                             ArgumentList* arguments, size_t* consumed) {
    // Nearly every request is a get or a set that is all there.
    if ((skip_bytes_ | scanned_bytes_) == 0 && bytes.size() >= kMinPlainBytes) [[likely]] {
      uint32_t verb;
      std::memcpy(&verb, bytes.data(), 4);
      if (verb == kGetVerb && ParsePlainGet(bytes, arguments, consumed)) return Status::kComplete;
      if (verb == kSetVerb && ParsePlainSet(bytes, limits, arguments, consumed))
        return Status::kComplete;
      uint32_t head = verb & 0xffffff;
      if ((head == kMetaGetVerb || head == kMetaSetVerb) &&
          ParsePlainMeta(bytes, limits, arguments, consumed)) {
        return Status::kComplete;
      }
    }
    return ParseAny(bytes, limits, arguments, consumed);
  }

  // A whole reply with its line end, or empty for a client that wants none.
  std::string_view error() const { return error_; }
  // How much of a data block is known to be missing; a hint for how much to read.
  size_t missing_bytes() const { return missing_bytes_; }

 private:
  static_assert(std::endian::native == std::endian::little);
  static constexpr uint32_t kGetVerb = 0x20746567;    // "get "
  static constexpr uint32_t kSetVerb = 0x20746573;    // "set "
  static constexpr uint32_t kMetaGetVerb = 0x20676d;  // "mg "
  static constexpr uint32_t kMetaSetVerb = 0x20736d;  // "ms "
  static constexpr size_t kMinPlainBytes = 20;

  // Understand the plainest of all requests; false leaves everything to ParseAny.
  // "get key\r\n"
  [[gnu::always_inline]] static inline bool ParsePlainGet(std::string_view bytes,
                                                          ArgumentList* arguments,
                                                          size_t* consumed) {
    const char* begin = bytes.data();
    const char* key = begin + 4;
    const char* end = begin + bytes.size();
    const char* stop = PassWord(key, end);
    if (stop == nullptr || stop == key || end - stop < 2 || stop[0] != '\r' || stop[1] != '\n')
      return false;
    std::string_view* words = arguments->Room(2);
    words[0] = {begin, 3};
    words[1] = {key, static_cast<size_t>(stop - key)};
    arguments->Extend(2);
    *consumed = static_cast<size_t>(stop + 2 - begin);
    return true;
  }
  static bool ParsePlainSet(std::string_view bytes, const RequestLimits& limits,
                            ArgumentList* arguments, size_t* consumed);
  static bool ParsePlainMeta(std::string_view bytes, const RequestLimits& limits,
                             ArgumentList* arguments, size_t* consumed);
  Status ParseAny(std::string_view bytes, const RequestLimits& limits, ArgumentList* arguments,
                  size_t* consumed);
  Status Wait(std::string_view bytes);
  Status Refuse(std::string_view error, bool is_quiet);
  Status ParseBlock(std::string_view bytes, const RequestLimits& limits, size_t first,
                    ArgumentList* arguments, size_t* consumed);
  Status ParseConfig(std::string_view bytes, size_t first, ArgumentList* arguments,
                     size_t* consumed);
  Status ParseMeta(std::string_view bytes, const RequestLimits& limits, size_t first,
                   ArgumentList* arguments, size_t* consumed);
  Status ParseMetaSet(std::string_view bytes, const RequestLimits& limits, size_t first,
                      ArgumentList* arguments, size_t* consumed);
  // A data block as its line describes it.
  struct Block {
    size_t first;  // where the request's words begin
    size_t word;   // which of them gave the length
    size_t bytes;  // its line end included
    bool is_too_large;
  };
  Status TakeBlock(std::string_view bytes, const Block& block, ArgumentList* arguments,
                   size_t* consumed);

  size_t scanned_bytes_ = 0;  // of an incomplete line, known to hold no line end
  size_t missing_bytes_ = 0;
  size_t skip_bytes_ = 0;  // of a block that nobody wants
  std::string_view error_;
};

}  // namespace kiln::memcache
