// Stream commands that add, read and remove entries. What a stream is stands in types/stream.h.

#include <algorithm>
#include <utility>
#include <vector>

#include "engine/commands/call.h"
#include "engine/commands/command_errors.h"
#include "engine/commands/encoding_limits.h"
#include "engine/commands/groups.h"
#include "engine/commands/replay_words.h"
#include "engine/commands/stream_access.h"

namespace kiln {
namespace {

// ---- What XADD and XTRIM have in common ----

struct AddOptions {
  enum class Id : uint8_t { kAuto, kAutoSeq, kGiven };

  StreamTrim trim;
  bool has_limit = false;
  bool no_make = false;  // XADD: only to a stream that exists
  Id id_kind = Id::kAuto;
  StreamId id;
  size_t id_at = 0;         // among all arguments; 0: there is none
  size_t threshold_at = 0;  // the same
};

// "[= | ~] threshold", behind MAXLEN or MINID. False when an error is replied.
bool ReadThreshold(Call& call, StreamTrim::Until until, AddOptions* options) {
  ArgumentCursor& args = call.args;
  StreamTrim* trim = &options->trim;
  if (trim->until != StreamTrim::Until::kNothing) {
    call.FailText("ERR syntax error, MAXLEN and MINID options at the same time are not compatible");
    return false;
  }
  trim->until = until;
  bool may_have_sign = args.Left() >= 2;
  trim->whole_nodes = may_have_sign && args.Take("~");
  if (may_have_sign && !trim->whole_nodes) args.Take("=");
  options->threshold_at = args.all().size() - args.Left();
  if (until == StreamTrim::Until::kId) return ReadStreamId(call, args.Text(), &trim->min_id);
  int64_t length = args.Integer();
  if (!args.ok()) return call.Fail(args.error()), false;
  if (length < 0) return call.FailText("ERR The MAXLEN argument must be >= 0."), false;
  trim->length = static_cast<uint64_t>(length);
  return true;
}

bool ReadLimit(Call& call, AddOptions* options) {
  int64_t limit = call.args.Integer();
  if (!call.args.ok()) return call.Fail(call.args.error()), false;
  if (limit < 0) return call.FailText("ERR The LIMIT argument must be >= 0."), false;
  options->trim.limit = static_cast<uint64_t>(limit);
  options->has_limit = true;
  return true;
}

// The id of XADD, other than "*": "<ms>-*" leaves the number to the stream.
bool ReadNewId(Call& call, std::string_view text, AddOptions* options) {
  options->id_kind = AddOptions::Id::kGiven;
  if (text.size() > 2 && text.ends_with("-*") && text.find('-') == text.size() - 2) {
    options->id_kind = AddOptions::Id::kAutoSeq;
    text.remove_suffix(2);
  }
  return ReadStreamId(call, text, &options->id);
}

// Options that make no sense together, and the limit where none is given.
bool SettleTrim(Call& call, bool is_add, AddOptions* options) {
  StreamTrim& trim = options->trim;
  bool trims = trim.until != StreamTrim::Until::kNothing;
  if (trim.limit != 0 && !trims) {
    call.FailText("ERR syntax error, LIMIT cannot be used without specifying a trimming strategy");
    return false;
  }
  if (!is_add && !trims) {
    call.FailText("ERR syntax error, XTRIM must be called with a trimming strategy");
    return false;
  }
  if (options->has_limit && !trim.whole_nodes && call.is_replay()) {
    trim.limit = 0;  // Redis lets the word stand where it has made the threshold exact
  } else if (options->has_limit && !trim.whole_nodes) {
    call.FailText("ERR syntax error, LIMIT cannot be used without the special ~ option");
    return false;
  }
  if (trim.whole_nodes && !options->has_limit) {
    constexpr int64_t kMaxLimit = 1'000'000;
    int64_t node_entries = std::min(call.settings().stream_node_max_entries, kMaxLimit / 100);
    trim.limit = node_entries <= 0 ? 10'000 : static_cast<uint64_t>(100 * node_entries);
  }
  return true;
}

// Reads up to the id, this included (XADD), or to the end (XTRIM). False when an error is replied.
bool ReadAddOptions(Call& call, bool is_add, AddOptions* options) {
  ArgumentCursor& args = call.args;
  while (args.More()) {
    std::string_view option = args.Text();
    if (is_add && option == "*") break;
    bool has_more = args.More();
    if (has_more && EqualsWord(option, "MAXLEN")) {
      if (!ReadThreshold(call, StreamTrim::Until::kLength, options)) return false;
    } else if (has_more && EqualsWord(option, "MINID")) {
      if (!ReadThreshold(call, StreamTrim::Until::kId, options)) return false;
    } else if (has_more && EqualsWord(option, "LIMIT")) {
      if (!ReadLimit(call, options)) return false;
    } else if (is_add && EqualsWord(option, "NOMKSTREAM")) {
      options->no_make = true;
    } else if (is_add) {
      if (!ReadNewId(call, option, options)) return false;
      break;
    } else {
      return call.Fail(Error::kSyntax), false;
    }
  }
  if (is_add) options->id_at = args.all().size() - args.Left() - 1;
  return SettleTrim(call, is_add, options);
}

// What "~" trimmed to.
std::string ThresholdOf(const Stream& stream, const StreamTrim& trim) {
  if (trim.until == StreamTrim::Until::kLength) return std::to_string(stream.size());
  return StreamIdText(stream.size() == 0 ? kMaxStreamId : stream.first_id());
}

// The request with the id that the entry got, and without a "~".
void ReplayExactly(Call& call, const Stream& stream, const AddOptions& options) {
  bool is_about = options.trim.whole_nodes;
  bool has_new_id = options.id_at != 0 && options.id_kind != AddOptions::Id::kGiven;
  if (!is_about && !has_new_id) return;
  Arguments all = call.args.all();
  size_t options_end = options.id_at != 0 ? options.id_at : all.size();
  ReplayWords words(all.first(2));
  for (size_t i = 2; i < all.size(); ++i) {
    if (has_new_id && i == options.id_at) {
      words.AddText(StreamIdText(stream.last_id()));
    } else if (is_about && i < options_end && EqualsWord(all[i], "LIMIT")) {
      ++i;
    } else if (is_about && i + 1 == options.threshold_at) {
      words.Add("=");
    } else if (is_about && i == options.threshold_at) {
      words.AddText(ThresholdOf(stream, options.trim));
    } else {
      words.Add(all[i]);
    }
  }
  call.ReplayAs(words.all());
}

// ---- XADD ----

// The stream to add to, or null when a reply was given.
Stream* FindStreamToAdd(Call& call, const Key& key, bool no_make) {
  StoreResult<Stream*> found =
      no_make ? call.db.Change<Stream>(key) : call.db.FindOrCreate<Stream>(key);
  if (!found) return call.Fail(found.error()), nullptr;
  if (*found == nullptr) call.reply.Null();
  return *found;
}

std::optional<StreamId> IdToAdd(const Stream& stream, const AddOptions& options, uint64_t now_ms) {
  switch (options.id_kind) {
    case AddOptions::Id::kAuto:
      return stream.NextId(now_ms);
    case AddOptions::Id::kAutoSeq:
      return stream.NextIdAt(options.id.ms);
    case AddOptions::Id::kGiven:
      break;
  }
  if (options.id <= stream.last_id()) return std::nullopt;
  return options.id;
}

bool AreTooLarge(Arguments texts) {
  size_t bytes = 0;
  for (std::string_view text : texts) bytes += text.size();
  return bytes > Stream::kMaxEntryBytes;
}

// XADD key [NOMKSTREAM] [MAXLEN | MINID [= | ~] threshold [LIMIT count]] * | id field value ...
void XAdd(Call& call) {
  Key key = call.args.NextKey();
  AddOptions options;
  if (!ReadAddOptions(call, true, &options)) return;
  Arguments fields = call.args.Rest();
  if (fields.size() < 2 || fields.size() % 2 != 0) {
    return call.FailText(ArityErrorText(call.command));
  }
  if (options.id_kind == AddOptions::Id::kGiven && options.id.IsZero()) {
    return call.FailText("ERR The ID specified in XADD must be greater than 0-0");
  }
  if (AreTooLarge(fields)) return call.FailText("ERR Elements are too large to be stored");
  Stream* stream = FindStreamToAdd(call, key, options.no_make);
  if (stream == nullptr) return;
  if (stream->last_id() == kMaxStreamId) {
    return call.FailText(
        "ERR The stream has exhausted the last possible ID, unable to add more items");
  }
  std::optional<StreamId> id = IdToAdd(*stream, options, call.now_ms());
  if (!id) {
    return call.FailText(
        "ERR The ID specified in XADD is equal or smaller than the target stream top item");
  }
  stream->Add(*id, fields, StreamLimitsOf(call.settings()));
  ReplyStreamId(call.reply, *id);
  call.Changed(key, kEventStream, "xadd");
  if (stream->Trim(options.trim) > 0) call.db.Notify(kEventStream, "xtrim", key.text);
  if (call.is_journaled()) ReplayExactly(call, *stream, options);
}

// ---- Removing ----

// XTRIM key MAXLEN | MINID [= | ~] threshold [LIMIT count]
void XTrim(Call& call) {
  Key key = call.args.NextKey();
  AddOptions options;
  if (!ReadAddOptions(call, false, &options)) return;
  StoreResult<Stream*> stream = call.db.Change<Stream>(key);
  if (!stream) return call.Fail(stream.error());
  uint64_t removed = *stream == nullptr ? 0 : (*stream)->Trim(options.trim);
  if (removed > 0) {
    call.Changed(key, kEventStream, "xtrim");
    call.CountAs(removed);
    if (call.is_journaled()) ReplayExactly(call, **stream, options);
  }
  call.reply.Integer(static_cast<int64_t>(removed));
}

// XDEL key id [id ...]
void XDel(Call& call) {
  Key key = call.args.NextKey();
  StoreResult<Stream*> stream = call.db.Change<Stream>(key);
  if (!stream) return call.Fail(stream.error());
  if (*stream == nullptr) return call.reply.Integer(0);
  std::vector<StreamId> ids(call.args.Left());
  for (StreamId& id : ids) {
    if (!ReadStreamId(call, call.args.Text(), &id)) return;
  }
  size_t removed = 0;
  for (const StreamId& id : ids) removed += (*stream)->Delete(id) ? 1 : 0;
  if (removed > 0) {
    call.Changed(key, kEventStream, "xdel");
    call.CountAs(removed);
  }
  call.reply.Integer(static_cast<int64_t>(removed));
}

// ---- Reading ----

// XLEN key
void XLen(Call& call) {
  StoreResult<Stream*> stream = call.db.Find<Stream>(call.args.NextKey());
  if (!stream) return call.Fail(stream.error());
  call.reply.Integer(*stream == nullptr ? 0 : static_cast<int64_t>((*stream)->size()));
}

// "[COUNT count]", as often as one likes. False when an error is replied.
bool ReadCount(Call& call, std::optional<size_t>* count) {
  ArgumentCursor& args = call.args;
  while (args.More()) {
    if (args.Left() < 2 || !args.Take("COUNT")) return call.Fail(Error::kSyntax), false;
    *count = static_cast<size_t>(std::max<int64_t>(args.Integer(), 0));
    if (!args.ok()) return call.Fail(args.error()), false;
  }
  return true;
}

void Range(Call& call, Stream::Cursor::Direction direction) {
  Key key = call.args.NextKey();
  std::string_view start = call.args.Text();
  std::string_view end = call.args.Text();
  if (direction == Stream::Cursor::Direction::kBackward) std::swap(start, end);
  StreamId first;
  StreamId last;
  std::optional<size_t> count;
  if (!ReadRangeStart(call, start, &first) || !ReadRangeEnd(call, end, &last)) return;
  if (!ReadCount(call, &count)) return;
  StoreResult<Stream*> stream = call.db.Find<Stream>(key);
  if (!stream) return call.Fail(stream.error());
  if (*stream == nullptr) return call.reply.Array(0);
  if (count == 0) return call.reply.NullArray();
  ReplyStreamEntries(call.reply, Stream::Cursor(**stream, first, last, direction),
                     count.value_or(0));
}

// XRANGE key start end [COUNT count]
void XRange(Call& call) {
  Range(call, Stream::Cursor::Direction::kForward);
}
// XREVRANGE key end start [COUNT count]
void XRevRange(Call& call) {
  Range(call, Stream::Cursor::Direction::kBackward);
}

// ---- XSETID ----

struct Position {
  StreamId last_id;
  std::optional<uint64_t> entries_added;
  StreamId max_deleted_id;
};

bool ReadPosition(Call& call, Position* position) {
  ArgumentCursor& args = call.args;
  if (!ReadStreamId(call, args.Text(), &position->last_id)) return false;
  while (args.More()) {
    if (args.Left() >= 2 && args.Take("ENTRIESADDED")) {
      int64_t added = args.Integer();
      if (!args.ok()) return call.Fail(args.error()), false;
      if (added < 0) return call.FailText("ERR entries_added must be positive"), false;
      position->entries_added = static_cast<uint64_t>(added);
    } else if (args.Left() >= 2 && args.Take("MAXDELETEDID")) {
      if (!ReadStreamId(call, args.Text(), &position->max_deleted_id)) return false;
      if (position->last_id < position->max_deleted_id) {
        call.FailText(
            "ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id");
        return false;
      }
    } else {
      return call.Fail(Error::kSyntax), false;
    }
  }
  return true;
}

// Why a stream cannot be set to a position; empty when it can.
std::string_view ProblemOf(const Position& position, const Stream& stream) {
  if (position.last_id < stream.max_deleted_id())
    return "ERR The ID specified in XSETID is smaller than current max_deleted_entry_id";
  if (stream.size() == 0) return {};
  if (position.last_id < stream.NewestId())
    return "ERR The ID specified in XSETID is smaller than the target stream top item";
  if (position.entries_added && stream.size() > *position.entries_added)
    return "ERR The entries_added specified in XSETID is smaller than the target stream length";
  return {};
}

// XSETID key last-id [ENTRIESADDED entries-added] [MAXDELETEDID max-deleted-id]
void XSetId(Call& call) {
  Key key = call.args.NextKey();
  Position position;
  if (!ReadPosition(call, &position)) return;
  StoreResult<Stream*> found = call.db.Change<Stream>(key);
  if (!found) return call.Fail(found.error());
  if (*found == nullptr) return call.Fail(Error::kNoSuchKey);
  Stream& stream = **found;
  std::string_view problem = ProblemOf(position, stream);
  if (!problem.empty()) return call.FailText(problem);
  stream.SetLastId(position.last_id);
  if (position.entries_added) stream.SetEntriesAdded(*position.entries_added);
  if (!position.max_deleted_id.IsZero()) stream.SetMaxDeletedId(position.max_deleted_id);
  call.reply.Ok();
  GroupChanged(call, key, "xsetid");
}

// clang-format off
constexpr Command kStreamCommands[] = {
  // name       arity  keys         flags                   acl           handler    since    usage                                        summary
  {"XADD",      -5,    Keys::One(), kWrite | kGrows | kFast, Acl::kStream, XAdd,      "5.0.0", "key [NOMKSTREAM@6.2.0] [trim=(strategy=<MAXLEN|MINID@6.2.0> [operator=<equal='='|approximately='~'>] threshold [LIMIT count@6.2.0])] id-selector=<auto-id='*'|id> data=(field value)...", "Appends an entry to a stream."},
  {"XDEL",      -3,    Keys::One(), kWrite | kFast,          Acl::kStream, XDel,      "5.0.0", "key ID:string...",                          "Removes entries and returns how many there were."},
  {"XLEN",      2,     Keys::One(), kReadOnly | kFast,       Acl::kStream, XLen,      "5.0.0", "key",                                       "Returns the number of entries."},
  {"XRANGE",    -4,    Keys::One(), kReadOnly,               Acl::kStream, XRange,    "5.0.0", "key start:string end:string [COUNT count]", "Returns the entries between two ids."},
  {"XREVRANGE", -4,    Keys::One(), kReadOnly,               Acl::kStream, XRevRange, "5.0.0", "key end:string start:string [COUNT count]", "Returns the entries between two ids, the last one first."},
  {"XSETID",    -3,    Keys::One(), kWrite | kGrows | kFast, Acl::kStream, XSetId,    "5.0.0", "key last-id [ENTRIESADDED entries-added@7.0.0] [MAXDELETEDID max-deleted-id@7.0.0]", "Sets what a stream knows of the entries it had."},
  {"XTRIM",     -4,    Keys::One(), kWrite,                  Acl::kStream, XTrim,     "5.0.0", "key trim=(strategy=<MAXLEN|MINID@6.2.0> [operator=<equal='='|approximately='~'>] threshold [LIMIT count@6.2.0])", "Removes the oldest entries."},
};
// clang-format on
static_assert(WellFormed(kStreamCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> StreamCommands() {
  return kStreamCommands;
}

}  // namespace kiln
