// Random rules and requests: a selector allows what a slow reading of its rules, one after the
// other, says.

#include <gtest/gtest.h>

#include <set>

#include "base/glob.h"
#include "base/random.h"
#include "engine/commands/acl_category.h"
#include "engine/commands/argument_cursor.h"
#include "engine/commands/key_access.h"
#include "engine/security/acl_fixture.h"

namespace kiln {
namespace {

// Remembers the rules and reads them all anew for each question.
class Model {
 public:
  void Add(std::string rule) { rules_.push_back(std::move(rule)); }

  bool MayRun(const Command& command, std::string_view first_argument) const {
    bool allowed = false;
    std::set<std::string> arguments;
    std::string name = LowerText(command.name);
    for (const std::string& rule : rules_) {
      if (rule[0] != '+' && rule[0] != '-') continue;
      bool allow = rule[0] == '+';
      std::string_view what = std::string_view(rule).substr(1);
      if (what == "@all") {
        allowed = allow;
        arguments.clear();
      } else if (IsMeant(what, command)) {
        allowed = allow;
        arguments.clear();
      } else if (what.starts_with(name + "|")) {
        arguments.emplace(what.substr(name.size() + 1));
      }
    }
    return allowed || arguments.contains(LowerText(first_argument)) || command.Is(kNoAuth);
  }

  bool MayUseKey(std::string_view key, bool reads, bool writes) const {
    std::map<std::string, std::pair<bool, bool>> patterns;
    bool all = false;
    for (const std::string& rule : rules_) {
      if (rule == "~*" || rule == "resetkeys") {
        all = rule == "~*";
        patterns.clear();
      } else if (rule[0] == '~') {
        patterns[rule.substr(1)] = {true, true};
      } else if (rule[0] == '%') {
        auto& [may_read, may_write] = patterns[rule.substr(3)];
        (rule[1] == 'R' ? may_read : may_write) = true;
      }
    }
    for (const auto& [pattern, rights] : patterns) {
      if ((!reads || rights.first) && (!writes || rights.second)) all |= GlobMatches(pattern, key);
    }
    return all;
  }

 private:
  // Whether a rule's name or category is about the command, or about the container it is in.
  static bool IsMeant(std::string_view what, const Command& command) {
    std::string name = LowerText(command.name);
    std::string_view container = std::string_view(name).substr(0, name.find('|'));
    if (what[0] != '@') return what == name || (container != name && what == container);
    const AclCategory& category = *FindAclCategory(what.substr(1));
    if (IsInCategory(command, category)) return true;
    return container != name && IsInCategory(*FindAclCommand(AclTestTable(), container), category);
  }

  std::vector<std::string> rules_;
};

constexpr std::string_view kPatterns[] = {"*", "a*", "b", "[ab]c", "?", "a"};
constexpr std::string_view kRequests[] = {
    "GET a",
    "SET b x",
    "SET b x GET",
    "MGET a b ac",
    "CONFIG GET x",
    "CONFIG SET x y",
    "SELECT 0",
    "SELECT 1",
    "COPY a b",
    "SORT a STORE bc",
    "EXISTS a bc",
    "LMOVE a b LEFT LEFT",
    "SINTERSTORE a b ac",
    "CLIENT LIST",
    "EVAL x 2 a b",
    "DEL a",
    "AUTH x",
    "TOUCH bc",
    "HGET ab f",
    "RENAME ac b",
};

class Sample {
 public:
  explicit Sample(uint64_t seed) : random_(seed) {}

  template <class List>
  auto Pick(const List& list) {
    return *(std::begin(list) + random_.Below(std::size(list)));
  }

  std::string Rule() {
    std::string sign = random_.Below(3) == 0 ? "-" : "+";
    switch (random_.Below(9)) {
      case 0:
        return sign + "@all";
      case 1:
        return sign + "@" + std::string(Pick(AclCategories()).name);
      case 2:
        return "+select|" + std::to_string(random_.Below(2));
      case 3:
        return "resetkeys";
      case 4:
        return "~" + std::string(Pick(kPatterns));
      case 5:
        return "%R~" + std::string(Pick(kPatterns));
      case 6:
        return "%W~" + std::string(Pick(kPatterns));
      default:
        return sign + Name();
    }
  }

 private:
  // Mostly of a command that is asked for.
  std::string Name() {
    if (random_.Below(4) == 0) return LowerText(Pick(AclTestTable().all())->name);
    std::vector<std::string_view> words = SplitWords(Pick(kRequests));
    std::string name = LowerText(AclTestTable().Find(words)->name);
    return random_.Below(3) == 0 ? name.substr(0, name.find('|')) : name;
  }

  Random random_;
};

bool ModelAllows(const Model& model, const Command& command, Arguments words) {
  if (!model.MayRun(command, words[1])) return false;
  std::vector<uint32_t> positions;
  KeyPositions(command, words, &positions);
  for (size_t i = 0; i < positions.size(); ++i) {
    uint8_t access = KeyAccessOf(command, i, words);
    bool writes = (access & (kKeyUpdate | kKeyInsert | kKeyDelete)) != 0;
    if (!model.MayUseKey(words[positions[i]], (access & kKeyAccess) != 0, writes)) return false;
  }
  return true;
}

void Compare(uint64_t seed) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  Sample sample(seed);
  Model model;
  AclUser user("u", AclTestTable(), ChannelDefault::kResetChannels);
  for (int step = 0; step < 12; ++step) {
    std::string rule = sample.Rule();
    if (user.Add(rule, ChannelDefault::kResetChannels) == AclError::kNone) model.Add(rule);
    AclUser again = UserWith(user.Describe());
    for (std::string_view request : kRequests) {
      std::vector<std::string_view> words = SplitWords(request);
      const Command& command = *AclTestTable().Find(words);
      bool expected = ModelAllows(model, command, words);
      ASSERT_EQ(DeniedTo(user, request).empty(), expected) << user.Describe() << " / " << request;
      ASSERT_EQ(DeniedTo(again, request).empty(), expected) << user.Describe() << " / " << request;
    }
  }
}

TEST(AclModel, RandomRulesAllowWhatASlowReadingOfThemAllows) {
  for (uint64_t seed = 1; seed <= 200; ++seed) Compare(seed);
}

}  // namespace
}  // namespace kiln
