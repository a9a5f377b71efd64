// XINFO: what a stream, its groups and their consumers look like.

#include <algorithm>
#include <string>

#include "engine/commands/call.h"
#include "engine/commands/command_errors.h"
#include "engine/commands/groups.h"
#include "engine/commands/help.h"
#include "engine/commands/stream_access.h"

namespace kiln {
namespace {

// Replies made of names and values.
class Fields {
 public:
  explicit Fields(Reply& reply) : reply_(reply) {}

  void Integer(std::string_view name, int64_t value) {
    reply_.Bulk(name);
    reply_.Integer(value);
  }
  void Count(std::string_view name, uint64_t value) { Integer(name, static_cast<int64_t>(value)); }
  void IntegerOrNull(std::string_view name, std::optional<int64_t> value) {
    if (value) return Integer(name, *value);
    reply_.Bulk(name);
    reply_.Null();
  }
  void Text(std::string_view name, std::string_view value) {
    reply_.Bulk(name);
    reply_.Bulk(value);
  }
  void Id(std::string_view name, const StreamId& id) {
    reply_.Bulk(name);
    ReplyStreamId(reply_, id);
  }

 private:
  Reply& reply_;
};

std::optional<int64_t> EntriesReadOf(const StreamGroup& group) {
  if (group.entries_read == StreamGroup::kUnknown) return std::nullopt;
  return group.entries_read;
}

// The stream that XINFO asks for, or null when an error is replied.
const Stream* FindStream(Call& call, const Key& key) {
  StoreResult<Stream*> stream = call.db.Find<Stream>(key);
  if (!stream) return call.Fail(stream.error()), nullptr;
  if (*stream == nullptr) call.Fail(Error::kNoSuchKey);
  return *stream;
}

// ---- XINFO STREAM ----

void ReplyCommon(Reply& reply, const Stream& stream) {
  Fields fields(reply);
  fields.Count("length", stream.size());
  // Redis's index has a root and a leaf for each key, and more where keys have little in common.
  fields.Count("radix-tree-keys", stream.node_count());
  fields.Count("radix-tree-nodes", stream.node_count() + 1);
  fields.Id("last-generated-id", stream.last_id());
  fields.Id("max-deleted-entry-id", stream.max_deleted_id());
  fields.Count("entries-added", stream.entries_added());
  fields.Id("recorded-first-entry-id", stream.first_id());
}

void ReplyEdge(Reply& reply, const Stream& stream, Stream::Cursor::Direction direction) {
  Stream::Cursor cursor(stream, kMinStreamId, kMaxStreamId, direction);
  if (!cursor.Next()) return reply.Null();
  ReplyStreamEntry(reply, cursor);
}

void ReplyGroupPending(Reply& reply, const StreamGroup& group, size_t count) {
  size_t left = count == 0 ? group.pending().size() : std::min(count, group.pending().size());
  reply.Bulk("pending");
  reply.Array(left);
  for (auto at = group.pending().begin(); left > 0; ++at, --left) {
    reply.Array(4);
    ReplyStreamId(reply, at->first);
    reply.Bulk(at->second.consumer->name);
    reply.Integer(at->second.delivered_ms);
    reply.Integer(at->second.deliveries);
  }
}

void ReplyFullConsumer(Reply& reply, const StreamConsumer& consumer, size_t count) {
  Fields fields(reply);
  reply.Map(5);
  fields.Text("name", consumer.name);
  fields.Integer("seen-time", consumer.seen_ms);
  fields.Integer("active-time", consumer.active_ms);
  fields.Count("pel-count", consumer.pending.size());
  size_t left = count == 0 ? consumer.pending.size() : std::min(count, consumer.pending.size());
  reply.Bulk("pending");
  reply.Array(left);
  for (auto at = consumer.pending.begin(); left > 0; ++at, --left) {
    reply.Array(3);
    ReplyStreamId(reply, at->first);
    reply.Integer(at->second->delivered_ms);
    reply.Integer(at->second->deliveries);
  }
}

void ReplyFullGroup(Reply& reply, const Stream& stream, const Stream::Groups::value_type& item,
                    size_t count) {
  const StreamGroup& group = item.second;
  Fields fields(reply);
  reply.Map(7);
  fields.Text("name", item.first);
  fields.Id("last-delivered-id", group.last_id);
  fields.IntegerOrNull("entries-read", EntriesReadOf(group));
  fields.IntegerOrNull("lag", stream.LagOf(group));
  fields.Count("pel-count", group.pending().size());
  ReplyGroupPending(reply, group, count);
  reply.Bulk("consumers");
  reply.Array(group.consumers().size());
  for (const auto& [name, consumer] : group.consumers()) ReplyFullConsumer(reply, consumer, count);
}

void ReplyShort(Reply& reply, const Stream& stream) {
  reply.Map(10);
  ReplyCommon(reply, stream);
  Fields(reply).Count("groups", stream.groups().size());
  reply.Bulk("first-entry");
  ReplyEdge(reply, stream, Stream::Cursor::Direction::kForward);
  reply.Bulk("last-entry");
  ReplyEdge(reply, stream, Stream::Cursor::Direction::kBackward);
}

void ReplyFull(Reply& reply, const Stream& stream, size_t count) {
  reply.Map(9);
  ReplyCommon(reply, stream);
  reply.Bulk("entries");
  ReplyStreamEntries(reply, Stream::Cursor(stream, kMinStreamId, kMaxStreamId), count);
  reply.Bulk("groups");
  reply.Array(stream.groups().size());
  for (const auto& group : stream.groups()) ReplyFullGroup(reply, stream, group, count);
}

// XINFO STREAM key [FULL [COUNT count]]
void XInfoStream(Call& call) {
  ArgumentCursor& args = call.args;
  const Stream* stream = FindStream(call, args.NextKey());
  if (stream == nullptr) return;
  if (!args.More()) return ReplyShort(call.reply, *stream);
  constexpr int64_t kDefaultCount = 10;
  int64_t count = kDefaultCount;
  size_t options = args.Left();
  if ((options != 1 && options != 3) || !args.Take("FULL") ||
      (options == 3 && !args.Take("COUNT"))) {
    return call.FailText(SubcommandErrorText(args.all()[1], "XINFO"));
  }
  if (args.More()) count = args.Integer();
  if (!args.ok()) return call.Fail(args.error());
  ReplyFull(call.reply, *stream, static_cast<size_t>(count < 0 ? kDefaultCount : count));
}

// ---- XINFO GROUPS and CONSUMERS ----

// XINFO GROUPS key
void XInfoGroups(Call& call) {
  const Stream* stream = FindStream(call, call.args.NextKey());
  if (stream == nullptr) return;
  Fields fields(call.reply);
  call.reply.Array(stream->groups().size());
  for (const auto& [name, group] : stream->groups()) {
    call.reply.Map(6);
    fields.Text("name", name);
    fields.Count("consumers", group.consumers().size());
    fields.Count("pending", group.pending().size());
    fields.Id("last-delivered-id", group.last_id);
    fields.IntegerOrNull("entries-read", EntriesReadOf(group));
    fields.IntegerOrNull("lag", stream->LagOf(group));
  }
}

// XINFO CONSUMERS key group
void XInfoConsumers(Call& call) {
  Key key = call.args.NextKey();
  std::string_view group_name = call.args.Text();
  const Stream* stream = FindStream(call, key);
  if (stream == nullptr) return;
  auto group = stream->groups().find(group_name);
  if (group == stream->groups().end()) {
    return call.FailText("NOGROUP No such consumer group '" + UntilZero(group_name) +
                         "' for key name '" + UntilZero(key.text) + "'");
  }
  Fields fields(call.reply);
  int64_t now_ms = NowMsOf(call);
  call.reply.Array(group->second.consumers().size());
  for (const auto& [name, consumer] : group->second.consumers()) {
    bool was_active = consumer.active_ms != StreamConsumer::kNever;
    call.reply.Map(4);
    fields.Text("name", name);
    fields.Count("pending", consumer.pending.size());
    fields.Integer("idle", std::max<int64_t>(now_ms - consumer.seen_ms, 0));
    fields.Integer("inactive", was_active ? now_ms - consumer.active_ms : StreamConsumer::kNever);
  }
}

// XINFO HELP
void XInfoHelp(Call& call) {
  constexpr std::string_view kLines[] = {
      "CONSUMERS <key> <groupname>",
      "    Shows the consumers of a group.",
      "GROUPS <key>",
      "    Shows a stream's groups.",
      "STREAM <key> [FULL [COUNT <count>]",
      "    Shows what a stream has, or all of it.",
  };
  ReplyHelp(call, kLines);
}

// clang-format off
constexpr Command kStreamInfoCommands[] = {
  // name              arity  keys                  flags              acl           handler         since    usage                                    summary
  {"XINFO",            -2,    Keys::None(),         kContainer,        Acl::kNone,   nullptr,        "5.0.0", "",                                      "A container for commands that look into streams."},
  {"XINFO|CONSUMERS",  4,     Keys::Range(2, 2, 1), kReadOnly,         Acl::kStream, XInfoConsumers, "5.0.0", "key group",                             "Returns the consumers of a group."},
  {"XINFO|GROUPS",     3,     Keys::Range(2, 2, 1), kReadOnly,         Acl::kStream, XInfoGroups,    "5.0.0", "key",                                   "Returns the consumer groups of a stream."},
  {"XINFO|HELP",       2,     Keys::None(),         kLoading | kStale, Acl::kStream, XInfoHelp,      "5.0.0", "",                                      "Lists the subcommands."},
  {"XINFO|STREAM",     -3,    Keys::Range(2, 2, 1), kReadOnly,         Acl::kStream, XInfoStream,    "5.0.0", "key [full-block=(FULL [COUNT count])]", "Returns what a stream has."},
};
// clang-format on
static_assert(WellFormed(kStreamInfoCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> StreamInfoCommands() {
  return kStreamInfoCommands;
}

}  // namespace kiln
