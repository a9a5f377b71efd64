// CommandTable: finds a command's row by its name.
//
// Built once at the start from the groups that registry.cc lists; read by all threads after that.
#pragma once

#include <algorithm>
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
  // memcached's names are found as they are written only.
  enum class Case { kAny, kExact };

  // The groups' rows must outlive the table.
  explicit CommandTable(std::span<const std::span<const Command>> groups, Case name_case);

  // By name; null when unknown. For a container with a known subcommand in
  // arguments[1], that row.
  [[gnu::always_inline]] inline const Command* Find(Arguments arguments) const {
    const Command* command = FindName(arguments[0]);
    if (command != nullptr && command->Is(kContainer) && arguments.size() > 1) [[unlikely]] {
      const Command* child = FindChild(*command, arguments[1]);
      if (child != nullptr) return child;
    }
    return command;
  }
  [[gnu::always_inline]] inline const Command* FindName(std::string_view name) const {
    uint64_t word = Word(name) & fold_;
    for (size_t i = Home(word, name.size());; i = (i + 1) & (kSlots - 1)) {
      const Slot& slot = slots_[i];
      if (slot.word == word && slot.letters == name.size()) [[likely]]
        return slot.command;
      if (slot.command == nullptr) return FindRenamed(name);
      if (slot.word == word && SameName(slot.command->name, name)) return slot.command;
    }
  }
  // From now on the command is found by another name only, or by none when that is empty. Before
  // other threads read the table.
  enum class Renaming { kDone, kUnknown, kTaken };
  Renaming Rename(std::string_view name, std::string_view new_name);
  const Command* FindChild(const Command& container, std::string_view name) const;

  // From now on these rows, by their full names, are found by FindFor alone, and only for an
  // administrator; to everybody else they are unknown. Names without a row do not matter. After
  // Rename, before other threads read the table.
  void Restrict(std::span<const std::string_view> names);
  // As Find, for a client that came through the admin socket or another.
  const Command* FindFor(bool is_admin, Arguments arguments) const;

  // All rows, subcommands included, in order of their names; a row's place is its number.
  std::span<const Command* const> all() const { return all_; }
  std::vector<const Command*> Children(const Command& container) const;

 private:
  struct Slot {
    const Command* command = nullptr;
    uint64_t word = 0;
    // How many letters a name of letters only has, at most eight: then an equal word is an equal
    // name. No size otherwise.
    size_t letters = ~size_t{0};
  };

  struct NewName {
    std::string upper;
    const Command* command;
  };

  [[gnu::cold]] const Command* FindRenamed(std::string_view name) const;
  // Takes the command's name out of the slots.
  void HideName(const Command& command);

  // The first (or for a short name all) letters.
  static uint64_t Word(std::string_view name) {
    uint64_t word = 0;
    size_t size = name.size();
    if (size >= 4) {
      uint32_t low;
      uint32_t high;
      std::memcpy(&low, name.data(), 4);
      std::memcpy(&high, name.data() + std::min<size_t>(size, 8) - 4, 4);
      word = low | uint64_t{high} << 32;
    } else if (size >= 2) {
      uint16_t low;
      std::memcpy(&low, name.data(), 2);
      word = low | uint64_t{static_cast<uint8_t>(name[size - 1])} << 16;
    }
    return word;
  }
  static size_t Home(uint64_t word, size_t size) {
    return (word + size) * 0x9e3779b97f4a7c15 >> (64 - kSlotBits);
  }
  static bool SameName(std::string_view upper, std::string_view name) {
    if (upper.size() != name.size()) return false;
    for (size_t i = 0; i < upper.size(); ++i) {
      char c = name[i];
      if (c != upper[i] && (c < 'a' || c > 'z' || (c & 0x5f) != upper[i])) return false;
    }
    return true;
  }

  static constexpr unsigned kSlotBits = 11;
  static constexpr size_t kSlots = size_t{1} << kSlotBits;

  uint64_t fold_;
  Slot slots_[kSlots];
  std::vector<const Command*> all_;
  std::vector<NewName> renamed_;
  std::vector<NewName> restricted_;  // commands that are not subcommands
};

// Remembers the commands of short names as they were written: what a worker is asked for is mostly
// what it was asked for before. Thread safety: none; each worker has one for each table.
class CommandCache {
 public:
  explicit CommandCache(const CommandTable& table) : table_(table) {}

  // As CommandTable::Find. The byte behind the name must be readable, as it is in every request.
  [[gnu::always_inline]] inline const Command* Find(Arguments arguments) {
    std::string_view name = arguments[0];
    uint32_t word;  // of a name of three letters, with what is behind it
    if (name.size() == 3 || name.size() == 4) [[likely]] {
      std::memcpy(&word, name.data(), sizeof(word));
    } else if (name.size() == 2) {
      uint16_t letters;
      std::memcpy(&letters, name.data(), sizeof(letters));
      word = letters;
    } else {
      return table_.Find(arguments);
    }
    Entry& entry = entries_[word * 0x9e3779b1u >> (32 - kEntryBits)];
    if (entry.word != word || entry.size != name.size()) [[unlikely]]
      return Remember(arguments, word, &entry);
    return entry.command;
  }

 private:
  static constexpr unsigned kEntryBits = 8;
  struct Entry {
    uint32_t word = 0;
    uint32_t size = 0;
    const Command* command = nullptr;
  };

  const Command* Remember(Arguments arguments, uint32_t word, Entry* entry);

  const CommandTable& table_;
  Entry entries_[size_t{1} << kEntryBits];
};

}  // namespace kiln
