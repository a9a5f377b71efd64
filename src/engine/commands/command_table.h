// CommandTable: finds a command's row by its name.
//
// Built once at the start from the groups that registry.cc lists; read by all threads after that.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/commands/command.h"

namespace kiln {

class CommandTable {
 public:
  // The groups' rows must outlive the table.
  explicit CommandTable(std::span<const std::span<const Command>> groups);

  // By name in any case; null when unknown. For a container with a known subcommand in arguments[1], that row.
  const Command* Find(Arguments arguments) const {
    const Command* command = FindName(arguments[0]);
    if (command != nullptr && command->Is(kContainer) && arguments.size() > 1) [[unlikely]] {
      const Command* child = FindChild(*command, arguments[1]);
      if (child != nullptr) return child;
    }
    return command;
  }
  const Command* FindName(std::string_view name) const {
    for (size_t i = Home(name);; i = (i + 1) & mask_) {
      const Command* command = slots_[i];
      if (command == nullptr) return nullptr;
      if (SameName(command->name, name)) return command;
    }
  }
  const Command* FindChild(const Command& container, std::string_view name) const;

  // All rows, subcommands included, in order of their names; a row's place is its number.
  std::span<const Command* const> all() const { return all_; }
  std::vector<const Command*> Children(const Command& container) const;

 private:
  // The first eight letters, case folded, times a constant: names differ early.
  size_t Home(std::string_view name) const {
    uint64_t word = 0;
    if (name.size() >= 8) {
      std::memcpy(&word, name.data(), 8);
    } else if (name.size() >= 4) {
      uint32_t low;
      uint32_t high;
      std::memcpy(&low, name.data(), 4);
      std::memcpy(&high, name.data() + name.size() - 4, 4);
      word = low | uint64_t{high} << 32;
    } else {
      for (char c : name) word = word << 8 | static_cast<uint8_t>(c);
    }
    word &= 0xdfdfdfdfdfdfdfdf;
    return ((word + name.size()) * 0x9e3779b97f4a7c15 >> 40) & mask_;
  }
  static bool SameName(std::string_view upper, std::string_view name) {
    if (upper.size() != name.size()) return false;
    for (size_t i = 0; i < upper.size(); ++i) {
      char c = name[i];
      if (c != upper[i] && (c < 'a' || c > 'z' || (c & 0x5f) != upper[i])) return false;
    }
    return true;
  }

  std::vector<const Command*> slots_;
  size_t mask_ = 0;
  std::vector<const Command*> all_;
};

}  // namespace kiln
