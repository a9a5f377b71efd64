#include "engine/security/acl_file.h"

#include <fmt/format.h>

#include "engine/commands/command_errors.h"

namespace kiln {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

std::string_view Trim(std::string_view text) {
  size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

// Every single space separates.
std::vector<std::string_view> Words(std::string_view line) {
  std::vector<std::string_view> words;
  for (size_t end = 0; end != std::string_view::npos;) {
    end = line.find(' ');
    words.push_back(line.substr(0, end));
    line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
  }
  return words;
}

// One line of the file.
class LineParser {
 public:
  LineParser(std::string place, const CommandTable& commands, ChannelDefault channels)
      : place_(std::move(place)), commands_(commands), channels_(channels) {}

  // What is wrong with it; `number` counts from 1.
  std::string Parse(std::string_view line, size_t number, AclUsers* users) {
    std::vector<std::string_view> words = Words(line);
    if (words[0] != "user" || words.size() < 2) {
      return fmt::format("{} should start with user keyword followed by the username. ", place_);
    }
    std::string name(words[1]);
    if (HasSpaces(name))
      return fmt::format("'{}: username '{}' contains invalid characters. ", place_, name);
    auto [place, is_new] = users->try_emplace(name);
    if (!is_new)
      return fmt::format("WARNING: Duplicate user '{}' found on line {}. ", name, number);
    place->second = std::make_unique<AclUser>(name, commands_, channels_);
    std::vector<std::string> rules;
    std::string_view unmatched;
    if (!MergeSelectors(std::span(words).subspan(2), &rules, &unmatched))
      return fmt::format("{}: Unmatched parenthesis in selector definition. ", place_);
    return AddRules(rules, place->second.get());
  }

 private:
  // All unknown commands are told, and the first of other errors: it may have caused those behind
  // it, which may tell secrets.
  std::string AddRules(const std::vector<std::string>& rules, AclUser* user) {
    std::string errors;
    bool has_syntax_error = false;
    for (const std::string& word : rules) {
      std::string_view rule = Trim(word);
      AclError error = user->Add(rule, channels_);
      if (error == AclError::kUnknownCommand) {
        errors += fmt::format("{}: Error in applying operation '{}': {}. ", place_, UntilZero(rule),
                              TextOf(error));
      } else if (error != AclError::kNone && !has_syntax_error) {
        errors += fmt::format("{}: {}. ", place_, TextOf(error));
        has_syntax_error = true;
      }
    }
    return errors;
  }

  std::string place_;  // "users.acl:3"
  const CommandTable& commands_;
  ChannelDefault channels_;
};

}  // namespace

std::string ParseAclFile(std::string_view text, const std::string& path,
                         const CommandTable& commands, ChannelDefault channels, AclUsers* users) {
  std::string errors;
  for (size_t number = 1; !text.empty(); ++number) {
    size_t end = text.find('\n');
    std::string_view line = Trim(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty()) continue;
    LineParser parser(fmt::format("{}:{}", path, number), commands, channels);
    errors += parser.Parse(line, number, users);
  }
  return errors;
}

std::string AclLine(const AclUser& user) {
  return user.name() + " " + user.Describe();
}

std::string FormatAclFile(const AclUsers& users) {
  std::string text;
  for (const auto& [name, user] : users) text += "user " + AclLine(*user) + "\n";
  return text;
}

}  // namespace kiln
