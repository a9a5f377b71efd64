// Commands for keys of any type: delete, rename, move, copy, look at.

#include "engine/commands/call.h"
#include "engine/commands/groups.h"

namespace kiln {
namespace {

// DEL key [key ...]
// UNLINK key [key ...]
// Big values are freed in slices either way.
void Del(Call& call) {
  int64_t deleted = 0;
  while (call.args.More()) {
    Key key = call.args.NextKey();
    if (!call.db.Delete(key)) continue;
    call.Changed(key, kEventGeneric, "del");
    ++deleted;
  }
  call.reply.Integer(deleted);
}

// EXISTS key [key ...]
void Exists(Call& call) {
  int64_t found = 0;
  while (call.args.More()) found += call.db.Inspect(call.args.NextKey()) != nullptr;
  call.reply.Integer(found);
}

// TOUCH key [key ...]
// Notes the use even for a client that said CLIENT NO-TOUCH.
void Touch(Call& call) {
  StoreContext& context = call.db.context();
  bool keep_clocks = context.keep_clocks;
  context.SetKeepClocks(false);
  int64_t found = 0;
  while (call.args.More()) found += call.db.Find(call.args.NextKey()) != nullptr;
  context.SetKeepClocks(keep_clocks);
  call.reply.Integer(found);
}

// TYPE key
void TypeOfKey(Call& call) {
  const Record* record = call.db.Inspect(call.args.NextKey());
  call.reply.Simple(record == nullptr ? "none" : TypeName(record->type()));
}

// Gives the value at `from` to `to` in `to_db`, where nothing may be. Tells whoever is to be told.
void MoveValue(Call& call, const Key& from, Db& to_db, const Key& to) {
  to_db.Adopt(to, from.shard(), call.db.Extract(from));
  call.Touched(from);
  call.TouchedIn(to_db, to);
  call.CountAs(0);  // both keys changed, but it is one change
}

// False when the source is missing or, with `only_if_free`, the destination is taken; then the
// reply is made.
bool RenameKey(Call& call, bool only_if_free) {
  Key from = call.args.NextKey();
  Key to = call.args.NextKey();
  if (call.db.Touch(from) == nullptr) {
    call.Fail(Error::kNoSuchKey);
    return false;
  }
  if (from.text == to.text || call.db.Peek(to) != nullptr) {
    if (only_if_free) {
      call.reply.Integer(0);
      return false;
    }
    if (from.text == to.text) return true;
    call.db.Delete(to);
  }
  MoveValue(call, from, call.db, to);
  call.db.Notify(kEventGeneric, "rename_from", from.text);
  call.db.Notify(kEventGeneric, "rename_to", to.text);
  return true;
}

// RENAME key newkey
void Rename(Call& call) {
  if (RenameKey(call, false)) call.reply.Ok();
}

// RENAMENX key newkey
void RenameNx(Call& call) {
  if (RenameKey(call, true)) call.reply.Integer(1);
}

bool IsDatabase(Call& call, int64_t index) {
  return index >= 0 && index < call.db.keyspace().databases();
}

// MOVE key db
void Move(Call& call) {
  Key key = call.args.NextKey();
  int64_t index = call.args.Integer();
  if (!call.args.Done()) return call.Fail(call.args.error());
  if (!IsDatabase(call, index)) return call.Fail(Error::kDbIndexOutOfRange);
  if (index == call.db.index()) return call.Fail(Error::kSameObject);
  Db to_db(call.db.keyspace(), static_cast<int>(index), call.db.context());
  if (call.db.Touch(key) == nullptr || to_db.Touch(key) != nullptr) return call.reply.Integer(0);
  MoveValue(call, key, to_db, key);
  call.db.Notify(kEventGeneric, "move_from", key.text);
  to_db.Notify(kEventGeneric, "move_to", key.text);
  call.reply.Integer(1);
}

struct CopyOptions {
  int db;
  bool replace = false;
};

CopyOptions ReadCopyOptions(Call& call) {
  CopyOptions options{.db = call.db.index()};
  ArgumentCursor& args = call.args;
  while (args.More()) {
    if (args.Take("REPLACE")) {
      options.replace = true;
    } else if (args.Left() >= 2 && args.Take("DB")) {
      int64_t index = args.Integer();
      if (args.ok() && !IsDatabase(call, index)) args.Fail(Error::kDbIndexOutOfRange);
      options.db = static_cast<int>(index);
    } else {
      args.Fail(Error::kSyntax);
    }
  }
  return options;
}

// COPY source destination [DB destination-db] [REPLACE]
void Copy(Call& call) {
  Key from = call.args.NextKey();
  Key to = call.args.NextKey();
  CopyOptions options = ReadCopyOptions(call);
  if (!call.args.ok()) return call.Fail(call.args.error());
  if (options.db == call.db.index() && from.text == to.text) return call.Fail(Error::kSameObject);
  Db to_db(call.db.keyspace(), options.db, call.db.context());
  if (call.db.Find(from) == nullptr) return call.reply.Integer(0);
  if (to_db.Peek(to) != nullptr) {
    if (!options.replace) return call.reply.Integer(0);
    to_db.Delete(to);
  }
  to_db.CopyFrom(to, call.db.Peek(from));
  call.ChangedIn(to_db, to, kEventGeneric, "copy_to");
  call.reply.Integer(1);
}

// clang-format off
constexpr Command kKeyCommands[] = {
  // name      arity  keys                  flags              acl             handler    since    usage                                               summary
  {"COPY",     -3,    Keys::Range(1, 2, 1), kWrite | kGrows,   Acl::kKeyspace, Copy,      "6.2.0", "source destination [DB destination-db] [REPLACE]", "Copies a key's value and time to live to another key."},
  {"DEL",      -2,    Keys::All(),          kWrite,            Acl::kKeyspace, Del,       "1.0.0", "key...",                                           "Deletes keys and counts those that existed."},
  {"EXISTS",   -2,    Keys::All(),          kReadOnly | kFast, Acl::kKeyspace, Exists,    "1.0.0", "key...",                                           "Counts how many of the keys exist."},
  {"MOVE",     3,     Keys::One(),          kWrite | kFast,    Acl::kKeyspace, Move,      "1.0.0", "key db",                                           "Moves a key to another database, where it must not exist yet."},
  {"RENAME",   3,     Keys::Range(1, 2, 1), kWrite,            Acl::kKeyspace, Rename,    "1.0.0", "key newkey",                                       "Renames a key, replacing what was at the new name."},
  {"RENAMENX", 3,     Keys::Range(1, 2, 1), kWrite | kFast,    Acl::kKeyspace, RenameNx,  "1.0.0", "key newkey",                                       "Renames a key unless the new name is taken."},
  {"TOUCH",    -2,    Keys::All(),          kReadOnly | kFast, Acl::kKeyspace, Touch,     "3.2.1", "key...",                                           "Notes a use of the keys and counts how many exist."},
  {"TYPE",     2,     Keys::One(),          kReadOnly | kFast, Acl::kKeyspace, TypeOfKey, "1.0.0", "key",                                              "Returns the type of a key's value."},
  {"UNLINK",   -2,    Keys::All(),          kWrite | kFast,    Acl::kKeyspace, Del,       "4.0.0", "key...",                                           "Deletes keys and frees their values in the background."},
};
// clang-format on
static_assert(WellFormed(kKeyCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> KeyCommands() {
  return kKeyCommands;
}

}  // namespace kiln
