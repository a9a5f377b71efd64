#include "engine/script/declared_keys.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>
#include <vector>

#include "engine/script/lua_tokens.h"

namespace kiln {
namespace {

constexpr size_t kMaxCodeBytes = size_t{64} << 10;
// Of a loop's literal bound.
constexpr size_t kMaxBoundDigits = 4;

constexpr std::string_view kForbiddenNames[] = {
    "_G",           "_VERSION", "coroutine", "debug",        "dofile", "getfenv",
    "getmetatable", "load",     "loadfile",  "loadstring",   "module", "newproxy",
    "rawset",       "require",  "setfenv",   "setmetatable", "xpcall"};
// Fields of `redis` that touch no key, whatever becomes of them.
constexpr std::string_view kHarmlessFields[] = {
    "LOG_DEBUG",     "LOG_NOTICE",        "LOG_VERBOSE", "LOG_WARNING",
    "REDIS_VERSION", "REPL_ALL",          "REPL_AOF",    "REPL_NONE",
    "REPL_REPLICA",  "REDIS_VERSION_NUM", "REPL_SLAVE",  "error_reply",
    "log",           "set_repl",          "setresp",     "sha1hex",
    "status_reply",  "replicate_commands"};

template <size_t kCount>
bool IsAmong(const std::string_view (&names)[kCount], std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

class Proof {
 public:
  Proof(const std::vector<LuaToken>& tokens, const CommandTable& commands)
      : tokens_(tokens), commands_(commands) {}

  bool Holds() {
    for (size_t i = 0; i < tokens_.size(); ++i) {
      if (tokens_[i].Is("=") && !CollectAssigned(i)) return false;
      if (tokens_[i].Is("local")) CollectLocals(i);
    }
    if (!CheckLoops() || assigned_.contains("KEYS")) return false;
    // A field of `redis` may not be assigned either; of ARGV it may.
    if (assigned_.contains("redis") || whole_assigned_.contains("ARGV")) return false;
    for (std::string_view name : assigned_) key_names_.erase(name);
    for (size_t i = 0; i < tokens_.size(); ++i) {
      if (!CheckToken(i)) return false;
    }
    return true;
  }

 private:
  const LuaToken& At(size_t place) const {
    return place < tokens_.size() ? tokens_[place] : tokens_.back();
  }
  const LuaToken& Before(size_t place) const {
    return place > 0 ? tokens_[place - 1] : tokens_.back();
  }

  // The place of the bracket that closes the one at `open`, or the end.
  size_t CloseOf(size_t open) const {
    int depth = 0;
    for (size_t i = open; i < tokens_.size(); ++i) {
      const LuaToken& token = tokens_[i];
      if (token.Is("(") || token.Is("[") || token.Is("{")) ++depth;
      if ((token.Is(")") || token.Is("]") || token.Is("}")) && --depth == 0) return i;
    }
    return tokens_.size();
  }
  size_t OpenOf(size_t close) const {
    int depth = 0;
    for (size_t i = close + 1; i-- > 0;) {
      const LuaToken& token = tokens_[i];
      if (token.Is(")") || token.Is("]") || token.Is("}")) ++depth;
      if ((token.Is("(") || token.Is("[") || token.Is("{")) && --depth == 0) return i;
    }
    return 0;
  }

  // ---- What names stand for ----

  // Walks over the variables left of the "=" at `place`, and keeps the names where each begins.
  // Names bound by `local` are CollectLocals' concern. False where it cannot tell.
  bool CollectAssigned(size_t place) {
    std::vector<std::string_view> names;
    std::vector<std::string_view> whole_names;
    size_t i = place;
    while (true) {
      size_t end = i;
      size_t count = names.size();
      if (!WalkVariable(&i, &names)) return false;
      if (i + 1 == end && names.size() > count) whole_names.push_back(names.back());
      if (i == 0 || !tokens_[i - 1].Is(",")) break;
      --i;
    }
    if (Before(i).Is("local")) return true;
    assigned_.insert(names.begin(), names.end());
    whole_assigned_.insert(whole_names.begin(), whole_names.end());
    return true;
  }

  // From behind a variable to its first token. What is no variable (a table's field) stays where it
  // is.
  bool WalkVariable(size_t* place, std::vector<std::string_view>* names) const {
    size_t i = *place;
    while (i > 0) {
      const LuaToken& last = tokens_[i - 1];
      if (last.Is(")") || last.kind == LuaToken::Kind::kString) return false;
      if (last.Is("]")) {
        i = OpenOf(i - 1);
        if (Before(i).Is("{") || Before(i).Is(",") || Before(i).Is(";")) break;
        continue;
      }
      if (!last.IsName()) break;
      --i;
      if (Before(i).Is(".")) {
        --i;
        continue;
      }
      names->push_back(last.text);
      break;
    }
    *place = i;
    return true;
  }

  // The names of `local a, b = ...`: those bound to KEYS[...] are key names, the others are not.
  void CollectLocals(size_t place) {
    std::vector<std::string_view> names;
    size_t i = place + 1;
    while (At(i).IsName()) {
      names.push_back(At(i).text);
      if (!At(++i).Is(",")) break;
      ++i;
    }
    size_t bound = 0;
    if (At(i).Is("=")) {
      ++i;
      while (bound < names.size()) {
        size_t end = EndOfKey(i);
        if (end == 0 || !MayEndExpression(At(end))) break;
        key_names_.insert(names[bound++]);
        if (!At(end).Is(",")) break;
        i = end + 1;
      }
    }
    for (; bound < names.size(); ++bound) assigned_.insert(names[bound]);
  }

  // Where KEYS[...] at `place` ends, or 0.
  size_t EndOfKey(size_t place) const {
    if (!At(place).IsNamed("KEYS") || !At(place + 1).Is("[")) return 0;
    return CloseOf(place + 1) + 1;
  }

  static bool MayEndExpression(const LuaToken& next) {
    using Kind = LuaToken::Kind;
    if (next.kind == Kind::kEnd || next.kind == Kind::kName) return true;
    for (std::string_view word :
         {";", ",", "local", "if", "for", "return", "end", "do", "else", "elseif", "break"}) {
      if (next.Is(word)) return true;
    }
    return false;
  }

  // ---- Loops ----

  bool CheckLoops() {
    std::vector<bool> is_loop;  // of the blocks that are open
    bool loop_begins = false;
    for (size_t i = 0; i < tokens_.size(); ++i) {
      const LuaToken& token = tokens_[i];
      if (token.Is("function") || token.Is("while") || token.Is("repeat")) return false;
      if (token.Is("for")) {
        bool is_nested = std::find(is_loop.begin(), is_loop.end(), true) != is_loop.end();
        if (is_nested || !CheckLoop(i)) return false;
        loop_begins = true;
      } else if (token.Is("if")) {
        is_loop.push_back(false);
      } else if (token.Is("do")) {
        is_loop.push_back(std::exchange(loop_begins, false));
      } else if (token.Is("end")) {
        if (is_loop.empty()) return false;
        is_loop.pop_back();
      }
    }
    return true;
  }

  bool CheckLoop(size_t place) { return CheckListLoop(place) || CheckCountLoop(place); }

  // for _, name in ipairs(KEYS) do
  bool CheckListLoop(size_t place) {
    bool matches = At(place + 1).IsName() && At(place + 2).Is(",") && At(place + 3).IsName() &&
                   At(place + 4).Is("in") && At(place + 5).IsNamed("ipairs") &&
                   At(place + 6).Is("(") && At(place + 8).Is(")") && At(place + 9).Is("do");
    if (!matches) return false;
    assigned_.insert(At(place + 1).text);
    if (At(place + 7).IsNamed("KEYS")) {
      key_names_.insert(At(place + 3).text);
      return true;
    }
    assigned_.insert(At(place + 3).text);
    loops_over_argv_ |= At(place + 7).IsNamed("ARGV");
    return At(place + 7).IsNamed("ARGV");
  }

  // for name = 1, #ARGV [, 2] do
  bool CheckCountLoop(size_t place) {
    if (!At(place + 1).IsName() || !At(place + 2).Is("=") || !IsSmallNumber(At(place + 3)) ||
        !At(place + 4).Is(","))
      return false;
    assigned_.insert(At(place + 1).text);
    size_t i = place + 5;
    if (At(i).Is("#") && (At(i + 1).IsNamed("KEYS") || At(i + 1).IsNamed("ARGV"))) {
      i += 2;
    } else if (IsSmallNumber(At(i))) {
      ++i;
    } else {
      return false;
    }
    if (At(i).Is(",")) {
      if (!IsSmallNumber(At(i + 1))) return false;
      i += 2;
    }
    return At(i).Is("do");
  }

  // A positive integer of a few digits.
  static bool IsSmallNumber(const LuaToken& token) {
    return token.kind == LuaToken::Kind::kNumber && token.text.size() <= kMaxBoundDigits &&
           token.text[0] != '0' &&
           token.text.find_first_not_of("0123456789") == std::string_view::npos;
  }

  // ---- Each name ----

  bool CheckToken(size_t place) const {
    const LuaToken& token = tokens_[place];
    if (!token.IsName() || Before(place).Is(".") || Before(place).Is(":")) return true;
    if (IsAmong(kForbiddenNames, token.text)) return false;
    if (token.text == "KEYS") return CheckList(place);
    if (token.text == "ARGV" && loops_over_argv_) return CheckList(place);
    if (token.text == "unpack" || token.text == "ipairs") return At(place + 1).Is("(");
    if (token.text == "redis") return CheckRedis(place);
    return true;
  }

  // KEYS, or ARGV where a loop goes over it, in a place that cannot change it.
  bool CheckList(size_t place) const {
    if (assigned_.contains(tokens_[place].text)) return false;
    if (At(place + 1).Is("[") || Before(place).Is("#")) return true;
    if (!Before(place).Is("(") || place < 2) return false;
    const LuaToken& function = tokens_[place - 2];
    bool is_field = place > 2 && (tokens_[place - 3].Is(".") || tokens_[place - 3].Is(":"));
    if (is_field) return false;
    if (function.IsNamed("unpack")) return At(place + 1).Is(")") || At(place + 1).Is(",");
    // Whether this is a loop's head, and no copy of the list.
    return function.IsNamed("ipairs") && place > 6 && tokens_[place - 3].Is("in") &&
           tokens_[place - 7].Is("for") && At(place + 1).Is(")") && At(place + 2).Is("do");
  }

  bool CheckRedis(size_t place) const {
    if (!At(place + 1).Is(".") || !At(place + 2).IsName()) return false;
    std::string_view field = At(place + 2).text;
    if (field == "call" || field == "pcall") return At(place + 3).Is("(") && CheckCall(place + 3);
    return IsAmong(kHarmlessFields, field);
  }

  // ---- Commands ----

  struct Argument {
    size_t first;
    size_t end;
  };

  // The arguments between the bracket at `open` and its other half.
  std::vector<Argument> ArgumentsOf(size_t open) const {
    std::vector<Argument> arguments;
    size_t close = CloseOf(open);
    size_t first = open + 1;
    for (size_t i = first; i < close; ++i) {
      if (At(i).Is("(") || At(i).Is("[") || At(i).Is("{")) {
        i = CloseOf(i);
      } else if (At(i).Is(",")) {
        arguments.push_back({first, i});
        first = i + 1;
      }
    }
    if (first < close) arguments.push_back({first, close});
    return arguments;
  }

  bool CheckCall(size_t open) const {
    std::vector<Argument> arguments = ArgumentsOf(open);
    if (arguments.empty()) return true;  // An error.
    const LuaToken& name = At(arguments[0].first);
    if (arguments[0].end != arguments[0].first + 1 || !name.is_plain) return false;
    const Command* command = commands_.FindName(name.text);
    if (command == nullptr || command->keys.find != nullptr ||
        command->Is(kContainer | kGate | kWalksShards | kMovableKeys | kNoScript | kLocksQueue))
      return false;
    return !command->keys.any() || CheckKeys(command->keys, arguments);
  }

  bool CheckKeys(const Keys& keys, const std::vector<Argument>& arguments) const {
    auto count = static_cast<int>(arguments.size());
    int last = keys.last >= 0 ? keys.last : count + keys.last;
    const Argument& end = arguments.back();
    if (!IsSingle(end) && (keys.last < 0 || count - 1 < keys.last)) {
      // It gives further arguments, of which some are keys.
      bool all_are_keys = (keys.last == -1 || keys.last >= 0) && keys.step == 1 &&
                          count - 1 >= keys.first && IsAllKeys(end);
      if (!all_are_keys) return false;
    }
    for (int i = keys.first; i <= std::min(last, count - 1); i += keys.step) {
      const Argument& argument = arguments[static_cast<size_t>(i)];
      if (!IsKey(argument) && !(i == count - 1 && IsAllKeys(argument))) return false;
    }
    return true;
  }

  bool IsKey(const Argument& argument) const {
    if (EndOfKey(argument.first) == argument.end) return true;
    const LuaToken& only = At(argument.first);
    return argument.end == argument.first + 1 && only.IsName() && key_names_.contains(only.text);
  }
  bool IsAllKeys(const Argument& argument) const {
    return argument.end == argument.first + 4 && At(argument.first).IsNamed("unpack") &&
           At(argument.first + 1).Is("(") && At(argument.first + 2).IsNamed("KEYS");
  }
  // Whether it surely is one value.
  bool IsSingle(const Argument& argument) const {
    const LuaToken& last = At(argument.end - 1);
    if (argument.end == argument.first + 1) return !last.Is("...");
    return last.Is("]") || last.IsName() || last.kind == LuaToken::Kind::kNumber;
  }

  const std::vector<LuaToken>& tokens_;
  const CommandTable& commands_;
  std::set<std::string_view> assigned_;        // names that stand for something else than a key
  std::set<std::string_view> whole_assigned_;  // those assigned to themselves, not to a field
  std::set<std::string_view> key_names_;       // names bound to keys
  bool loops_over_argv_ = false;
};

}  // namespace

bool KeepsToDeclaredKeys(std::string_view code, const CommandTable& commands) {
  auto tokens = ReadLuaTokens(code, kMaxCodeBytes);
  return tokens && Proof(*tokens, commands).Holds();
}

}  // namespace kiln
