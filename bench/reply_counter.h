// Counts the replies in a stream of bytes without keeping them; RESP2/RESP3, memcached's text or
// its packets.
//
// A reply may be split anywhere: a line that has not ended is kept, bodies are skipped as they
// come. Trusts the server: this is for benchmarks. Not thread safe.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

#include "request_template.h"

namespace kiln {

struct ReplyCounts {
  uint64_t replies = 0;
  uint64_t errors = 0;
  uint64_t misses = 0;  // null replies, or an END without a value
  std::string first_error;
};

class ReplyCounter {
 public:
  explicit ReplyCounter(Protocol protocol) : protocol_(protocol) {}

  void Consume(std::string_view bytes, ReplyCounts* counts) {
    while (!bytes.empty()) {
      if (body_left_ > 0) {
        size_t skipped = std::min(body_left_, bytes.size());
        bytes.remove_prefix(skipped);
        body_left_ -= skipped;
        if (body_left_ == 0) FinishPart(counts);
        continue;
      }
      if (protocol_ == Protocol::kMemcacheBinary) {
        TakeHeader(&bytes, counts);
        continue;
      }
      size_t newline = bytes.find('\n');
      if (newline == bytes.npos) {
        line_ += bytes;
        return;
      }
      std::string_view line = bytes.substr(0, newline);
      if (!line_.empty()) line = line_ += line;
      protocol_ == Protocol::kResp ? TakeRespLine(line, counts) : TakeMemcacheLine(line, counts);
      if (body_left_ == 0) FinishPart(counts);
      bytes.remove_prefix(newline + 1);
      line_.clear();
    }
  }

 private:
  static int64_t NumberIn(std::string_view text) {
    int64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
  }

  // An array is a part that is followed by its elements, which are parts too.
  void TakeRespLine(std::string_view line, ReplyCounts* counts) {
    char sigil = line[0];
    if (sigil == '-') Fail(line, counts);
    if (sigil == '_') ++counts->misses;
    if (std::string_view("$=*~%>").find(sigil) == std::string_view::npos) return;
    int64_t n = NumberIn(line.substr(1));
    if (n < 0) ++counts->misses;
    if (n < 0) return;
    if (sigil == '$' || sigil == '=') {
      body_left_ = n + 2;
    } else {
      parts_left_ += sigil == '%' ? 2 * n : n;
    }
  }

  // A VALUE and its body are one part, the END behind them another.
  void TakeMemcacheLine(std::string_view line, ReplyCounts* counts) {
    if (line.starts_with("VALUE ")) {
      body_left_ = NumberIn(line.substr(line.rfind(' ') + 1)) + 2;
      ++parts_left_;
      has_value_ = true;
      return;
    }
    if (line.starts_with("VA ")) body_left_ = NumberIn(line.substr(3)) + 2;
    if (line.starts_with("EN") && !has_value_) ++counts->misses;
    if (line.find("ERROR") != line.npos) Fail(line, counts);
    has_value_ = false;
  }

  // The status stands in bytes 6 and 7 of a packet's header, of which 1 is a miss, and the length
  // of its body in bytes 8 to 11.
  void TakeHeader(std::string_view* bytes, ReplyCounts* counts) {
    constexpr size_t kHeaderBytes = 24;
    size_t taken = std::min(kHeaderBytes - line_.size(), bytes->size());
    line_ += bytes->substr(0, taken);
    bytes->remove_prefix(taken);
    if (line_.size() < kHeaderBytes) return;
    auto byte = [&](size_t at) { return size_t{static_cast<uint8_t>(line_[at])}; };
    size_t status = byte(6) << 8 | byte(7);
    body_left_ = byte(8) << 24 | byte(9) << 16 | byte(10) << 8 | byte(11);
    line_.clear();
    if (status == 1) ++counts->misses;
    if (status > 1) Fail("status " + std::to_string(status), counts);
    if (body_left_ == 0) FinishPart(counts);
  }

  void FinishPart(ReplyCounts* counts) {
    if (--parts_left_ > 0) return;
    parts_left_ = 1;
    ++counts->replies;
  }

  static void Fail(std::string_view line, ReplyCounts* counts) {
    if (counts->errors++ == 0) counts->first_error = line.substr(0, line.find('\r'));
  }

  Protocol protocol_;
  size_t body_left_ = 0;    // bytes, the line end behind the body too
  int64_t parts_left_ = 1;  // until the reply is complete
  bool has_value_ = false;
  std::string line_;  // the start of a line whose end has not come yet
};

}  // namespace kiln
