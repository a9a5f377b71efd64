#include "engine/script/lua_tokens.h"

#include <algorithm>
#include <iterator>
#include <string>

namespace kiln {
namespace {

using Kind = LuaToken::Kind;

constexpr std::string_view kKeywords[] = {
    "and",   "break", "do",  "else", "elseif", "end",    "false", "for",  "function", "if",   "in",
    "local", "nil",   "not", "or",   "repeat", "return", "then",  "true", "until",    "while"};
constexpr std::string_view kLongSymbols[] = {"...", "..", "==", "~=", "<=", ">="};
constexpr std::string_view kSymbols = "+-*/%^#<>=(){}[];:,.";

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}
bool IsNameByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || IsDigit(c);
}

class Reader {
 public:
  explicit Reader(std::string_view source) : source_(source) {}

  std::optional<std::vector<LuaToken>> ReadAll() {
    while (SkipSpace()) {
      if (!ReadToken()) return std::nullopt;
    }
    if (is_broken_) return std::nullopt;
    tokens_.push_back({Kind::kEnd, {}});
    return std::move(tokens_);
  }

 private:
  char Peek(size_t ahead = 0) const {
    return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0';
  }
  void Add(Kind kind, size_t start, size_t end, bool is_plain = false) {
    tokens_.push_back({kind, source_.substr(start, end - start), is_plain});
  }

  // To the next token; false at the end.
  bool SkipSpace() {
    constexpr std::string_view kSpace = " \t\n\r\f\v";
    while (true) {
      at_ = std::min(source_.find_first_not_of(kSpace, at_), source_.size());
      if (!source_.substr(at_).starts_with("--")) return at_ < source_.size() && !is_broken_;
      at_ += 2;
      size_t level = 0;
      if (OpensLongBracket(&level)) {
        std::string_view ignored;
        if (!ReadLongBracket(level, &ignored)) return false;
      } else {
        at_ = std::min(source_.find_first_of("\n\r", at_), source_.size());
      }
    }
  }

  bool OpensLongBracket(size_t* level) const {
    if (Peek() != '[') return false;
    size_t end = at_ + 1;
    while (end < source_.size() && source_[end] == '=') ++end;
    *level = end - at_ - 1;
    return end < source_.size() && source_[end] == '[';
  }

  bool ReadLongBracket(size_t level, std::string_view* text) {
    size_t start = at_ + level + 2;
    std::string close = "]" + std::string(level, '=') + "]";
    size_t end = source_.find(close, start);
    is_broken_ = end == std::string_view::npos;
    if (is_broken_) return false;
    *text = source_.substr(start, end - start);
    at_ = end + close.size();
    return true;
  }

  bool ReadToken() {
    char c = Peek();
    size_t level = 0;
    if (IsDigit(c) || (c == '.' && IsDigit(Peek(1)))) return ReadNumber();
    if (IsNameByte(c)) return ReadName();
    if (c == '"' || c == '\'') return ReadString(c);
    if (OpensLongBracket(&level)) {
      LuaToken token{Kind::kString, {}};
      if (!ReadLongBracket(level, &token.text)) return false;
      tokens_.push_back(token);
      return true;
    }
    return ReadSymbol();
  }

  bool ReadNumber() {
    size_t start = at_;
    while (IsDigit(Peek()) || Peek() == '.') ++at_;
    if ((Peek() == 'e' || Peek() == 'E') && (Peek(1) == '+' || Peek(1) == '-')) at_ += 2;
    while (IsNameByte(Peek())) ++at_;
    Add(Kind::kNumber, start, at_);
    return true;
  }

  bool ReadName() {
    size_t start = at_;
    while (IsNameByte(Peek())) ++at_;
    std::string_view text = source_.substr(start, at_ - start);
    bool is_keyword =
        std::find(std::begin(kKeywords), std::end(kKeywords), text) != std::end(kKeywords);
    Add(is_keyword ? Kind::kKeyword : Kind::kName, start, at_);
    return true;
  }

  bool ReadString(char quote) {
    size_t start = ++at_;
    bool is_plain = true;
    for (; Peek() != quote; ++at_) {
      if (at_ >= source_.size() || Peek() == '\n' || Peek() == '\r') return false;
      if (Peek() != '\\') continue;
      is_plain = false;
      ++at_;
    }
    if (at_ >= source_.size()) return false;
    Add(Kind::kString, start, at_, is_plain);
    ++at_;
    return true;
  }

  bool ReadSymbol() {
    for (std::string_view symbol : kLongSymbols) {
      if (!source_.substr(at_).starts_with(symbol)) continue;
      Add(Kind::kSymbol, at_, at_ + symbol.size());
      at_ += symbol.size();
      return true;
    }
    if (Peek() == '\0' || kSymbols.find(Peek()) == std::string_view::npos) return false;
    Add(Kind::kSymbol, at_, at_ + 1);
    ++at_;
    return true;
  }

  std::string_view source_;
  size_t at_ = 0;
  bool is_broken_ = false;
  std::vector<LuaToken> tokens_;
};

}  // namespace

std::optional<std::vector<LuaToken>> ReadLuaTokens(std::string_view source, size_t max_bytes) {
  if (source.size() > max_bytes) return std::nullopt;
  return Reader(source).ReadAll();
}

}  // namespace kiln
