// What the files of stream commands share: reading ids, replies with entries, finding groups.
#pragma once

#include <string>
#include <string_view>

#include "engine/commands/call.h"
#include "engine/store/types/stream.h"

namespace kiln {

// An id, "-" and "+" refused; without a number it means <ms>-`missing_seq`. False when an error is
// replied.
bool ReadStreamId(Call& call, std::string_view text, StreamId* id, uint64_t missing_seq = 0);
// An end of a range, included: "-", "+", an id, or "(" before an id that is not itself in the
// range. False when an error is replied.
bool ReadRangeStart(Call& call, std::string_view text, StreamId* first);
bool ReadRangeEnd(Call& call, std::string_view text, StreamId* last);

void ReplyStreamId(Reply& reply, const StreamId& id);
// [id [field value ...]] of the entry that a cursor stands on.
void ReplyStreamEntry(Reply& reply, const Stream::Cursor& cursor);
// The same for an entry by its id; false, and no reply, when there is none.
bool ReplyStreamEntry(Reply& reply, const Stream& stream, const StreamId& id);
// The entries of a range in an array, at most `count` (0: all).
void ReplyStreamEntries(Reply& reply, Stream::Cursor cursor, size_t count);

// "NOGROUP No such key 'k' or consumer group 'g'".
std::string NoKeyOrGroupText(std::string_view key, std::string_view group);

// What a consumer group did: counts as a change, but WATCH does not see it, as in Redis.
void GroupChanged(Call& call, const Key& key, std::string_view event = {});
// The group's consumer of that name, which is made where it is new, with its time of asking set.
StreamConsumer* SeeConsumer(Call& call, const Key& key, StreamGroup* group, std::string_view name);

// What replays a change of a group: how a pending entry is now, where the group stands, or that
// there is a consumer.
void ReplayPending(Call& call, const Key& key, std::string_view group_name,
                   const StreamGroup& group, const StreamId& id);
void ReplayPosition(Call& call, const Key& key, std::string_view group_name,
                    const StreamGroup& group);
void ReplayConsumer(Call& call, const Key& key, std::string_view group_name,
                    std::string_view consumer_name);
std::string StreamIdText(const StreamId& id);

// The time for what groups note, also while a journal is replayed.
inline int64_t NowMsOf(const Call& call) {
  return static_cast<int64_t>(const_cast<Db&>(call.db).context().clock_ms);
}

}  // namespace kiln
