#include "engine/commands/argument_cursor.h"

#include "base/number.h"

namespace kiln {

bool EqualsWord(std::string_view text, std::string_view word) {
  if (text.size() != word.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    if (c != word[i]) return false;
  }
  return true;
}

int64_t ArgumentCursor::Integer(Error error) {
  std::string_view text = Text();
  if (!ok()) return 0;
  auto number = ParseInt64(text);
  if (!number) Fail(error);
  return number.value_or(0);
}

int64_t ArgumentCursor::IntegerWithin(int64_t low, int64_t high, Error error) {
  int64_t number = Integer();
  if (ok() && (number < low || number > high)) Fail(error);
  return number;
}

double ArgumentCursor::Double(Error error) {
  std::string_view text = Text();
  if (!ok()) return 0;
  auto number = ParseDouble(text);
  if (!number) Fail(error);
  return number.value_or(0);
}

bool ArgumentCursor::Take(std::string_view word) {
  if (!More() || !EqualsWord(all_[next_], word)) return false;
  ++next_;
  return true;
}

Arguments ArgumentCursor::Several(size_t count) {
  if (count > Left()) {
    Fail(Error::kSyntax);
    return {};
  }
  Arguments some = all_.subspan(next_, count);
  next_ += count;
  return some;
}

}  // namespace kiln
