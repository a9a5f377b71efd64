// XREAD and XREADGROUP: entries behind given ones from several streams, or waiting for some.

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/number.h"
#include "engine/commands/block_timeout.h"
#include "engine/commands/call.h"
#include "engine/commands/command_errors.h"
#include "engine/commands/groups.h"
#include "engine/commands/stream_access.h"

namespace kiln {
namespace {

// The id ">": what no consumer of the group got yet.
constexpr StreamId kUndelivered = kMaxStreamId;

struct ReadRequest {
  bool in_group = false;
  bool waits = false;
  uint64_t deadline_ms = 0;
  size_t count = 0;  // for each stream; 0: all
  bool no_ack = false;
  bool names_group = false;
  std::string_view group;
  std::string_view consumer;
  size_t keys_at = 0;  // among all arguments; the ids follow the keys
  size_t streams = 0;
};

// One stream of a request.
struct Source {
  Key key;
  Stream* stream = nullptr;  // null when the key is absent
  StreamGroup* group = nullptr;
  StreamId after;

  bool ReadsHistory() const { return group != nullptr && after != kUndelivered; }
  // Whether there is something to reply with. History counts also where it is empty.
  bool IsReady() const {
    if (stream == nullptr || ReadsHistory()) return stream != nullptr;
    const StreamId& got = group != nullptr ? group->last_id : after;
    return stream->last_id() > got && stream->NewestId() > got;
  }
};

// ---- Reading the request ----

// Where the streams' names begin, and how many there are. False when the arguments make no sense.
bool FindStreams(Arguments arguments, std::vector<uint32_t>* positions) {
  for (size_t i = 1; i < arguments.size(); ++i) {
    std::string_view option = arguments[i];
    if (EqualsWord(option, "BLOCK") || EqualsWord(option, "COUNT")) {
      ++i;
    } else if (EqualsWord(option, "GROUP")) {
      i += 2;
    } else if (EqualsWord(option, "STREAMS")) {
      size_t left = arguments.size() - i - 1;
      if (left == 0 || left % 2 != 0) return false;
      for (size_t stream = 1; stream <= left / 2; ++stream) {
        positions->push_back(static_cast<uint32_t>(i + stream));
      }
      return true;
    } else if (!EqualsWord(option, "NOACK")) {
      return false;
    }
  }
  return false;
}

bool ReadBlock(Call& call, ReadRequest* request) {
  if (call.client.in_script) {
    call.FailText("ERR " + UntilZero(call.args.all()[0]) +
                  " command is not allowed with BLOCK option from scripts");
    return false;
  }
  request->waits = true;
  return ReadBlockMilliseconds(call, call.args.Text(), &request->deadline_ms);
}

bool ReadStreams(Call& call, ReadRequest* request) {
  size_t left = call.args.Left();
  if (left % 2 != 0) {
    std::string name = request->in_group ? "xreadgroup" : "xread";
    call.FailText("ERR Unbalanced '" + name + "' list of streams: for each stream key an ID or '" +
                  (request->in_group ? ">" : "$") + "' must be specified.");
    return false;
  }
  request->streams = left / 2;
  request->keys_at = call.args.all().size() - left;
  return true;
}

// An option that is XREADGROUP's alone.
bool BelongsToGroup(Call& call, const ReadRequest& request, std::string_view option) {
  if (request.in_group) return true;
  call.FailText("ERR The " + std::string(option) +
                " option is only supported by XREADGROUP. You called XREAD instead.");
  return false;
}

// One option. False when an error is replied.
bool ReadOption(Call& call, ReadRequest* request) {
  ArgumentCursor& args = call.args;
  size_t behind = args.Left() - 1;
  if (behind >= 1 && args.Take("BLOCK")) return ReadBlock(call, request);
  if (behind >= 1 && args.Take("COUNT")) {
    request->count = static_cast<size_t>(std::max<int64_t>(args.Integer(), 0));
    return args.ok() || (call.Fail(args.error()), false);
  }
  if (behind >= 1 && args.Take("STREAMS")) return ReadStreams(call, request);
  if (behind >= 2 && args.Take("GROUP")) {
    request->names_group = true;
    request->group = args.Text();
    request->consumer = args.Text();
    return BelongsToGroup(call, *request, "GROUP");
  }
  if (args.Take("NOACK")) {
    request->no_ack = true;
    return BelongsToGroup(call, *request, "NOACK");
  }
  return call.Fail(Error::kSyntax), false;
}

bool ReadArguments(Call& call, ReadRequest* request) {
  while (call.args.More() && request->keys_at == 0) {
    if (!ReadOption(call, request)) return false;
  }
  if (request->keys_at == 0) return call.Fail(Error::kSyntax), false;
  if (request->in_group && !request->names_group) {
    return call.FailText("ERR Missing GROUP option for XREADGROUP"), false;
  }
  return true;
}

// ---- Finding the streams ----

// "$", ">" or an id. False when an error is replied.
bool ReadAfter(Call& call, std::string_view text, Source* source, bool in_group) {
  if (text == "$") {
    if (in_group) {
      call.FailText(
          "ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history "
          "of this consumer by specifying a proper ID, or use the > ID to get new messages. The $ "
          "ID would just return an empty result set.");
      return false;
    }
    source->after = source->stream != nullptr ? source->stream->last_id() : kMinStreamId;
    return true;
  }
  if (text == ">") {
    if (!in_group) {
      call.FailText(
          "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> "
          "<consumer> option.");
      return false;
    }
    source->after = kUndelivered;
    return true;
  }
  return ReadStreamId(call, text, &source->after);
}

// Finds stream and group of a key, and where reading starts. False when an error is replied.
bool FindSource(Call& call, const ReadRequest& request, std::string_view after, Source* source) {
  StoreResult<Stream*> found = call.db.Find<Stream>(source->key);
  if (!found) return call.Fail(found.error()), false;
  source->stream = *found;
  if (request.in_group) {
    if (source->stream != nullptr) source->group = source->stream->FindGroup(request.group);
    if (source->group == nullptr) {
      call.FailText(NoKeyOrGroupText(source->key.text, request.group) +
                    " in XREADGROUP with GROUP option");
      return false;
    }
  }
  return ReadAfter(call, after, source, request.in_group);
}

// A key of another type does not end the wait of an XREAD by itself: only once there is something
// to reply, and then as an error.
bool MustGoOnWaiting(Call& call, const ReadRequest& request) {
  if (!call.is_retry || request.in_group) return false;
  Arguments all = call.args.all();
  for (size_t i = request.keys_at; i < request.keys_at + request.streams; ++i) {
    StoreResult<Stream*> found = call.db.Find<Stream>(HashKey(all[i]));
    if (!found || *found == nullptr) continue;
    Source source;
    source.stream = *found;
    if (!ReadStreamId(call, all[i + request.streams], &source.after)) return false;
    if (source.IsReady()) return false;
  }
  return true;
}

// ---- Replying ----

void ReplyHistory(Call& call, const Source& source, StreamConsumer* consumer,
                  const ReadRequest& request) {
  size_t count = request.count;
  size_t at = call.reply.Later();
  size_t entries = 0;
  for (auto pending = consumer->pending.upper_bound(source.after);
       pending != consumer->pending.end() && (count == 0 || entries < count); ++pending) {
    ++entries;
    if (ReplyStreamEntry(call.reply, *source.stream, pending->first)) {
      pending->second->delivered_ms = NowMsOf(call);
      pending->second->CountDelivery();
      ReplayPending(call, source.key, request.group, *source.group, pending->first);
      continue;
    }
    // Deleted since it was delivered.
    call.reply.Array(2);
    ReplyStreamId(call.reply, pending->first);
    call.reply.NullArray();
  }
  call.reply.EndArray(at, entries);
}

// Entries that the group did not get yet, which become the consumer's.
void Deliver(Call& call, const Source& source, StreamConsumer* consumer,
             const ReadRequest& request) {
  StreamGroup* group = source.group;
  size_t at = call.reply.Later();
  size_t entries = 0;
  Stream::Cursor cursor(*source.stream, *group->last_id.Next(), kMaxStreamId);
  while ((request.count == 0 || entries < request.count) && cursor.Next()) {
    ++entries;
    source.stream->Advance(group, cursor.id());
    ReplyStreamEntry(call.reply, cursor);
    if (request.no_ack) continue;
    group->Deliver(cursor.id(), consumer, NowMsOf(call));
    consumer->active_ms = NowMsOf(call);
    ReplayPending(call, source.key, request.group, *group, cursor.id());
  }
  ReplayPosition(call, source.key, request.group, *group);
  call.reply.EndArray(at, entries);
}

// Replies with one stream's part: its name and its entries.
void ReplyPart(Call& call, const Source& source, StreamConsumer* consumer,
               const ReadRequest& request) {
  if (call.reply.version() < 3) call.reply.Array(2);
  call.reply.Bulk(source.key.text);
  if (source.group == nullptr) {
    // Something is behind `after`, so it has a successor.
    return ReplyStreamEntries(call.reply,
                              Stream::Cursor(*source.stream, *source.after.Next(), kMaxStreamId),
                              request.count);
  }
  if (source.ReadsHistory())
    ReplyHistory(call, source, consumer, request);
  else
    Deliver(call, source, consumer, request);
  GroupChanged(call, source.key);
}

// The consumer that reads. If it is new that is replayed, unless what it is given will say so.
StreamConsumer* SeeReader(Call& call, const Source& source, const ReadRequest& request) {
  bool is_new = source.group->FindConsumer(request.consumer) == nullptr;
  bool is_named = source.IsReady() && !source.ReadsHistory() && !request.no_ack;
  if (is_new && !is_named) ReplayConsumer(call, source.key, request.group, request.consumer);
  return SeeConsumer(call, source.key, source.group, request.consumer);
}

// Replies with what there is; false, and no reply, when there is nothing.
bool ReplyReady(Call& call, const std::vector<Source>& sources, const ReadRequest& request) {
  size_t at = call.reply.Later();
  size_t parts = 0;
  for (const Source& source : sources) {
    if (source.stream == nullptr) continue;
    StreamConsumer* consumer = nullptr;
    bool is_ready = source.IsReady();
    if (request.in_group) consumer = SeeReader(call, source, request);
    if (!is_ready) continue;
    ReplyPart(call, source, consumer, request);
    ++parts;
  }
  if (parts == 0) return false;
  call.reply.version() < 3 ? call.reply.EndArray(at, parts) : call.reply.EndMap(at, parts);
  return true;
}

// ---- Waiting ----

// The request as it is to be run again: "$" means what was the last entry when it came.
std::vector<std::string> RequestToRepeat(const Call& call, const std::vector<Source>& sources,
                                         const ReadRequest& request) {
  Arguments all = call.args.all();
  std::vector<std::string> arguments(all.begin(), all.end());
  for (size_t i = 0; i < sources.size(); ++i) {
    std::string& after = arguments[request.keys_at + request.streams + i];
    if (after != "$") continue;
    char text[kMaxStreamIdChars];
    after.assign(text, FormatStreamId(sources[i].after, text));
  }
  return arguments;
}

void Wait(Call& call, const std::vector<Source>& sources, const ReadRequest& request) {
  std::vector<Key> keys;
  for (const Source& source : sources) keys.push_back(source.key);
  call.Block(std::move(keys), request.deadline_ms, NullArrayText(call.reply));
  BlockWish& wish = call.effects.block;
  if (!wish.wanted) return;
  wish.arguments = RequestToRepeat(call, sources, request);
  wish.ends_without_key = request.in_group;
}

void Read(Call& call, bool in_group) {
  ReadRequest request;
  request.in_group = in_group;
  call.replays_itself = in_group;  // as what becomes of its group
  if (!ReadArguments(call, &request)) return;
  std::vector<Source> sources(request.streams);
  for (Source& source : sources) source.key = call.args.NextKey();
  if (MustGoOnWaiting(call, request)) return Wait(call, sources, request);
  for (Source& source : sources) {
    if (!FindSource(call, request, call.args.Text(), &source)) return;
  }
  // Whoever waits already changes nothing until there is something.
  auto is_ready = [](const Source& source) { return source.IsReady(); };
  bool may_look = !call.is_retry || std::any_of(sources.begin(), sources.end(), is_ready);
  if (may_look && ReplyReady(call, sources, request)) return;
  if (!request.waits) return call.reply.NullArray();
  Wait(call, sources, request);
}

// XREAD [COUNT count] [BLOCK milliseconds] STREAMS key [key ...] id [id ...]
void XRead(Call& call) {
  Read(call, false);
}
// XREADGROUP GROUP group consumer [COUNT count] [BLOCK milliseconds] [NOACK]
//     STREAMS key [key ...] id [id ...]
void XReadGroup(Call& call) {
  Read(call, true);
}

// clang-format off
constexpr Command kStreamReadCommands[] = {
  // name        arity  keys                   flags                                 acl           handler     since    usage summary
  {"XREAD",      -4,    Keys::By(FindStreams), kReadOnly | kBlocking | kMovableKeys, Acl::kStream, XRead,      "5.0.0", "[COUNT count] [BLOCK milliseconds] STREAMS streams=(key... ID:string...)", "Returns the entries behind given ids; waits for some."},
  {"XREADGROUP", -7,    Keys::By(FindStreams), kWrite | kBlocking | kMovableKeys,    Acl::kStream, XReadGroup, "5.0.0", "GROUP group-block=(group consumer) [COUNT count] [BLOCK milliseconds] [NOACK] STREAMS streams=(key... ID:string...)", "Returns entries for a consumer of a group, new ones or those it has; waits for some."},
};
// clang-format on
static_assert(WellFormed(kStreamReadCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> StreamReadCommands() {
  return kStreamReadCommands;
}

}  // namespace kiln
