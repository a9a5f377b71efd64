#include "engine/commands/stream_access.h"

#include "engine/commands/command_errors.h"
#include "engine/commands/replay_words.h"

namespace kiln {
namespace {

constexpr std::string_view kInvalidId =
    "ERR Invalid stream ID specified as stream command argument";

bool ReadRangeBound(Call& call, std::string_view text, uint64_t missing_seq, StreamId* id) {
  if (text == "-") return *id = kMinStreamId, true;
  if (text == "+") return *id = kMaxStreamId, true;
  return ReadStreamId(call, text, id, missing_seq);
}

bool IsExclusive(std::string_view text) {
  return text.size() > 1 && text[0] == '(';
}

}  // namespace

bool ReadStreamId(Call& call, std::string_view text, StreamId* id, uint64_t missing_seq) {
  std::optional<StreamId> parsed = ParseStreamId(text, missing_seq);
  if (!parsed) return call.FailText(kInvalidId), false;
  *id = *parsed;
  return true;
}

bool ReadRangeStart(Call& call, std::string_view text, StreamId* first) {
  if (!IsExclusive(text)) return ReadRangeBound(call, text, 0, first);
  if (!ReadStreamId(call, text.substr(1), first)) return false;
  std::optional<StreamId> next = first->Next();
  if (!next) return call.FailText("ERR invalid start ID for the interval"), false;
  *first = *next;
  return true;
}

bool ReadRangeEnd(Call& call, std::string_view text, StreamId* last) {
  if (!IsExclusive(text)) return ReadRangeBound(call, text, UINT64_MAX, last);
  if (!ReadStreamId(call, text.substr(1), last, UINT64_MAX)) return false;
  std::optional<StreamId> previous = last->Previous();
  if (!previous) return call.FailText("ERR invalid end ID for the interval"), false;
  *last = *previous;
  return true;
}

void ReplyStreamId(Reply& reply, const StreamId& id) {
  char text[kMaxStreamIdChars];
  reply.Bulk({text, FormatStreamId(id, text)});
}

void ReplyStreamEntry(Reply& reply, const Stream::Cursor& cursor) {
  reply.Array(2);
  ReplyStreamId(reply, cursor.id());
  reply.Array(cursor.fields() * 2);
  cursor.ForEachField([&](std::string_view field, std::string_view value) {
    reply.Bulk(field);
    reply.Bulk(value);
  });
}

bool ReplyStreamEntry(Reply& reply, const Stream& stream, const StreamId& id) {
  Stream::Cursor cursor(stream, id, id);
  if (!cursor.Next()) return false;
  ReplyStreamEntry(reply, cursor);
  return true;
}

void ReplyStreamEntries(Reply& reply, Stream::Cursor cursor, size_t count) {
  size_t at = reply.Later();
  size_t entries = 0;
  while ((count == 0 || entries < count) && cursor.Next()) {
    ReplyStreamEntry(reply, cursor);
    ++entries;
  }
  reply.EndArray(at, entries);
}

std::string NoKeyOrGroupText(std::string_view key, std::string_view group) {
  return "NOGROUP No such key '" + UntilZero(key) + "' or consumer group '" + UntilZero(group) +
         "'";
}

void GroupChanged(Call& call, const Key& key, std::string_view event) {
  ++call.db.context().stats.changes;
  if (!event.empty()) call.db.Notify(kEventStream, event, key.text);
}

StreamConsumer* SeeConsumer(Call& call, const Key& key, StreamGroup* group, std::string_view name) {
  StreamConsumer* consumer = group->FindConsumer(name);
  if (consumer == nullptr) {
    consumer = group->CreateConsumer(name, NowMsOf(call));
    GroupChanged(call, key, "xgroup-createconsumer");
  }
  consumer->seen_ms = NowMsOf(call);
  return consumer;
}

std::string StreamIdText(const StreamId& id) {
  char text[kMaxStreamIdChars];
  return {text, FormatStreamId(id, text)};
}

// An XCLAIM that does the same as often as it is run. Of an entry that the stream has no more it
// forgets that it was pending.
void ReplayPending(Call& call, const Key& key, std::string_view group_name,
                   const StreamGroup& group, const StreamId& id) {
  if (!call.is_journaled()) return;
  const PendingEntry& entry = group.pending().at(id);
  call.ReplayAs({"XCLAIM", key.text, group_name, entry.consumer->name, "0", StreamIdText(id),
                 "TIME", Digits(entry.delivered_ms), "RETRYCOUNT", Digits(entry.deliveries),
                 "FORCE", "JUSTID", "LASTID", StreamIdText(group.last_id)});
}

void ReplayPosition(Call& call, const Key& key, std::string_view group_name,
                    const StreamGroup& group) {
  if (!call.is_journaled()) return;
  call.ReplayAs({"XGROUP", "SETID", key.text, group_name, StreamIdText(group.last_id),
                 "ENTRIESREAD", Digits(group.entries_read)});
}

void ReplayConsumer(Call& call, const Key& key, std::string_view group_name,
                    std::string_view consumer_name) {
  call.ReplayAs({"XGROUP", "CREATECONSUMER", key.text, group_name, consumer_name});
}

}  // namespace kiln
