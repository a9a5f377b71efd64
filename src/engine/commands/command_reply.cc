// COMMAND INFO: how a command is called, what it may do, and where its keys are.

#include "engine/commands/command_reply.h"

#include <string>

#include "engine/commands/acl_category.h"
#include "engine/commands/command_documents.h"
#include "engine/commands/key_access.h"
#include "engine/commands/key_specs.h"

namespace kiln {
namespace {

struct FlagName {
  uint32_t flag;
  std::string_view name;
};

// In the order in which Redis tells them; the others are not told.
constexpr FlagName kFlagNames[] = {
    {kWrite, "write"},
    {kReadOnly, "readonly"},
    {kGrows, "denyoom"},
    {kAdmin, "admin"},
    {kPubSub, "pubsub"},
    {kNoScript, "noscript"},
    {kBlocking, "blocking"},
    {kLoading, "loading"},
    {kStale, "stale"},
    {kSkipMonitor, "skip_monitor"},
    {kSkipSlowlog, "skip_slowlog"},
    {kAsking, "asking"},
    {kFast, "fast"},
    {kNoAuth, "no_auth"},
    {kNoMandatoryKeys, "no_mandatory_keys"},
    {kNoAsyncLoading, "no_async_loading"},
    {kNoMulti, "no_multi"},
    {kMovableKeys, "movablekeys"},
    {kAllowBusy, "allow_busy"},
};

void ReplyFlags(Reply& reply, const Command& command) {
  size_t at = reply.Later();
  size_t count = 0;
  for (const FlagName& row : kFlagNames) {
    if (!command.Is(row.flag)) continue;
    reply.Simple(row.name);
    ++count;
  }
  reply.EndSet(at, count);
}

void ReplyCategories(Reply& reply, const Command& command) {
  size_t at = reply.Later();
  size_t count = 0;
  for (const AclCategory& category : AclCategories()) {
    if (!IsInCategory(command, category)) continue;
    reply.Simple("@" + std::string(category.name));
    ++count;
  }
  reply.EndSet(at, count);
}

struct AccessName {
  uint8_t flag;
  std::string_view name;
};
constexpr AccessName kAccessNames[] = {
    {kKeyReadOnly, "RO"},   {kKeyReadWrite, "RW"},  {kKeyOverwrite, "OW"},  {kKeyRemove, "RM"},
    {kKeyAccess, "access"}, {kKeyUpdate, "update"}, {kKeyInsert, "insert"}, {kKeyDelete, "delete"},
};

void ReplyPart(Reply& reply, std::string_view part, std::string_view type,
               std::initializer_list<std::pair<std::string_view, int>> spec) {
  reply.Bulk(part);
  reply.Map(2);
  reply.Bulk("type");
  reply.Bulk(type);
  reply.Bulk("spec");
  reply.Map(spec.size());
  for (const auto& [name, value] : spec) {
    reply.Bulk(name);
    reply.Integer(value);
  }
}

// The words of a text with spaces between them. Tips are bulk strings, flags simple ones.
template <class F>
void ReplyWords(Reply& reply, std::string_view text, F&& reply_word) {
  size_t at = reply.Later();
  size_t count = 0;
  while (!text.empty()) {
    size_t end = std::min(text.find(' '), text.size());
    reply_word(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    ++count;
  }
  reply.EndSet(at, count);
}

void ReplySearch(Reply& reply, const KeySearch& search) {
  if (search.kind == KeySearch::Kind::kUnknown)
    return ReplyPart(reply, "begin_search", "unknown", {});
  if (search.kind == KeySearch::Kind::kIndex)
    return ReplyPart(reply, "begin_search", "index", {{"index", search.at}});
  reply.Bulk("begin_search");
  reply.Map(2);
  reply.Bulk("type");
  reply.Bulk("keyword");
  reply.Bulk("spec");
  reply.Map(2);
  reply.Bulk("keyword");
  reply.Bulk(search.keyword);
  reply.Bulk("startfrom");
  reply.Integer(search.at);
}

void ReplyRange(Reply& reply, const KeyRange& range) {
  if (range.kind == KeyRange::Kind::kUnknown) return ReplyPart(reply, "find_keys", "unknown", {});
  if (range.kind == KeyRange::Kind::kRange) {
    return ReplyPart(reply, "find_keys", "range",
                     {{"lastkey", range.first}, {"keystep", range.second}, {"limit", range.third}});
  }
  ReplyPart(reply, "find_keys", "keynum",
            {{"keynumidx", range.first}, {"firstkey", range.second}, {"keystep", range.third}});
}

// The one specification that follows from the row's positions.
void ReplyOneKeySpec(Reply& reply, const Command& command) {
  const Keys& keys = command.keys;
  int last = keys.last < 0 ? keys.last : keys.last - keys.first;
  reply.Map(3);
  reply.Bulk("flags");
  ReplyKeyAccess(reply, KeyAccessOf(command, 0, {}));
  ReplySearch(reply, {KeySearch::Kind::kIndex, keys.first, ""});
  ReplyRange(reply, {KeyRange::Kind::kRange, last, keys.step, 0});
}

void ReplyKeySpecs(Reply& reply, const Command& command) {
  auto specs = FindKeySpecs(command.name);
  if (specs.empty()) {
    reply.Set(command.keys.first != 0 ? 1 : 0);
    if (command.keys.first != 0) ReplyOneKeySpec(reply, command);
    return;
  }
  reply.Set(specs.size());
  for (const KeySpec& spec : specs) {
    reply.Map(spec.notes.empty() ? 3 : 4);
    if (!spec.notes.empty()) {
      reply.Bulk("notes");
      reply.Bulk(spec.notes);
    }
    reply.Bulk("flags");
    ReplyWords(reply, spec.flags, [&](std::string_view word) { reply.Simple(word); });
    ReplySearch(reply, spec.search);
    ReplyRange(reply, spec.range);
  }
}

// First, last and step. Channels of shards have positions as keys have, but are none.
void ReplyPositions(Reply& reply, const Command& command) {
  Keys keys = command.keys;
  auto specs = FindKeySpecs(command.name);
  if (!keys.any() && !specs.empty()) {
    int last = specs[0].range.first;
    keys = Keys::Range(specs[0].search.at, last < 0 ? last : specs[0].search.at + last,
                       specs[0].range.second);
  }
  reply.Integer(keys.first);
  reply.Integer(keys.last);
  reply.Integer(keys.step);
}

}  // namespace

std::string LowerName(const Command& command) {
  std::string name(command.name);
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return name;
}

void ReplyKeyAccess(Reply& reply, uint8_t access) {
  size_t at = reply.Later();
  size_t count = 0;
  for (const AccessName& row : kAccessNames) {
    if ((access & row.flag) == 0) continue;
    reply.Simple(row.name);
    ++count;
  }
  reply.EndSet(at, count);
}

void ReplyCommandInfo(Reply& reply, const CommandTable& commands, const Command& command) {
  reply.Array(10);
  reply.Bulk(LowerName(command));
  reply.Integer(command.arity);
  ReplyFlags(reply, command);
  ReplyPositions(reply, command);
  ReplyCategories(reply, command);
  ReplyWords(reply, TipsOf(command.name), [&](std::string_view word) { reply.Bulk(word); });
  ReplyKeySpecs(reply, command);
  if (!command.Is(kContainer)) return reply.Set(0);
  auto children = commands.Children(command);
  reply.Array(children.size());
  for (const Command* child : children) ReplyCommandInfo(reply, commands, *child);
}

}  // namespace kiln
