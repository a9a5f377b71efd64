// String commands: reading and setting whole values. Counters are in string_number.cc, parts of
// strings in string_range.cc.

#include "engine/commands/command_errors.h"
#include "engine/commands/expiry_option.h"
#include "engine/commands/groups.h"
#include "engine/commands/replay_words.h"
#include "engine/commands/string_value.h"

namespace kiln {
namespace {

void ReplyOther(Call& call, const Record* record) {
  if (record == nullptr) return call.reply.Null();
  if (record->type() != Type::kString) return call.Fail(Error::kWrongType);
  call.reply.BulkInteger(record->integer());
}

[[gnu::always_inline]] inline void ReplyString(Call& call, const Record* record) {
  if (record == nullptr || !record->is_raw()) return ReplyOther(call, record);
  call.reply.Bulk(record->raw(), *record);
}

// GET key
void Get(Call& call) {
  ReplyString(call, call.db.Find(call.args.NextKey()));
}

// GETDEL key
void GetDel(Call& call) {
  Key key = call.args.NextKey();
  const Record* record = call.db.Find(key);
  ReplyString(call, record);
  if (record == nullptr || IsWrongType(record)) return;
  call.db.Delete(key);
  call.Changed(key, kEventGeneric, "del");
  call.ReplayAs({"DEL", key.text});
}

void ChangeExpiry(Call& call, const Key& key, Record* record, uint64_t expiry_ms) {
  call.db.SetExpiry(key, record, expiry_ms);
  call.Changed(key, kEventGeneric, expiry_ms == kNoExpiry ? "persist" : "expire");
  if (!call.is_journaled()) return;
  if (expiry_ms == kNoExpiry) {
    call.ReplayAs({"PERSIST", key.text});
  } else {
    call.ReplayAs({"PEXPIREAT", key.text, Digits(expiry_ms)});
  }
}

// GETEX key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds |
// PERSIST]
void GetEx(Call& call) {
  Key key = call.args.NextKey();
  ExpiryOption expiry;
  bool persist = false;
  while (call.args.More()) {
    if (TakeExpiry(call.args, &expiry)) continue;
    if (!call.args.Take("PERSIST")) call.args.Fail(Error::kSyntax);
    persist = true;
  }
  if (persist && expiry.is_given()) call.args.Fail(Error::kSyntax);
  if (!call.args.ok()) return call.Fail(call.args.error());

  Record* record = call.db.Find(key);
  if (record == nullptr || IsWrongType(record)) return ReplyString(call, record);
  std::optional<uint64_t> at_ms = kNoExpiry;
  if (expiry.is_given()) at_ms = ExpiryMs(call, expiry);
  if (!at_ms) return;
  ReplyString(call, record);
  if (expiry.is_given() && *at_ms <= call.now_ms()) {
    call.db.Delete(key);
    call.Changed(key, kEventGeneric, "del");
    call.ReplayAs({"DEL", key.text});
  } else if (expiry.is_given() || (persist && record->expiry_ms() != kNoExpiry)) {
    ChangeExpiry(call, key, record, *at_ms);
  }
}

// GETSET key value
void GetSet(Call& call) {
  Key key = call.args.NextKey();
  std::string_view value = call.args.Text();
  const Record* record = call.db.Find(key);
  ReplyString(call, record);
  if (IsWrongType(record)) return;
  call.db.SetString(key, value);
  call.Changed(key, kEventString, "set");
  call.ReplayAs({"SET", key.text, value});
}

// MGET key [key ...]
void MGet(Call& call) {
  call.reply.Array(call.args.Left());
  while (call.args.More()) {
    const Record* record = call.db.Find(call.args.NextKey());
    if (IsWrongType(record)) record = nullptr;
    ReplyString(call, record);
  }
}

void SetPairs(Call& call) {
  while (call.args.More()) {
    Key key = call.args.NextKey();
    call.db.SetString(key, call.args.Text());
    call.Changed(key, kEventString, "set");
  }
}

// MSET key value [key value ...]
void MSet(Call& call) {
  if (call.args.Left() % 2 != 0) return call.FailText(ArityErrorText(call.command));
  SetPairs(call);
  call.reply.Ok();
}

// MSETNX key value [key value ...]
void MSetNx(Call& call) {
  if (call.args.Left() % 2 != 0) return call.FailText(ArityErrorText(call.command));
  for (ArgumentCursor ahead = call.args; ahead.More(); ahead.Skip()) {
    if (call.db.Touch(ahead.NextKey()) != nullptr) return call.reply.Integer(0);
  }
  SetPairs(call);
  call.reply.Integer(1);
}

// SETNX key value
void SetNx(Call& call) {
  Key key = call.args.NextKey();
  if (call.db.Touch(key) != nullptr) return call.reply.Integer(0);
  call.db.SetString(key, call.args.Text());
  call.Changed(key, kEventString, "set");
  call.reply.Integer(1);
}

void SetExpiring(Call& call, const Key& key, std::string_view value, uint64_t expiry_ms) {
  call.db.SetString(key, value, {.expiry_ms = expiry_ms});
  call.Changed(key, kEventString, "set");
  call.db.Notify(kEventGeneric, "expire", key.text);
}

void ReplayExpiring(Call& call, const Key& key, std::string_view value, uint64_t expiry_ms) {
  if (call.is_journaled()) call.ReplayAs({"SET", key.text, value, "PXAT", Digits(expiry_ms)});
}

void SetFor(Call& call, bool in_seconds) {
  Key key = call.args.NextKey();
  ExpiryOption expiry{"EX", call.args.Text(), in_seconds, false};
  std::optional<uint64_t> at_ms = ExpiryMs(call, expiry);
  if (!at_ms) return;
  std::string_view value = call.args.Text();
  SetExpiring(call, key, value, *at_ms);
  ReplayExpiring(call, key, value, *at_ms);
  call.reply.Ok();
}

// SETEX key seconds value
void SetEx(Call& call) {
  SetFor(call, true);
}

// PSETEX key milliseconds value
void PSetEx(Call& call) {
  SetFor(call, false);
}

struct SetOptions {
  bool if_absent = false;
  bool if_present = false;
  bool keep_expiry = false;
  bool reply_old = false;
  ExpiryOption expiry;
};

bool ParseSetOptions(ArgumentCursor& args, SetOptions* options) {
  while (args.More()) {
    if (args.Take("NX")) {
      options->if_absent = true;
    } else if (args.Take("XX")) {
      options->if_present = true;
    } else if (args.Take("GET")) {
      options->reply_old = true;
    } else if (args.Take("KEEPTTL")) {
      options->keep_expiry = true;
    } else if (!TakeExpiry(args, &options->expiry)) {
      args.Fail(Error::kSyntax);
    }
  }
  bool conflict = (options->if_absent && options->if_present) ||
                  (options->keep_expiry && options->expiry.is_given());
  if (conflict) args.Fail(Error::kSyntax);
  return args.ok();
}

// What was replied is of no use to whoever replays it.
void ReplayWithoutGet(Call& call) {
  constexpr size_t kOptionsAt = 3;
  Arguments all = call.args.all();
  ReplayWords words(all.first(kOptionsAt));
  for (std::string_view word : all.subspan(kOptionsAt)) {
    if (!EqualsWord(word, "GET")) words.Add(word);
  }
  call.ReplayAs(words.all());
}

void SetWithOptions(Call& call, const Key& key, std::string_view value) {
  SetOptions options;
  if (!ParseSetOptions(call.args, &options)) return call.Fail(call.args.error());
  std::optional<uint64_t> at_ms = kNoExpiry;
  if (options.expiry.is_given()) at_ms = ExpiryMs(call, options.expiry);
  if (!at_ms) return;

  const Record* old = options.reply_old ? call.db.Find(key) : call.db.Touch(key);
  if (options.reply_old) {
    ReplyString(call, old);
    if (IsWrongType(old)) return;
  }
  bool found = old != nullptr;
  if ((options.if_absent && found) || (options.if_present && !found)) {
    if (!options.reply_old) call.reply.Null();
    return;
  }
  if (options.expiry.is_given()) {
    SetExpiring(call, key, value, *at_ms);
    if (options.expiry.word != "PXAT") ReplayExpiring(call, key, value, *at_ms);
  } else {
    call.db.SetString(key, value, {.keep_expiry = options.keep_expiry});
    call.Changed(key, kEventString, "set");
    if (options.reply_old && call.is_journaled()) ReplayWithoutGet(call);
  }
  if (!options.reply_old) call.reply.Ok();
}

// SET key value [NX | XX] [GET] [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT
// unix-time-milliseconds | KEEPTTL]
void Set(Call& call) {
  Key key = call.args.NextKey();
  std::string_view value = call.args.Text();
  if (call.args.Left() > 0) [[unlikely]]
    return SetWithOptions(call, key, value);
  call.db.SetString(key, value);
  call.Changed(key, kEventString, "set");
  call.reply.Ok();
}

// clang-format off
constexpr Command kStringCommands[] = {
  // name    arity  keys                   flags                    acl           handler  since    usage                     summary
  {"GET",    2,     Keys::One(),           kReadOnly | kFast,       Acl::kString, Get,     "1.0.0", "key",                    "Returns the string at a key."},
  {"GETDEL", 2,     Keys::One(),           kWrite | kFast,          Acl::kString, GetDel,  "6.2.0", "key",                    "Returns the string at a key and deletes the key."},
  {"GETEX",  -2,    Keys::One(),           kWrite | kFast,          Acl::kString, GetEx,   "6.2.0", "key [expiration=<EX seconds|PX milliseconds|EXAT unix-time-seconds|PXAT unix-time-milliseconds|PERSIST>]", "Returns the string at a key and sets or removes its time to live."},
  {"GETSET", 3,     Keys::One(),           kWrite | kGrows | kFast, Acl::kString, GetSet,  "1.0.0", "key value",              "Sets a string and returns the one it replaces."},
  {"MGET",   -2,    Keys::All(),           kReadOnly | kFast,       Acl::kString, MGet,    "1.0.0", "key...",                 "Returns the strings at several keys."},
  {"MSET",   -3,    Keys::Range(1, -1, 2), kWrite | kGrows,         Acl::kString, MSet,    "1.0.1", "data=(key value)...",    "Sets several strings at once."},
  {"MSETNX", -3,    Keys::Range(1, -1, 2), kWrite | kGrows,         Acl::kString, MSetNx,  "1.0.1", "data=(key value)...",    "Sets several strings at once, if none of the keys exists."},
  {"PSETEX", 4,     Keys::One(),           kWrite | kGrows,         Acl::kString, PSetEx,  "2.6.0", "key milliseconds value", "Sets a string and its time to live in milliseconds."},
  {"SET",    -3,    Keys::One(),           kWrite | kGrows,         Acl::kString, Set,     "1.0.0", "key value [condition=<NX|XX>@2.6.12] [GET@6.2.0] [expiration=<EX seconds@2.6.12|PX milliseconds@2.6.12|EXAT unix-time-seconds@6.2.0|PXAT unix-time-milliseconds@6.2.0|KEEPTTL@6.0.0>]", "Sets a string, whatever the key held before."},
  {"SETEX",  4,     Keys::One(),           kWrite | kGrows,         Acl::kString, SetEx,   "2.0.0", "key seconds value",      "Sets a string and its time to live in seconds."},
  {"SETNX",  3,     Keys::One(),           kWrite | kGrows | kFast, Acl::kString, SetNx,   "1.0.0", "key value",              "Sets a string if the key does not exist."},
};
// clang-format on
static_assert(WellFormed(kStringCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> StringCommands() {
  return kStringCommands;
}

}  // namespace kiln
