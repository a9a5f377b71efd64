#include "engine/commands/command_syntax.h"

#include <algorithm>
#include <iterator>

namespace kiln {
namespace {

constexpr std::string_view kTypeNames[] = {
    "string", "integer", "double", "key", "pattern", "unix-time", "pure-token", "oneof", "block",
};

// What arguments of these names are everywhere, unless the row says otherwise; others are strings.
constexpr std::string_view kKeys[] = {
    "destination", "destkey", "dst",    "key",       "key1",         "key2",     "keys",
    "newkey",      "src",     "source", "sourcekey", "storedistkey", "storekey",
};
constexpr std::string_view kDoubles[] = {
    "height", "latitude", "longitude", "radius", "score", "timeout", "width",
};
constexpr std::string_view kIntegers[] = {
    "bits",
    "client-id",
    "cluster-bus-port",
    "config-epoch",
    "count",
    "cursor",
    "db",
    "decrement",
    "destination-db",
    "end",
    "end-slot",
    "entries-added",
    "entries-read",
    "entriesread",
    "frequency",
    "increment",
    "index",
    "index1",
    "index2",
    "len",
    "milliseconds",
    "min-idle-time",
    "min-match-len",
    "ms",
    "num-matches",
    "numkeys",
    "numlocal",
    "numreplicas",
    "offset",
    "port",
    "protover",
    "rank",
    "seconds",
    "slot",
    "start",
    "start-slot",
    "stop",
    "ttl",
    "version",
    "weight",
};

template <size_t kCount>
bool IsOneOf(const std::string_view (&names)[kCount], std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

SyntaxType TypeOf(std::string_view name) {
  if (IsOneOf(kKeys, name)) return SyntaxType::kKey;
  if (IsOneOf(kIntegers, name)) return SyntaxType::kInteger;
  if (IsOneOf(kDoubles, name)) return SyntaxType::kDouble;
  if (name == "pattern" || name == "by-pattern" || name == "get-pattern")
    return SyntaxType::kPattern;
  return name.starts_with("unix-time") ? SyntaxType::kUnixTime : SyntaxType::kString;
}

bool IsLower(char c) {
  return c >= 'a' && c <= 'z';
}
bool IsWord(char c) {
  return IsLower(c) || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}
bool IsToken(std::string_view word) {
  return !word.empty() && std::none_of(word.begin(), word.end(), IsLower);
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  bool Parse(std::vector<SyntaxItem>* items) {
    if (text_.empty()) return true;
    Several(' ', items);
    return ok_ && at_ == text_.size();
  }

 private:
  void Several(char separator, std::vector<SyntaxItem>* items) {
    do items->push_back(Item());
    while (ok_ && Take(separator));
  }

  SyntaxItem Item() {
    if (Take('[')) {
      SyntaxItem item = Item();
      item.optional = true;
      Expect(']');
      return item;
    }
    if (Peek() == '\'') return Token(Quoted());
    std::string_view word = Word();
    if (Take('=')) return Named(word);
    if (IsToken(word) && Peek() != ':') return Token(word);
    SyntaxItem item;
    item.name = word;
    item.type = TypeOf(word);
    ok_ = ok_ && !word.empty();
    Attributes(&item);
    if (item.type == SyntaxType::kKey) {
      if (item.key_spec < 0) item.key_spec = keys_;
      ++keys_;
    }
    return item;
  }

  // Behind "name=": a choice, a sequence or a token.
  SyntaxItem Named(std::string_view name) {
    SyntaxItem item;
    if (Take('<')) {
      item.type = SyntaxType::kOneOf;
      Several('|', &item.children);
      Expect('>');
    } else if (Take('(')) {
      item.type = SyntaxType::kBlock;
      Several(' ', &item.children);
      Expect(')');
    } else {
      item.type = SyntaxType::kPureToken;
      item.token = Peek() == '\'' ? Quoted() : Word();
    }
    item.name = name;
    Attributes(&item);
    return item;
  }

  SyntaxItem Token(std::string_view token) {
    bool has_argument = Peek() == ' ' && at_ + 1 < text_.size() && IsLower(text_[at_ + 1]);
    SyntaxItem item;
    if (has_argument) {
      ++at_;
      item = Item();
      ok_ = ok_ && item.type != SyntaxType::kPureToken;
    } else {
      item.type = SyntaxType::kPureToken;
      Attributes(&item);
    }
    item.token = token;
    return item;
  }

  void Attributes(SyntaxItem* item) {
    for (;;) {
      if (Take(':')) {
        item->type = Type(Word());
      } else if (Peek() == '\'') {
        item->display = Quoted();
      } else if (Take('#')) {
        item->key_spec = Peek() - '0';
        ++at_;
      } else if (Take('*')) {
        item->multiple = item->repeats_token = true;
      } else if (Take('@')) {
        item->since = Version();
      } else if (Take('!')) {
        item->deprecated_since = Version();
      } else if (text_.substr(at_).starts_with("...")) {
        item->multiple = true;
        at_ += 3;
      } else {
        return;
      }
    }
  }

  SyntaxType Type(std::string_view word) {
    const auto* found = std::find(std::begin(kTypeNames), std::end(kTypeNames), word);
    ok_ = ok_ && found != std::end(kTypeNames);
    return static_cast<SyntaxType>(ok_ ? found - std::begin(kTypeNames) : 0);
  }

  std::string_view Word() {
    return While([](char c) { return IsWord(c); });
  }
  std::string_view Version() {
    return While([](char c) { return c == '.' || (c >= '0' && c <= '9'); });
  }
  std::string_view Quoted() {
    Expect('\'');
    std::string_view quoted = While([](char c) { return c != '\''; });
    Expect('\'');
    return quoted;
  }

  template <class F>
  std::string_view While(F&& belongs) {
    size_t start = at_;
    while (at_ < text_.size() && belongs(text_[at_])) ++at_;
    return text_.substr(start, at_ - start);
  }
  char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool Take(char c) {
    if (Peek() != c) return false;
    ++at_;
    return true;
  }
  void Expect(char c) { ok_ = Take(c) && ok_; }

  std::string_view text_;
  size_t at_ = 0;
  int keys_ = 0;
  bool ok_ = true;
};

}  // namespace

std::string_view NameOf(SyntaxType type) {
  return kTypeNames[static_cast<size_t>(type)];
}

bool ParseSyntax(std::string_view text, std::vector<SyntaxItem>* items) {
  return Parser(text).Parse(items);
}

}  // namespace kiln
