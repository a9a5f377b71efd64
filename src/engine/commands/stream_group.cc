// XGROUP: making, changing and removing consumer groups and their consumers.

#include <memory>
#include <string>

#include "engine/commands/call.h"
#include "engine/commands/command_errors.h"
#include "engine/commands/groups.h"
#include "engine/commands/help.h"
#include "engine/commands/stream_access.h"

namespace kiln {
namespace {

void FailSubcommand(Call& call) {
  call.FailText(SubcommandErrorText(call.args.all()[1], "XGROUP"));
}

struct GroupRequest {
  Key key;
  std::string_view name;
  std::string_view argument;  // the third one behind the subcommand: an id or a consumer
  bool makes_stream = false;
  int64_t entries_read = StreamGroup::kUnknown;
  Stream* stream = nullptr;
};

// "[MKSTREAM] [ENTRIESREAD entries-read]". False when an error is replied.
bool ReadGroupOptions(Call& call, bool may_make, GroupRequest* request) {
  ArgumentCursor& args = call.args;
  while (args.More()) {
    if (may_make && args.Take("MKSTREAM")) {
      request->makes_stream = true;
    } else if (args.Left() >= 2 && args.Take("ENTRIESREAD")) {
      request->entries_read = args.Integer();
      if (!args.ok()) return call.Fail(args.error()), false;
      if (request->entries_read < StreamGroup::kUnknown) {
        return call.FailText("ERR value for ENTRIESREAD must be positive or -1"), false;
      }
    } else {
      return FailSubcommand(call), false;
    }
  }
  return true;
}

// Finds the stream, which must exist unless the request makes it. False when an error is replied.
bool FindStream(Call& call, GroupRequest* request) {
  StoreResult<Stream*> found = call.db.Change<Stream>(request->key);
  if (!found) return call.Fail(found.error()), false;
  request->stream = *found;
  if (request->stream != nullptr || request->makes_stream) return true;
  call.FailText(
      "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to "
      "use the MKSTREAM option to create an empty stream automatically.");
  return false;
}

// Reads "key group argument".
GroupRequest ReadRequest(Call& call) {
  GroupRequest request;
  request.key = call.args.NextKey();
  request.name = call.args.Text();
  request.argument = call.args.Text();
  return request;
}

// The group that the request names, or null when an error is replied.
StreamGroup* FindGroup(Call& call, GroupRequest* request) {
  if (!FindStream(call, request)) return nullptr;
  StreamGroup* group = request->stream->FindGroup(request->name);
  if (group == nullptr) {
    call.FailText("NOGROUP No such consumer group '" + UntilZero(request->name) +
                  "' for key name '" + UntilZero(request->key.text) + "'");
  }
  return group;
}

// XGROUP CREATE key group id | $ [MKSTREAM] [ENTRIESREAD entries-read]
void XGroupCreate(Call& call) {
  constexpr size_t kMaxArguments = 8;
  GroupRequest request = ReadRequest(call);
  if (!ReadGroupOptions(call, true, &request) || !FindStream(call, &request)) return;
  if (call.args.all().size() > kMaxArguments) return FailSubcommand(call);
  StreamId id;
  if (request.argument == "$") {
    if (request.stream != nullptr) id = request.stream->last_id();
  } else if (!ReadStreamId(call, request.argument, &id)) {
    return;
  }
  if (request.stream == nullptr) {
    request.stream = *call.db.FindOrCreate<Stream>(request.key);
    call.Touched(request.key);
    call.CountAs(0);  // what is counted is the group
  }
  if (request.stream->CreateGroup(request.name, id, request.entries_read) == nullptr) {
    return call.FailText("BUSYGROUP Consumer Group name already exists");
  }
  call.reply.Ok();
  GroupChanged(call, request.key, "xgroup-create");
}

// XGROUP SETID key group id | $ [ENTRIESREAD entries-read]
void XGroupSetId(Call& call) {
  GroupRequest request = ReadRequest(call);
  if (!ReadGroupOptions(call, false, &request)) return;
  StreamGroup* group = FindGroup(call, &request);
  if (group == nullptr) return;
  size_t arguments = call.args.all().size();
  if (arguments != 5 && arguments != 7) return FailSubcommand(call);
  StreamId id;
  if (request.argument == "$")
    id = request.stream->last_id();
  else if (request.argument == "+")
    id = kMaxStreamId;
  else if (request.argument != "-" && !ReadStreamId(call, request.argument, &id))
    return;
  group->last_id = id;
  group->entries_read = request.entries_read;
  call.reply.Ok();
  GroupChanged(call, request.key, "xgroup-setid");
}

// XGROUP DESTROY key group
void XGroupDestroy(Call& call) {
  GroupRequest request;
  request.key = call.args.NextKey();
  request.name = call.args.Text();
  if (!FindStream(call, &request)) return;
  std::unique_ptr<Stream> group = request.stream->TakeGroup(request.name);
  if (group == nullptr) return call.reply.Integer(0);
  call.db.context().reclaimer.Free(Type::kStream, group.release());
  call.reply.Integer(1);
  GroupChanged(call, request.key, "xgroup-destroy");
  // Its consumers that wait learn that it is gone.
  call.Wake(call.db, request.key);
}

// XGROUP CREATECONSUMER key group consumer
void XGroupCreateConsumer(Call& call) {
  GroupRequest request = ReadRequest(call);
  StreamGroup* group = FindGroup(call, &request);
  if (group == nullptr) return;
  if (group->FindConsumer(request.argument) != nullptr) return call.reply.Integer(0);
  group->CreateConsumer(request.argument, NowMsOf(call));
  call.reply.Integer(1);
  GroupChanged(call, request.key, "xgroup-createconsumer");
}

// XGROUP DELCONSUMER key group consumer
// Replies with the number of pending entries that went with it.
void XGroupDelConsumer(Call& call) {
  GroupRequest request = ReadRequest(call);
  StreamGroup* group = FindGroup(call, &request);
  if (group == nullptr) return;
  StreamConsumer* consumer = group->FindConsumer(request.argument);
  if (consumer == nullptr) return call.reply.Integer(0);
  call.reply.Integer(static_cast<int64_t>(consumer->pending.size()));
  group->DeleteConsumer(consumer);
  GroupChanged(call, request.key, "xgroup-delconsumer");
}

// XGROUP HELP
void XGroupHelp(Call& call) {
  constexpr std::string_view kLines[] = {
      "CREATE <key> <groupname> <id|$> [option]",
      "    Makes a consumer group. Options are:",
      "    * MKSTREAM",
      "      Make an empty stream where there is none.",
      "    * ENTRIESREAD entries_read",
      "      Set how many entries the group has read.",
      "CREATECONSUMER <key> <groupname> <consumer>",
      "    Makes a consumer of a group.",
      "DELCONSUMER <key> <groupname> <consumer>",
      "    Removes a consumer and its pending entries.",
      "DESTROY <key> <groupname>",
      "    Removes a group.",
      "SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]",
      "    Sets how far a group has read.",
  };
  ReplyHelp(call, kLines);
}

// clang-format off
constexpr Command kStreamGroupCommands[] = {
  // name                     arity  keys                  flags            acl           handler               since    usage                 summary
  {"XGROUP",                  -2,    Keys::None(),         kContainer,      Acl::kNone,   nullptr,              "5.0.0", "",                   "A container for commands about consumer groups."},
  {"XGROUP|CREATE",           -5,    Keys::Range(2, 2, 1), kWrite | kGrows, Acl::kStream, XGroupCreate,         "5.0.0", "key group id-selector=<id|new-id='$'> [MKSTREAM] [ENTRIESREAD entries-read]", "Makes a consumer group."},
  {"XGROUP|CREATECONSUMER",   5,     Keys::Range(2, 2, 1), kWrite | kGrows, Acl::kStream, XGroupCreateConsumer, "6.2.0", "key group consumer", "Makes a consumer of a group."},
  {"XGROUP|DELCONSUMER",      5,     Keys::Range(2, 2, 1), kWrite,          Acl::kStream, XGroupDelConsumer,    "5.0.0", "key group consumer", "Removes a consumer; returns how many entries it had pending."},
  {"XGROUP|DESTROY",          4,     Keys::Range(2, 2, 1), kWrite,          Acl::kStream, XGroupDestroy,        "5.0.0", "key group",          "Removes a consumer group."},
  {"XGROUP|HELP",             2,     Keys::None(),         kLoading | kStale, Acl::kStream, XGroupHelp,         "5.0.0", "",                   "Lists the subcommands."},
  {"XGROUP|SETID",            -5,    Keys::Range(2, 2, 1), kWrite,          Acl::kStream, XGroupSetId,          "5.0.0", "key group id-selector=<id|new-id='$'> [ENTRIESREAD entriesread'entries-read']", "Sets how far a consumer group has read."},
};
// clang-format on
static_assert(WellFormed(kStreamGroupCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> StreamGroupCommands() {
  return kStreamGroupCommands;
}

}  // namespace kiln
