// Every pattern element but `*` takes exactly one byte. So when the text after a `*` fails to
// match, only the last
// `*` needs to take one byte more: an earlier one taking more would leave less text for the same
// elements.
#include "base/glob.h"

#include <cstddef>
#include <utility>

namespace kiln {
namespace {

char Lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

bool IsSameByte(char a, char b, bool ignore_case) {
  return a == b || (ignore_case && Lower(a) == Lower(b));
}

// Bytes are compared as signed, as Redis does on x86; it matters for ranges beyond ASCII.
bool IsInRange(signed char first, signed char last, signed char c, bool ignore_case) {
  if (first > last) std::swap(first, last);
  if (ignore_case) {
    first = Lower(first);
    last = Lower(last);
    c = Lower(c);
  }
  return first <= c && c <= last;
}

// Matches `c` with the class whose first byte after '[' is at `*at`, and moves `*at` past the
// class.
bool ClassMatches(std::string_view pattern, size_t* at, char c, bool ignore_case) {
  size_t i = *at;
  bool negated = i < pattern.size() && pattern[i] == '^';
  if (negated) ++i;
  bool found = false;
  for (; i < pattern.size(); ++i) {
    size_t left = pattern.size() - i;
    if (pattern[i] == '\\' && left >= 2) {
      ++i;
      found |= pattern[i] == c;
    } else if (pattern[i] == ']') {
      ++i;
      break;
    } else if (left >= 3 && pattern[i + 1] == '-') {
      found |=
          IsInRange(static_cast<signed char>(pattern[i]), static_cast<signed char>(pattern[i + 2]),
                    static_cast<signed char>(c), ignore_case);
      i += 2;
    } else {
      found |= IsSameByte(pattern[i], c, ignore_case);
    }
  }
  *at = i;
  return found != negated;
}

// Matches `c` with the element at `*at`, which is not a `*`, and moves `*at` past it.
bool ElementMatches(std::string_view pattern, size_t* at, char c, bool ignore_case) {
  char element = pattern[(*at)++];
  if (element == '?') return true;
  if (element == '[') return ClassMatches(pattern, at, c, ignore_case);
  if (element == '\\' && *at < pattern.size()) element = pattern[(*at)++];
  return IsSameByte(element, c, ignore_case);
}

}  // namespace

bool GlobMatches(std::string_view pattern, std::string_view text, bool ignore_case) {
  if (text.empty()) return pattern.empty();
  size_t pattern_at = 0;
  size_t text_at = 0;
  size_t after_star = std::string_view::npos;  // The pattern after the last `*` met,
  size_t star_text = 0;                        // and the text tried against it last.
  while (text_at < text.size()) {
    if (pattern_at < pattern.size() && pattern[pattern_at] == '*') {
      after_star = ++pattern_at;
      if (after_star == pattern.size()) return true;
      star_text = text_at;
    } else if (pattern_at < pattern.size() &&
               ElementMatches(pattern, &pattern_at, text[text_at], ignore_case)) {
      ++text_at;
    } else if (after_star != std::string_view::npos) {
      pattern_at = after_star;
      text_at = ++star_text;
    } else {
      return false;
    }
  }
  while (pattern_at < pattern.size() && pattern[pattern_at] == '*') ++pattern_at;
  return pattern_at == pattern.size();
}

}  // namespace kiln
