// The types that take several words.
#include <fmt/format.h>

#include <optional>

#include "base/number.h"
#include "params/byte_size.h"
#include "params/endpoint.h"
#include "params/value.h"

namespace kiln {
namespace {

constexpr size_t kMaxAddresses = 16;
constexpr size_t kWordsPerLimit = 4;  // class, hard, soft, seconds

// How CONFIG GET calls the classes of clients, by ClientClass.
constexpr std::string_view kClientClassNames[kClientClasses] = {"normal", "slave", "pubsub"};

std::optional<ClientClass> ParseClientClass(std::string_view word) {
  if (IsSameWord(word, "replica")) return kReplicaClient;
  for (int i = 0; i < kClientClasses; ++i) {
    if (IsSameWord(word, kClientClassNames[i])) return static_cast<ClientClass>(i);
  }
  return std::nullopt;
}

std::optional<OutputLimit> ParseOutputLimit(Words words) {
  std::optional<int64_t> hard = ParseByteSize(words[0]);
  std::optional<int64_t> soft = ParseByteSize(words[1]);
  std::optional<uint64_t> seconds = ParseUint64(words[2]);
  if (!hard || !soft || !seconds || *seconds > INT32_MAX) return std::nullopt;
  return OutputLimit{*hard, *soft, static_cast<int64_t>(*seconds)};
}

bool IsOneEmptyWord(Words words) {
  return words.size() == 1 && words[0].empty();
}

}  // namespace

ErrorText ReadAddresses(Words words, std::string* value) {
  if (words.size() > kMaxAddresses) return "Too many bind addresses specified.";
  *value = JoinWithSpaces(words);
  return {};
}

ErrorText ReadEndpoints(Words words, std::string* value) {
  if (IsOneEmptyWord(words)) words = {};
  if (words.size() > kMaxAddresses) return "Too many endpoints specified.";
  for (const std::string& word : words) {
    if (!ParseEndpoint(word)) return fmt::format("'{}' is no endpoint (address:port)", word);
  }
  *value = JoinWithSpaces(words);
  return {};
}

ErrorText ReadEnums(const Parameter& row, Words words, std::string* value) {
  uint32_t bits = 0;  // Bit 0, the first word, means none of the others.
  for (const std::string& word : words) {
    int index = IndexOfWord(row.allowed, word);
    if (index < 0) words = {};
    if (index > 0) bits |= 1u << index;
  }
  if (words.empty()) return "argument(s) must be one of the following: " + ListOfWords(row.allowed);
  if ((bits & kShutdownSave) && (bits & kShutdownNoSave)) {
    return "shutdown options SAVE and NOSAVE can't be used simultaneously";
  }
  std::string text;
  std::string_view rest = row.allowed;
  for (int index = 0; !rest.empty(); ++index) {
    std::string_view word = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), word.size() + 1));
    if (bits == 0 ? index == 0 : (bits >> index) & 1) {
      text.append(text.empty() ? "" : " ").append(word);
    }
  }
  *value = text;
  return {};
}

ErrorText ReadOomScores(Words words, std::string* value) {
  if (words.size() != 3) return "wrong number of arguments";
  for (const std::string& word : words) {
    std::optional<int64_t> score = ParseInt64(word);
    if (!score || *score < -2000 || *score > 2000) {
      return "Invalid oom-score-adj-values, elements must be between -2000 and 2000.";
    }
  }
  *value = JoinWithSpaces(words);
  return {};
}

ErrorText ReadOutputLimits(Words words, std::string* value) {
  if (words.size() % kWordsPerLimit != 0) {
    return "Wrong number of arguments in buffer limit configuration.";
  }
  std::array<OutputLimit, kClientClasses> limits = OutputLimitsOf(*value);
  for (; !words.empty(); words = words.subspan(kWordsPerLimit)) {
    std::optional<ClientClass> client_class = ParseClientClass(words[0]);
    if (!client_class) return "Invalid client class specified in buffer limit configuration.";
    std::optional<OutputLimit> limit = ParseOutputLimit(words.subspan(1));
    if (!limit) {
      return "Error in hard, soft or soft_seconds setting in buffer limit configuration.";
    }
    limits[*client_class] = *limit;
  }
  std::string text;
  for (int i = 0; i < kClientClasses; ++i) {
    text += fmt::format("{}{} {} {} {}", i == 0 ? "" : " ", kClientClassNames[i],
                        limits[i].hard_bytes, limits[i].soft_bytes, limits[i].soft_seconds);
  }
  *value = text;
  return {};
}

std::array<OutputLimit, kClientClasses> OutputLimitsOf(std::string_view value) {
  std::array<OutputLimit, kClientClasses> limits;
  std::vector<std::string> words = SplitAtSpaces(value);
  for (size_t i = 0; i < kClientClasses && (i + 1) * kWordsPerLimit <= words.size(); ++i) {
    limits[i] = *ParseOutputLimit(Words(words).subspan(i * kWordsPerLimit + 1));
  }
  return limits;
}

ErrorText ReadPercentiles(Words words, std::string* value) {
  if (IsOneEmptyWord(words)) words = {};
  std::string text;
  for (const std::string& word : words) {
    std::optional<double> percentile = ParseDouble(word);
    if (!percentile) return "Invalid latency-tracking-info-percentiles parameters";
    if (*percentile < 0 || *percentile > 100) {
      return "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]";
    }
    std::string decimals = fmt::format("{:f}", *percentile);
    decimals.erase(decimals.find_last_not_of('0') + 1);
    if (decimals.back() == '.') decimals.pop_back();
    text.append(text.empty() ? "" : " ").append(decimals);
  }
  *value = text;
  return {};
}

ErrorText ReadPrimary(Words words, std::string* value) {
  if (words.size() != 2) return "wrong number of arguments";
  if (IsSameWord(words[0], "no") && IsSameWord(words[1], "one")) {
    value->clear();
    return {};
  }
  std::optional<uint64_t> port = ParseUint64(words[1]);
  if (!port || *port > 65535) return "Invalid master port";
  *value = JoinWithSpaces(words);
  return {};
}

ErrorText ReadSavePoints(Words words, std::string* value) {
  if (IsOneEmptyWord(words)) {
    value->clear();
    return {};
  }
  if (words.size() % 2 != 0) return "Invalid save parameters";
  std::string text = *value;
  for (size_t i = 0; i < words.size(); ++i) {
    bool is_seconds = i % 2 == 0;
    std::optional<uint64_t> number = ParseUint64(words[i]);
    if (!number || *number > INT64_MAX || (is_seconds && *number == 0)) {
      return "Invalid save parameters";
    }
    text.append(text.empty() ? "" : " ").append(std::to_string(*number));
  }
  *value = text;
  return {};
}

}  // namespace kiln
