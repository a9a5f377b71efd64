// What handlers put together for Call::ReplayAs: commands that mean the same whenever they run.
//
// What each is rewritten to is what Redis 7.2 writes into its append-only file.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/number.h"
#include "engine/commands/command.h"

namespace kiln {

// A number's text, where it stands.
class Digits {
 public:
  explicit Digits(int64_t number) : length_(FormatInt64(number, chars_)) {}
  explicit Digits(uint64_t number) : Digits(static_cast<int64_t>(number)) {}
  operator std::string_view() const { return {chars_, length_}; }

 private:
  char chars_[kMaxInt64Chars];
  size_t length_;
};

// A command of as many words as it takes: words of the request, which must stay, and texts of its
// own.
class ReplayWords {
 public:
  ReplayWords() = default;
  explicit ReplayWords(Arguments words) : words_(words.begin(), words.end()) {}

  void Add(std::string_view word) { words_.push_back(word); }
  void Add(Arguments words) { words_.insert(words_.end(), words.begin(), words.end()); }
  void AddText(std::string text) { words_.push_back(Keep(std::move(text))); }
  void AddNumber(int64_t number) { AddText(std::to_string(number)); }
  void Put(size_t place, std::string_view word) { words_[place] = word; }
  void PutText(size_t place, std::string text) { words_[place] = Keep(std::move(text)); }

  Arguments all() const { return words_; }

 private:
  std::string_view Keep(std::string text) { return texts_.emplace_back(std::move(text)); }

  std::vector<std::string_view> words_;
  std::deque<std::string> texts_;
};

}  // namespace kiln
