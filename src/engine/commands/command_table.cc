#include "engine/commands/command_table.h"

#include <algorithm>

#include "base/check.h"
#include "engine/commands/key_access.h"

namespace kiln {

namespace {

// "SET" of CONFIG|SET.
std::string_view ChildName(const Command& container, const Command& child) {
  return child.name.substr(container.name.size() + 1);
}

// Where the first key is if the arguments have any; one that is found only by its own function has
// no fixed place. Behind a count it need not be a key at all: whoever uses this asks ahead only.
uint8_t FirstKeyPlace(const Keys& keys) {
  if (keys.first == 0 && keys.find == &FindCountedKeys<1>) return 2;
  if (keys.first == 0 && keys.find == &FindCountedKeys<2>) return 3;
  return static_cast<uint8_t>(keys.first);
}

}  // namespace

// Clearing bit 5 takes letters' case away, and nothing else from them.
CommandTable::CommandTable(std::span<const std::span<const Command>> groups, Case name_case)
    : fold_(name_case == Case::kAny ? 0xdfdfdfdfdfdfdfdf : ~uint64_t{0}) {
  for (auto group : groups) {
    for (const Command& command : group) all_.push_back(&command);
  }
  std::sort(all_.begin(), all_.end(),
            [](const Command* a, const Command* b) { return a->name < b->name; });
  for (size_t number = 0; number < all_.size(); ++number) {
    const Command* command = all_[number];
    KILN_CHECK(number == 0 || all_[number - 1]->name != command->name);
    const Keys& keys = command->keys;
    command->number = static_cast<uint32_t>(number);
    command->words = command->name.find('|') == std::string_view::npos ? 1 : 2;
    command->first_key = FirstKeyPlace(keys);
    command->is_restricted = false;
    command->access = FindKeyAccess(command->name);
    command->has_one_key =
        keys.find == nullptr && keys.first != 0 && keys.first == keys.last && !command->Is(kGate);
    bool is_list =
        keys.find == nullptr && keys.last == -1 && keys.step == 1 && !command->Is(kGate | kPubSub);
    command->one_key_arguments = static_cast<uint8_t>(is_list ? keys.first + 1 : 0);
    if (command->name.find('|') != std::string_view::npos) continue;
    std::string_view name = command->name;
    uint64_t word = Word(name) & fold_;
    size_t i = Home(word, name.size());
    while (slots_[i].command != nullptr) i = (i + 1) & (kSlots - 1);
    char first = name_case == Case::kAny ? 'A' : 'a';
    bool all_letters = std::all_of(name.begin(), name.end(),
                                   [&](char c) { return c >= first && c <= first + 25; });
    slots_[i] = {command, word, all_letters && name.size() <= 8 ? name.size() : ~size_t{0}};
  }
}

CommandTable::Renaming CommandTable::Rename(std::string_view name, std::string_view new_name) {
  const Command* command = FindName(name);
  if (command == nullptr) return Renaming::kUnknown;
  if (!new_name.empty() && FindName(new_name) != nullptr) return Renaming::kTaken;
  HideName(*command);
  if (new_name.empty()) return Renaming::kDone;
  std::string upper(new_name);
  for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  renamed_.push_back({std::move(upper), command});
  return Renaming::kDone;
}

void CommandTable::HideName(const Command& command) {
  // No name folds to this word; the slot stays, for the search goes on past it.
  constexpr uint64_t kNoWord = ~uint64_t{0};
  for (Slot& slot : slots_) {
    if (slot.command != &command) continue;
    slot.word = kNoWord;
    slot.letters = ~size_t{0};
  }
  std::erase_if(renamed_, [&](const NewName& row) { return row.command == &command; });
}

void CommandTable::Restrict(std::span<const std::string_view> names) {
  for (const Command* command : all_) {
    if (std::find(names.begin(), names.end(), command->name) == names.end()) continue;
    // They are found late, when no key has been hashed (see Worker::AddRequest).
    KILN_CHECK(!command->has_one_key && command->one_key_arguments == 0);
    command->is_restricted = true;
    if (command->words == 2) continue;
    auto renamed = std::find_if(renamed_.begin(), renamed_.end(),
                                [&](const NewName& row) { return row.command == command; });
    bool is_gone = renamed == renamed_.end() && FindName(command->name) != command;
    if (is_gone) continue;  // rename-command took it away from all
    restricted_.push_back(
        {renamed == renamed_.end() ? std::string(command->name) : renamed->upper, command});
    HideName(*command);
  }
}

const Command* CommandTable::FindFor(bool is_admin, Arguments arguments) const {
  const Command* command = Find(arguments);
  if (!is_admin) return command;
  if (command == nullptr) {
    for (const NewName& row : restricted_) {
      if (SameName(row.upper, arguments[0])) return row.command;
    }
    return nullptr;
  }
  if (!command->Is(kContainer) || arguments.size() < 2) return command;
  for (const Command* child : Children(*command)) {
    if (SameName(ChildName(*command, *child), arguments[1])) return child;
  }
  return command;
}

const Command* CommandTable::FindRenamed(std::string_view name) const {
  for (const NewName& row : renamed_) {
    if (SameName(row.upper, name)) return row.command;
  }
  return nullptr;
}

const Command* CommandCache::Remember(Arguments arguments, uint32_t word, Entry* entry) {
  const Command* command = table_.Find(arguments);
  bool is_by_name_alone = command != nullptr && command->words == 1 && !command->Is(kContainer);
  if (is_by_name_alone) *entry = {word, static_cast<uint32_t>(arguments[0].size()), command};
  return command;
}

const Command* CommandTable::FindChild(const Command& container, std::string_view name) const {
  for (const Command* child : Children(container)) {
    if (!child->is_restricted && SameName(ChildName(container, *child), name)) return child;
  }
  return nullptr;
}

std::vector<const Command*> CommandTable::Children(const Command& container) const {
  std::vector<const Command*> children;
  for (size_t i = size_t{container.number} + 1; i < all_.size(); ++i) {
    std::string_view name = all_[i]->name;
    if (!name.starts_with(container.name)) break;
    if (name.size() > container.name.size() && name[container.name.size()] == '|') {
      children.push_back(all_[i]);
    }
  }
  return children;
}

}  // namespace kiln
