#include "base/split_args.h"

#include <cstddef>
#include <cstdint>

namespace kiln {
namespace {

// Blanks before a word; a vertical tab or form feed inside one belongs to it.
bool IsSkipped(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}
bool EndsWord(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

char Unescaped(char c) {
  switch (c) {
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'b':
      return '\b';
    case 'a':
      return '\a';
    default:
      return c;
  }
}

// Reads words from the front of a line.
class Reader {
 public:
  explicit Reader(std::string_view line) : line_(line.substr(0, line.find('\0'))) {}

  // False at the end of the line.
  bool SkipBlanks() {
    while (!AtEnd() && IsSkipped(line_[at_])) ++at_;
    return !AtEnd();
  }

  // False when a quote is not closed, or closed in the middle of a word.
  bool ReadWord(std::string* word) {
    while (!AtEnd()) {
      char c = line_[at_++];
      if (EndsWord(c)) return true;
      if (c == '"' || c == '\'') return ReadQuoted(c, word);
      *word += c;
    }
    return true;
  }

 private:
  bool AtEnd() const { return at_ == line_.size(); }
  size_t Left() const { return line_.size() - at_; }

  bool ReadQuoted(char quote, std::string* word) {
    while (!AtEnd()) {
      char c = line_[at_++];
      if (c == quote) return AtEnd() || IsSkipped(line_[at_]);
      if (c == '\\' && !AtEnd() && (quote == '"' || line_[at_] == '\'')) {
        c = ReadEscape(quote);
      }
      *word += c;
    }
    return false;
  }

  // The byte that the escape after a backslash stands for.
  char ReadEscape(char quote) {
    if (quote == '"' && Left() >= 3 && line_[at_] == 'x') {
      int high = HexDigit(line_[at_ + 1]);
      int low = HexDigit(line_[at_ + 2]);
      if (high >= 0 && low >= 0) {
        at_ += 3;
        return static_cast<char>(high * 16 + low);
      }
    }
    return Unescaped(line_[at_++]);
  }

  std::string_view line_;
  size_t at_ = 0;
};

}  // namespace

std::optional<std::vector<std::string>> SplitArgs(std::string_view line) {
  std::vector<std::string> words;
  Reader reader(line);
  while (reader.SkipBlanks()) {
    std::string word;
    if (!reader.ReadWord(&word)) return std::nullopt;
    words.push_back(std::move(word));
  }
  return words;
}

void AppendQuoted(std::string_view text, std::string* out) {
  constexpr char kHex[] = "0123456789abcdef";
  constexpr std::string_view kEscaped = "\\\"\n\r\t\a\b";
  constexpr std::string_view kLetters = "\\\"nrtab";
  *out += '"';
  for (char c : text) {
    uint8_t byte = static_cast<uint8_t>(c);
    if (size_t i = kEscaped.find(c); i != std::string_view::npos) {
      *out += '\\';
      *out += kLetters[i];
    } else if (byte >= 0x20 && byte < 0x7f) {
      *out += c;
    } else {
      *out += "\\x";
      *out += kHex[byte >> 4];
      *out += kHex[byte & 15];
    }
  }
  *out += '"';
}

}  // namespace kiln
