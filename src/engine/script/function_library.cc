#include "engine/script/function_library.h"

#include <algorithm>

#include "base/split_args.h"

namespace kiln {
namespace {

char Lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = Lower(c);
  return lower;
}

std::string ReadName(const std::vector<std::string>& words, std::string* name) {
  constexpr std::string_view kNameOption = "name=";
  for (size_t i = 1; i < words.size(); ++i) {
    if (!LowerCase(words[i]).starts_with(kNameOption))
      return "Invalid metadata value given: " + words[i];
    if (!name->empty()) return "Invalid metadata value, name argument was given multiple times";
    *name = words[i].substr(kNameOption.size());
  }
  return name->empty() ? "Library name was not given" : "";
}

}  // namespace

bool NameLess::operator()(std::string_view left, std::string_view right) const {
  return std::lexicographical_compare(left.begin(), left.end(), right.begin(), right.end(),
                                      [](char a, char b) { return Lower(a) < Lower(b); });
}

bool IsFunctionName(std::string_view name) {
  auto is_allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !name.empty() && std::all_of(name.begin(), name.end(), is_allowed);
}

std::string ReadLibrary(std::string_view code, FunctionLibrary* library) {
  constexpr std::string_view kNoName =
      "Library names can only contain letters, numbers, or underscores(_) and must be at least one "
      "character long";
  if (!code.starts_with("#!")) return "Missing library metadata";
  size_t end = code.find('\n');
  auto words = SplitArgs(code.substr(0, end));
  if (end == std::string_view::npos || !words || words->empty()) return "Invalid library metadata";
  if (std::string error = ReadName(*words, &library->name); !error.empty()) return error;
  if (!IsFunctionName(library->name)) return std::string(kNoName);
  std::string engine = (*words)[0].substr(2);
  if (LowerCase(engine) != "lua") return "Engine '" + engine + "' not found";
  library->code = code;
  library->head_bytes = end;
  return {};
}

}  // namespace kiln
