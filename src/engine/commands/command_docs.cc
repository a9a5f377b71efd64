// COMMAND DOCS: a command's documentation, from its row, its notation and command_documents.h.

#include <algorithm>
#include <string>
#include <vector>

#include "base/number.h"
#include "engine/commands/command_documents.h"
#include "engine/commands/command_reply.h"
#include "engine/commands/command_syntax.h"

namespace kiln {
namespace {

// The word that COMMAND DOCS groups a command under, by its category.
struct GroupName {
  Acl category;
  std::string_view name;
};
constexpr GroupName kGroupNames[] = {
    {Acl::kBitmap, "bitmap"},
    {Acl::kHyperLogLog, "hyperloglog"},
    {Acl::kGeo, "geo"},
    {Acl::kStream, "stream"},
    {Acl::kString, "string"},
    {Acl::kList, "list"},
    {Acl::kHash, "hash"},
    {Acl::kSet, "set"},
    {Acl::kSortedSet, "sorted-set"},
    {Acl::kScripting, "scripting"},
    {Acl::kTransaction, "transactions"},
    {Acl::kConnection, "connection"},
    {Acl::kKeyspace, "generic"},
};

// Where the category says something else, by the first word of the name.
struct NameAndGroup {
  std::string_view name;
  std::string_view group;
};
constexpr NameAndGroup kNamesWithGroups[] = {
    {"ASKING", "cluster"},        {"CLIENT", "connection"},  {"CLUSTER", "cluster"},
    {"COMMAND", "server"},        {"DBSIZE", "server"},      {"FLUSHALL", "server"},
    {"FLUSHDB", "server"},        {"FUNCTION", "scripting"}, {"PUBSUB", "pubsub"},
    {"OBJECT", "generic"},        {"READONLY", "cluster"},   {"READWRITE", "cluster"},
    {"RESTORE-ASKING", "server"}, {"SCRIPT", "scripting"},   {"SORT", "generic"},
    {"SORT_RO", "generic"},       {"SWAPDB", "server"},      {"WAIT", "generic"},
    {"WAITAOF", "generic"},       {"XGROUP", "stream"},      {"XINFO", "stream"},
};

std::string_view GroupOf(const Command& command) {
  std::string_view word = command.name.substr(0, command.name.find('|'));
  for (const NameAndGroup& row : kNamesWithGroups) {
    if (row.name == word) return row.group;
  }
  if (command.Is(kPubSub)) return "pubsub";
  for (const GroupName& row : kGroupNames) {
    if (Has(command.acl, row.category)) return row.name;
  }
  return "server";
}

void ReplyField(Reply& reply, std::string_view name, std::string_view value) {
  reply.Bulk(name);
  reply.Bulk(value);
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return lower;
}

void ReplyArgumentFlags(Reply& reply, const SyntaxItem& item) {
  if (!item.optional && !item.multiple) return;
  reply.Bulk("flags");
  reply.Set(item.optional + item.multiple + item.repeats_token);
  if (item.optional) reply.Simple("optional");
  if (item.multiple) reply.Simple("multiple");
  if (item.repeats_token) reply.Simple("multiple_token");
}

void ReplyArguments(Reply& reply, const std::vector<SyntaxItem>& items);

void ReplyArgument(Reply& reply, const SyntaxItem& item) {
  bool is_group = item.type == SyntaxType::kOneOf || item.type == SyntaxType::kBlock;
  bool has_flags = item.optional || item.multiple;
  reply.Map(3 + (item.key_spec >= 0) + !item.token.empty() + !item.since.empty() +
            !item.deprecated_since.empty() + has_flags);
  std::string name = item.name.empty() ? Lower(item.token) : std::string(item.name);
  ReplyField(reply, "name", name);
  ReplyField(reply, "type", NameOf(item.type));
  if (!is_group) ReplyField(reply, "display_text", item.display.empty() ? name : item.display);
  if (item.key_spec >= 0) {
    reply.Bulk("key_spec_index");
    reply.Integer(item.key_spec);
  }
  if (!item.token.empty()) ReplyField(reply, "token", item.token);
  if (!item.since.empty()) ReplyField(reply, "since", item.since);
  if (!item.deprecated_since.empty()) ReplyField(reply, "deprecated_since", item.deprecated_since);
  ReplyArgumentFlags(reply, item);
  if (!is_group) return;
  reply.Bulk("arguments");
  ReplyArguments(reply, item.children);
}

void ReplyArguments(Reply& reply, const std::vector<SyntaxItem>& items) {
  reply.Array(items.size());
  for (const SyntaxItem& item : items) ReplyArgument(reply, item);
}

// What came with a version.
struct Change {
  std::string_view since;
  std::string text;
};

bool IsEarlier(std::string_view a, std::string_view b) {
  while (!a.empty() && !b.empty()) {
    auto first = ParseInt64(a.substr(0, a.find('.')));
    auto second = ParseInt64(b.substr(0, b.find('.')));
    if (first != second) return first < second;
    a.remove_prefix(std::min(a.size(), a.find('.') == a.npos ? a.size() : a.find('.') + 1));
    b.remove_prefix(std::min(b.size(), b.find('.') == b.npos ? b.size() : b.find('.') + 1));
  }
  return false;
}

void AddOption(std::vector<Change>* changes, std::string_view since, std::string_view what) {
  auto change = std::find_if(changes->begin(), changes->end(),
                             [&](const Change& row) { return row.since == since; });
  if (change == changes->end()) change = changes->insert(change, {since, "Added"});
  *change = {since,
             change->text + (change->text == "Added" ? " `" : ", `") + std::string(what) + "`"};
}

// An item is called by its token, or its items by theirs.
void AddOptions(std::vector<Change>* changes, const SyntaxItem& item, std::string_view since) {
  if (!item.since.empty()) since = item.since;
  bool is_group = item.type == SyntaxType::kOneOf || item.type == SyntaxType::kBlock;
  if (!since.empty() && (!is_group || !item.token.empty())) {
    AddOption(changes, since, item.token.empty() ? item.name : item.token);
    since = "";
  }
  for (const SyntaxItem& child : item.children) AddOptions(changes, child, since);
}

std::vector<Change> History(const Command& command, const std::vector<SyntaxItem>& items) {
  std::vector<Change> changes;
  for (const SyntaxItem& item : items) AddOptions(&changes, item, "");
  for (Change& change : changes) change.text += ".";
  for (const CommandChange& row : ChangesOf(command.name)) {
    changes.push_back({row.since, std::string(row.change)});
  }
  std::stable_sort(changes.begin(), changes.end(),
                   [](const Change& a, const Change& b) { return IsEarlier(a.since, b.since); });
  return changes;
}

void ReplyHistory(Reply& reply, const std::vector<Change>& changes) {
  reply.Bulk("history");
  reply.Set(changes.size());
  for (const Change& change : changes) {
    reply.Array(2);
    reply.Bulk(change.since);
    reply.Bulk(change.text);
  }
}

// How many of doc_flags, deprecated_since and replaced_by there are.
size_t ReplyState(Reply& reply, const Command& command) {
  const CommandReplacement* replacement = ReplacementOf(command.name);
  bool is_system = IsSystemCommand(command.name);
  if (replacement == nullptr && !is_system) return 0;
  reply.Bulk("doc_flags");
  reply.Set(1);
  reply.Simple(is_system ? "syscmd" : "deprecated");
  if (replacement == nullptr) return 1;
  ReplyField(reply, "deprecated_since", replacement->deprecated_since);
  ReplyField(reply, "replaced_by", replacement->replaced_by);
  return 3;
}

}  // namespace

void ReplyCommandDocs(Reply& reply, const CommandTable& commands, const Command& command) {
  std::vector<SyntaxItem> items;
  ParseSyntax(command.usage, &items);
  reply.Bulk(LowerName(command));
  size_t at = reply.Later();
  size_t count = 3;
  ReplyField(reply, "summary", command.summary);
  ReplyField(reply, "since", command.since);
  ReplyField(reply, "group", GroupOf(command));
  std::string_view complexity = ComplexityOf(command.name, command.Is(kContainer));
  if (!complexity.empty()) {
    ReplyField(reply, "complexity", complexity);
    ++count;
  }
  count += ReplyState(reply, command);
  std::vector<Change> history = History(command, items);
  if (!history.empty()) {
    ReplyHistory(reply, history);
    ++count;
  }
  if (!items.empty()) {
    reply.Bulk("arguments");
    ReplyArguments(reply, items);
    ++count;
  }
  if (command.Is(kContainer)) {
    auto children = commands.Children(command);
    reply.Bulk("subcommands");
    reply.Map(children.size());
    for (const Command* child : children) ReplyCommandDocs(reply, commands, *child);
    ++count;
  }
  reply.EndMap(at, count);
}

}  // namespace kiln
