// ArgumentCursor: reads a command's arguments in order and latches the first error, so that a
// handler checks once.
//
// After an error every read returns an empty value and the error stays. Starts behind the command's
// name (for "CONFIG GET" behind both words).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

#include "engine/commands/command.h"
#include "engine/store/error.h"
#include "engine/store/record.h"

namespace kiln {

class ArgumentCursor {
 public:
  // `first_key` is the request's first key, hashed already (its text tells which argument it is).
  // It must stay.
  ArgumentCursor(Arguments all, size_t start, const Key* first_key)
      : all_(all), next_(start), first_key_(first_key) {}

  // The next argument as a key, with its hash.
  Key NextKey() {
    std::string_view text = Text();
    if (text.data() == first_key_->text.data()) [[likely]]
      return *first_key_;
    return HashKey(text);
  }
  // The last argument as a key, the request's first, without taking it.
  const Key& LastKey() const { return *first_key_; }
  std::string_view Text() {
    if (next_ >= all_.size()) [[unlikely]]
      return Fail(Error::kSyntax), std::string_view();
    return all_[next_++];
  }
  int64_t Integer(Error error = Error::kNotInteger);
  // An integer within [low, high], or kOutOfRange / `error`.
  int64_t IntegerWithin(int64_t low, int64_t high, Error error = Error::kOutOfRange);
  double Double(Error error = Error::kNotFloat);
  // Takes the next argument if it is this word in any case.
  bool Take(std::string_view word);
  // All that is left.
  Arguments Rest() {
    Arguments rest = all_.subspan(next_);
    next_ = all_.size();
    return rest;
  }
  // The next `count` arguments; a syntax error when there are fewer.
  Arguments Several(size_t count);

  bool More() const { return next_ < all_.size() && error_ == Error::kNone; }
  size_t Left() const { return all_.size() - next_; }
  std::string_view Peek() const { return next_ < all_.size() ? all_[next_] : std::string_view(); }
  void Skip() { ++next_; }
  // No argument left and no error: a syntax error otherwise.
  bool Done() {
    if (next_ < all_.size()) Fail(Error::kSyntax);
    return error_ == Error::kNone;
  }
  void Fail(Error error) {
    if (error_ == Error::kNone) error_ = error;
  }
  Error error() const { return error_; }
  bool ok() const { return error_ == Error::kNone; }

  Arguments all() const { return all_; }

 private:
  Arguments all_;
  size_t next_;
  const Key* first_key_;
  Error error_ = Error::kNone;
};

// ASCII, any case; `word` is upper case.
bool EqualsWord(std::string_view text, std::string_view word);

}  // namespace kiln
