#include "control/model/names.h"

#include <algorithm>
#include <vector>

namespace kiln {
namespace {

bool IsLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

// UTF-8's continuation bytes do not count.
size_t CharacterCount(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::vector<std::string_view> SplitInto7(std::string_view text) {
  std::vector<std::string_view> parts;
  while (parts.size() < 6) {
    size_t colon = text.find(':');
    if (colon == std::string_view::npos) break;
    parts.push_back(text.substr(0, colon));
    text.remove_prefix(colon + 1);
  }
  parts.push_back(text);
  return parts;
}

}  // namespace

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

bool IsIdentifier(std::string_view text, size_t max_bytes) {
  if (text.empty() || text.size() > max_bytes || !IsLetter(text[0]) || text.back() == '-')
    return false;
  for (size_t i = 1; i < text.size(); ++i) {
    if (!IsLetter(text[i]) && !IsDigit(text[i]) && text[i] != '-') return false;
    if (text[i] == '-' && text[i - 1] == '-') return false;
  }
  return true;
}

std::string ParseArn(std::string_view text, Arn* arn) {
  std::vector<std::string_view> parts = SplitInto7(text);
  if (parts.size() != 7 || parts[0] != "arn" || parts[6].empty())
    return "Input ARN string does not have 7 components.";
  if (parts[1] != "aws") return "partition field is wrong. Expected value is aws";
  if (parts[2] != "elasticache") return "service field is wrong. Expected value is elasticache";
  *arn = Arn{std::string(parts[3]), std::string(parts[4]), std::string(parts[5]),
             std::string(parts[6])};
  return {};
}

std::string TagProblem(std::string_view key, std::string_view value) {
  if (key.empty() || CharacterCount(key) > 128) return "A tag's key must have 1 to 128 characters.";
  if (LowerCase(key.substr(0, 4)) == "aws:") return "A tag's key must not start with aws:.";
  if (CharacterCount(value) > 256) return "A tag's value must have at most 256 characters.";
  return {};
}

}  // namespace kiln
