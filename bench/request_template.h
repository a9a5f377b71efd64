// Requests made from a pattern such as "SET {key} {value}", as fast as a copy.
//
// A pattern is encoded once, for RESP or for memcached's text protocol, with a hole of fixed width
// for each placeholder; making a request is copying it and writing digits into the holes:
//   {key}    a random number below `keys`, 12 digits: "k:{key}" is 14 bytes; another for each hole
//   {few}    a random number below 1000, 12 digits; another for each hole
//   {seq}    each number below `keys` once, in scattered order, 12 digits; then again
//   {due}    a random wall-clock time in [due_ms, due_ms + due_window_ms), 13 digits
//   {value}  `value_bytes` letters
// The holes of one request share one {seq} and one {due}.
// memcached's set needs its data on a second line: "set {key} 0 0 32|{value}", where '|' ends a
// line. In its binary protocol it is "set {key} {value}", which stores without flags and expiry.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/random.h"

namespace kiln {

enum class Protocol { kResp, kMemcache, kMemcacheBinary };

struct RequestOptions {
  Protocol protocol = Protocol::kResp;
  uint64_t keys = 1'000'000;
  size_t value_bytes = 64;
  uint64_t due_ms = 0;
  uint64_t due_window_ms = 1;
};

enum class Hole { kKey, kSequence, kFew, kDue };

inline constexpr std::array<std::pair<std::string_view, Hole>, 4> kHoles = {
    {{"{key}", Hole::kKey},
     {"{seq}", Hole::kSequence},
     {"{few}", Hole::kFew},
     {"{due}", Hole::kDue}}};

class RequestTemplate {
 public:
  RequestTemplate(std::string_view pattern, const RequestOptions& options) {
    switch (options.protocol) {
      case Protocol::kResp:
        AppendArray(WordsOf(pattern), options);
        break;
      case Protocol::kMemcache:
        AppendLines(pattern, options);
        break;
      case Protocol::kMemcacheBinary:
        AppendPacket(WordsOf(pattern), options);
        break;
    }
  }

  // Appends one request; number_for(Hole) gives the number that a hole takes.
  template <class F>
  void AppendTo(std::string* out, F&& number_for) const {
    size_t start = out->size();
    out->append(text_);
    for (Place place : places_) {
      char* digit = out->data() + start + place.end;
      for (uint64_t n = number_for(place.hole); n > 0; n /= 10)
        *--digit = static_cast<char>('0' + n % 10);
    }
  }

 private:
  struct Place {
    Hole hole;
    size_t end;  // behind its last digit
  };

  RequestTemplate() = default;

  static std::vector<std::string_view> WordsOf(std::string_view pattern) {
    std::vector<std::string_view> words;
    for (size_t at = 0; at < pattern.size();) {
      size_t end = std::min(pattern.find(' ', at), pattern.size());
      if (end > at) words.push_back(pattern.substr(at, end - at));
      at = end + 1;
    }
    return words;
  }

  void AppendArray(const std::vector<std::string_view>& words, const RequestOptions& options) {
    text_ = "*" + std::to_string(words.size()) + "\r\n";
    for (std::string_view word : words) {
      RequestTemplate argument;
      argument.AppendText(word, options);
      text_ += "$" + std::to_string(argument.text_.size()) + "\r\n";
      Append(argument);
      text_ += "\r\n";
    }
  }

  void AppendLines(std::string_view pattern, const RequestOptions& options) {
    for (size_t at = 0; at <= pattern.size();) {
      size_t end = std::min(pattern.find('|', at), pattern.size());
      AppendText(pattern.substr(at, end - at), options);
      text_ += "\r\n";
      at = end + 1;
    }
  }

  // A header of 24 bytes, of which the opcode and three lengths are not 0; for a set, flags and
  // expiry; key and value. Source: memcached's doc/protocol-binary.txt.
  void AppendPacket(const std::vector<std::string_view>& words, const RequestOptions& options) {
    bool is_set = !words.empty() && words[0] == "set";
    RequestTemplate key, value;
    if (words.size() > 1) key.AppendText(words[1], options);
    if (words.size() > 2) value.AppendText(words[2], options);
    size_t extras = is_set ? 8 : 0;
    size_t body = extras + key.text_.size() + value.text_.size();
    text_.assign(24 + extras, '\0');
    text_[0] = static_cast<char>(0x80);
    text_[1] = is_set ? 1 : 0;
    text_[2] = static_cast<char>(key.text_.size() >> 8);
    text_[3] = static_cast<char>(key.text_.size());
    text_[4] = static_cast<char>(extras);
    for (int i = 0; i < 4; ++i) text_[8 + i] = static_cast<char>(body >> (24 - 8 * i));
    Append(key);
    Append(value);
  }

  void Append(const RequestTemplate& part) {
    for (Place place : part.places_) places_.push_back({place.hole, place.end + text_.size()});
    text_ += part.text_;
  }

  void AppendText(std::string_view pattern, const RequestOptions& options) {
    while (!pattern.empty()) {
      size_t brace = std::min(pattern.find('{'), pattern.size());
      text_ += pattern.substr(0, brace);
      pattern.remove_prefix(brace);
      if (!pattern.empty()) pattern.remove_prefix(AppendPlaceholder(pattern, options));
    }
  }

  // Returns how much of the pattern the placeholder takes; an unknown brace stands for itself.
  size_t AppendPlaceholder(std::string_view pattern, const RequestOptions& options) {
    for (auto [name, hole] : kHoles) {
      if (!pattern.starts_with(name)) continue;
      text_.append(hole == Hole::kDue ? 13 : 12, '0');
      places_.push_back({hole, text_.size()});
      return name.size();
    }
    constexpr std::string_view kValue = "{value}";
    bool is_value = pattern.starts_with(kValue);
    is_value ? text_.append(options.value_bytes, 'x') : text_.append(1, pattern[0]);
    return is_value ? kValue.size() : 1;
  }

  std::string text_;
  std::vector<Place> places_;
};

// Makes requests, taking turns at random among the patterns.
class RequestSource {
 public:
  RequestSource(const std::vector<std::string>& patterns, const RequestOptions& options)
      : options_(options), random_(20260101) {
    for (const std::string& pattern : patterns) templates_.emplace_back(pattern, options);
  }

  void AppendNext(std::string* out) {
    // A prime far above any `keys` visits each number once before it repeats one.
    constexpr uint64_t kStride = 2'305'843'009'213'693'951;  // 2^61 - 1
    using Wide = unsigned __int128;
    uint64_t sequence = static_cast<Wide>(next_++) * kStride % options_.keys;
    uint64_t due = options_.due_ms + random_.Below(options_.due_window_ms);
    size_t turn = templates_.size() == 1 ? 0 : random_.Below(templates_.size());
    templates_[turn].AppendTo(out, [&](Hole hole) {
      if (hole == Hole::kSequence) return sequence;
      if (hole == Hole::kDue) return due;
      return random_.Below(hole == Hole::kKey ? options_.keys : 1000);
    });
  }

 private:
  RequestOptions options_;
  Random random_;
  uint64_t next_ = 0;
  std::vector<RequestTemplate> templates_;
};

}  // namespace kiln
