// The types that take one word, and which type is read by whom.
#include "params/value.h"

#include <fmt/format.h>
#include <strings.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "base/number.h"
#include "params/byte_size.h"
#include "params/event_classes.h"

namespace kiln {
namespace {

constexpr const char* kNotAnInteger = "argument couldn't be parsed into an integer";

int64_t Bound(std::string_view text) {
  if (text == "int") return INT_MAX;
  if (text == "uint") return UINT_MAX;
  if (text == "long") return INT64_MAX;
  return ParseInt64(text).value_or(0);
}

int64_t Lowest(std::string_view allowed) {
  return Bound(allowed.substr(0, allowed.find("..")));
}
int64_t Highest(std::string_view allowed) {
  return Bound(allowed.substr(allowed.find("..") + 2));
}

ErrorText CheckRange(std::string_view allowed, int64_t number) {
  if (number >= Lowest(allowed) && number <= Highest(allowed)) return {};
  return fmt::format("argument must be between {} and {} inclusive", Lowest(allowed),
                     Highest(allowed));
}

ErrorText ReadBool(const std::string& word, std::string* value) {
  if (!IsSameWord(word, "yes") && !IsSameWord(word, "no")) return "argument must be 'yes' or 'no'";
  *value = IsSameWord(word, "yes") ? "yes" : "no";
  return {};
}

ErrorText ReadNumber(const Parameter& row, std::optional<int64_t> number, std::string_view refusal,
                     std::string* value) {
  if (!number) return std::string(refusal);
  if (ErrorText error = CheckRange(row.allowed, *number); !error.empty()) return error;
  *value = std::to_string(*number);
  return {};
}

ErrorText ReadClampedInt(const Parameter& row, const std::string& word, std::string* value) {
  std::optional<int64_t> number = ParseInt64(word);
  if (!number) return kNotAnInteger;
  *value = std::to_string(std::clamp(*number, Lowest(row.allowed), Highest(row.allowed)));
  return {};
}

ErrorText ReadBytesOrPercent(const Parameter& row, const std::string& word, std::string* value) {
  if (word.size() > 1 && word.back() == '%') {
    std::optional<int64_t> percent = ParseInt64(std::string_view(word).substr(0, word.size() - 1));
    if (percent && *percent >= 0) {
      if (*percent > 100) return "percentage argument must be less or equal to 100";
      *value = *percent == 0 ? "0" : word;
      return {};
    }
  }
  return ReadNumber(row, ParseByteSize(word), "argument must be a memory or percent value", value);
}

ErrorText ReadOctal(const Parameter& row, const std::string& word, std::string* value) {
  // The row's range is in octal too, so the digits compare as decimal numbers.
  std::optional<uint64_t> digits = ParseUint64(word);
  if (!digits || *digits > INT64_MAX || word.find_first_of("89") != std::string::npos) {
    return "argument couldn't be parsed as an octal number";
  }
  return ReadNumber(row, static_cast<int64_t>(*digits), "", value);
}

ErrorText ReadEnum(const Parameter& row, const std::string& word, std::string* value) {
  int index = IndexOfWord(row.allowed, word);
  if (index < 0) {
    return "argument(s) must be one of the following: " + ListOfWords(row.allowed);
  }
  value->assign(word);
  for (char& c : *value) c = static_cast<char>(tolower(static_cast<unsigned char>(c)));
  return {};
}

ErrorText ReadFileName(const Parameter& row, const std::string& word, std::string* value) {
  std::string_view kind = row.allowed.substr(0, row.allowed.find(','));
  if (word.empty() && kind != row.allowed) return fmt::format("{} can't be empty", row.name);
  if (word.find_first_of("/\\") != std::string::npos) {
    return fmt::format("{} can't be a path, just a {}", row.name, kind);
  }
  *value = word;
  return {};
}

ErrorText ReadDirectory(const std::string& word, std::string* value) {
  char absolute[PATH_MAX];
  if (realpath(word.c_str(), absolute) == nullptr) return std::strerror(errno);
  if (access((std::string(absolute) + "/.").c_str(), X_OK) != 0) return std::strerror(errno);
  *value = absolute;
  return {};
}

ErrorText ReadEventClasses(const std::string& word, std::string* value) {
  std::optional<uint32_t> classes = ParseEventClasses(word);
  if (!classes) return "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.";
  *value = FormatEventClasses(*classes);
  return {};
}

ErrorText ReadWord(const Parameter& row, const std::string& word, std::string* value) {
  switch (row.type) {
    case ParameterType::kBool:
      return ReadBool(word, value);
    case ParameterType::kInt:
      return ReadNumber(row, ParseInt64(word), kNotAnInteger, value);
    case ParameterType::kClampedInt:
      return ReadClampedInt(row, word, value);
    case ParameterType::kBytes:
      return ReadNumber(row, ParseByteSize(word), "argument must be a memory value", value);
    case ParameterType::kBytesOrPercent:
      return ReadBytesOrPercent(row, word, value);
    case ParameterType::kOctal:
      return ReadOctal(row, word, value);
    case ParameterType::kEnum:
      return ReadEnum(row, word, value);
    case ParameterType::kFileName:
      return ReadFileName(row, word, value);
    case ParameterType::kDirectory:
      return ReadDirectory(word, value);
    case ParameterType::kEventClasses:
      return ReadEventClasses(word, value);
    default:
      *value = word;
      return {};
  }
}

}  // namespace

ErrorText ReadValue(const Parameter& row, Words words, std::string* value) {
  switch (row.type) {
    case ParameterType::kEnums:
      return ReadEnums(row, words, value);
    case ParameterType::kAddresses:
      return ReadAddresses(words, value);
    case ParameterType::kEndpoints:
      return ReadEndpoints(words, value);
    case ParameterType::kSavePoints:
      return ReadSavePoints(words, value);
    case ParameterType::kOutputLimits:
      return ReadOutputLimits(words, value);
    case ParameterType::kPercentiles:
      return ReadPercentiles(words, value);
    case ParameterType::kOomScores:
      return ReadOomScores(words, value);
    case ParameterType::kPrimary:
      return ReadPrimary(words, value);
    default:
      if (words.size() != 1) return "wrong number of arguments";
      return ReadWord(row, words[0], value);
  }
}

std::string ListOfWords(std::string_view words) {
  std::string list;
  for (char c : words) {
    list += c;
    if (c == ',') list += ' ';
  }
  return list;
}

int IndexOfWord(std::string_view words, std::string_view word) {
  for (int index = 0;; ++index) {
    size_t comma = words.find(',');
    if (IsSameWord(words.substr(0, comma), word)) return index;
    if (comma == std::string_view::npos) return -1;
    words.remove_prefix(comma + 1);
  }
}

std::vector<std::string> SplitAtSpaces(std::string_view text) {
  std::vector<std::string> words;
  if (text.empty()) return words;
  for (;;) {
    size_t space = text.find(' ');
    words.emplace_back(text.substr(0, space));
    if (space == std::string_view::npos) return words;
    text.remove_prefix(space + 1);
  }
}

std::string JoinWithSpaces(Words words) {
  return fmt::format("{}", fmt::join(words.begin(), words.end(), " "));
}

bool IsSameWord(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace kiln
