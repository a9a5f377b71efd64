#include "engine/script/script.h"

#include "base/sha1.h"
#include "base/split_args.h"
#include "engine/script/declared_keys.h"

namespace kiln {
namespace {

struct FlagRow {
  std::string_view name;
  uint32_t flag;
};

constexpr FlagRow kFlags[] = {
    {"no-writes", kScriptNoWrites},
    {"allow-oom", kScriptAllowOom},
    {"allow-stale", kScriptAllowStale},
    {"no-cluster", kScriptNoCluster},
    {"allow-cross-slot-keys", kScriptAllowCrossSlot},
};

bool AddFlags(std::string_view list, uint32_t* flags, std::string* error) {
  while (!list.empty()) {
    std::string_view name = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), name.size() + 1));
    uint32_t found = FindScriptFlag(name);
    if (found == 0) {
      *error = "Unexpected flag in script shebang: " + std::string(name);
      return false;
    }
    *flags |= found;
  }
  return true;
}

bool ReadShebang(std::string_view line, uint32_t* flags, std::string* error) {
  constexpr std::string_view kFlagsOption = "flags=";
  auto words = SplitArgs(line);
  if (!words || words->empty()) {
    *error = "Invalid engine in script shebang";
    return false;
  }
  if ((*words)[0] != "#!lua") {
    *error = "Unexpected engine in script shebang: " + (*words)[0];
    return false;
  }
  for (size_t i = 1; i < words->size(); ++i) {
    std::string_view word = (*words)[i];
    if (!word.starts_with(kFlagsOption)) {
      *error = "Unknown lua shebang option: " + std::string(word);
      return false;
    }
    if (!AddFlags(word.substr(kFlagsOption.size()), flags, error)) return false;
  }
  return true;
}

}  // namespace

uint32_t FindScriptFlag(std::string_view name) {
  for (const FlagRow& row : kFlags) {
    if (row.name == name) return row.flag;
  }
  return 0;
}

std::vector<std::string_view> ScriptFlagNames(uint32_t flags) {
  std::vector<std::string_view> names;
  for (const FlagRow& row : kFlags) {
    if (flags & row.flag) names.push_back(row.name);
  }
  return names;
}

ShaText Sha1Of(std::string_view bytes) {
  return {HexOf(Sha1(bytes))};
}

std::optional<ShaText> ParseSha(std::string_view text) {
  ShaText sha;
  if (text.size() != sha.digits.size()) return std::nullopt;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    sha.digits[i] = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return sha;
}

std::optional<uint32_t> ReadScriptFlags(std::string_view body, std::string* error) {
  if (!body.starts_with("#!")) return kScriptNoShebang;
  size_t end = body.find('\n');
  if (end == std::string_view::npos) {
    *error = "Invalid script shebang";
    return std::nullopt;
  }
  uint32_t flags = 0;
  if (!ReadShebang(body.substr(0, end), &flags, error)) return std::nullopt;
  return flags;
}

std::shared_ptr<const Script> MakeScript(std::string_view body, const CommandTable& commands,
                                         std::string* error) {
  auto flags = ReadScriptFlags(body, error);
  if (!flags) return nullptr;
  auto script = std::make_shared<Script>();
  script->flags = *flags;
  if (!(*flags & kScriptNoShebang)) script->shebang_bytes = body.find('\n');
  script->body = body;
  script->sha = Sha1Of(body);
  script->keeps_to_keys = KeepsToDeclaredKeys(script->code(), commands);
  return script;
}

}  // namespace kiln
