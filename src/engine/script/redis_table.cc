// The `redis` table of scripts: redis.call and its companions.

#include "base/log.h"
#include "base/version.h"
#include "engine/commands/access_control.h"
#include "engine/commands/command_table.h"
#include "engine/commands/persistence.h"
#include "engine/commands/replication.h"
#include "engine/commands/services.h"
#include "engine/script/convert.h"
#include "engine/script/sandbox.h"
#include "engine/script/vm.h"

namespace kiln {
namespace {

// Replies to commands within a script that are kept in the buffer for the next.
constexpr size_t kMaxKeptReplyBytes = size_t{1} << 20;
constexpr lua_Number kReplNone = 0;
constexpr lua_Number kReplAof = 1;
constexpr lua_Number kReplReplica = 2;

int RaiseText(lua_State* lua, const char* text) {
  PushErrorTable(lua, text);
  return lua_error(lua);
}

// Why the script's caller may not run this command; empty when it may. The text stays in the run:
// Lua's errors skip destructors.
std::string_view AclRefusal(ScriptRun& run, const Command& command, Arguments arguments) {
  const Client& client = run.call.client;
  if (!client.is_limited) return {};
  AccessControl& access = *run.call.services.access;
  Denial denial = access.Check(client, command, arguments);
  if (!denial) return {};
  run.denial = "ERR ACL failure in script: " +
               access.Refuse(client, command, arguments, denial, DenialContext::kScript);
  return run.denial;
}

// What tests may have switched on; never a script within a script, nor EXEC.
bool MayForbidden(const ScriptRun& run, const Command& command) {
  return run.call.services.scripts->allows_forbidden() && run.is_alone &&
         !Has(command.acl, Acl::kScripting | Acl::kTransaction) && !command.Is(kPubSub);
}

// Why a script may not run this command now; empty when it may.
std::string_view Refusal(ScriptRun& run, const Command* command, Arguments arguments) {
  bool is_unknown_child = command != nullptr && command->Is(kContainer) && arguments.size() > 1;
  if (command == nullptr || is_unknown_child) return "ERR Unknown Redis command called from script";
  if (!command->HasArity(arguments.size()))
    return "ERR Wrong number of args calling Redis command from script";
  if (command->Is(kNoScript) && !MayForbidden(run, *command))
    return "ERR This Redis command is not allowed from script";
  const ReplicationControl& replication = *run.call.services.replication;
  if (!command->Is(kStale) && replication.IsStale())
    return "ERR Can not execute the command on a stale replica";
  if (std::string_view denial = AclRefusal(run, *command, arguments); !denial.empty())
    return denial;
  if (run.is_read_only && command->Is(kWrite | kMayReplicate)) {
    return "ERR Write commands are not allowed from read-only scripts.";
  }
  if (command->Is(kWrite)) {
    run.denial = run.call.services.persistence->WriteRefusal();
    if (!run.denial.empty()) return run.denial;
    std::string_view refusal = replication.WriteRefusal(run.call.client);
    if (!refusal.empty()) return refusal;
  }
  // Once it has written it must be able to finish.
  bool needs_room = command->Is(kGrows) && !run.has_written && !run.allows_oom;
  if (needs_room && !run.has_room) return TextOf(Error::kOutOfMemory);
  return {};
}

// Replaces the arguments on the stack by the command's reply; true when it is an error.
bool PushReplyOf(lua_State* lua, Arguments arguments) {
  ScriptVm& vm = ScriptVm::Of(lua);
  ScriptRun& run = vm.run();
  Services& services = run.call.services;
  const Command* command = services.commands->FindFor(run.call.client.is_admin, arguments);
  if (std::string_view refusal = Refusal(run, command, arguments); !refusal.empty()) [[unlikely]] {
    services.nested->CountRefused(command, refusal);
    lua_settop(lua, 0);
    PushCountedErrorTable(lua, refusal);
    return true;
  }
  if (command->Is(kWrite)) run.has_written = true;
  ByteBuffer& bytes = vm.reply_buffer();
  bytes.Clear();
  Reply reply(bytes, run.version);
  services.nested->RunNested(run.call, *command, arguments, reply);
  lua_settop(lua, 0);
  if (bytes.empty()) {
    lua_pushnil(lua);
    return false;
  }
  bool is_error = *bytes.data() == '-';
  PushReply(lua, bytes.data());
  if (bytes.capacity() > kMaxKeptReplyBytes) bytes.Release();
  return is_error;
}

bool PushCallResult(lua_State* lua) {
  if (lua_gettop(lua) == 0) {
    PushErrorTable(lua, "ERR Please specify at least one argument for this redis lib call");
    return true;
  }
  const auto* arguments = ScriptVm::Of(lua).ReadArguments(lua);
  if (arguments == nullptr) {
    PushErrorTable(lua, "ERR Lua redis lib command arguments must be strings or integers");
    return true;
  }
  return PushReplyOf(lua, *arguments);
}

int CallCommand(lua_State* lua) {
  return PushCallResult(lua) ? lua_error(lua) : 1;
}

int ProtectedCallCommand(lua_State* lua) {
  PushCallResult(lua);
  return 1;
}

// redis.error_reply(text): "-CODE text", "CODE text", or a text without a code word.
int ErrorReply(lua_State* lua) {
  if (lua_gettop(lua) != 1 || lua_type(lua, 1) != LUA_TSTRING) {
    PushErrorTable(lua, "ERR wrong number or type of arguments");
    return 1;
  }
  std::string_view text = lua_tostring(lua, 1);
  if (text.starts_with('-')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == '\r' || text.back() == '\n')) text.remove_suffix(1);
  if (text.find(' ') == std::string_view::npos) {
    lua_pushliteral(lua, "ERR ");
    lua_pushlstring(lua, text.data(), text.size());
    lua_concat(lua, 2);
    text = lua_tostring(lua, -1);
  }
  PushErrorTable(lua, text);
  return 1;
}

int StatusReply(lua_State* lua) {
  if (lua_gettop(lua) != 1 || lua_type(lua, 1) != LUA_TSTRING) {
    PushErrorTable(lua, "ERR wrong number or type of arguments");
    return 1;
  }
  lua_createtable(lua, 0, 1);
  lua_pushvalue(lua, 1);
  lua_setfield(lua, -2, "ok");
  return 1;
}

int Sha1Hex(lua_State* lua) {
  if (lua_gettop(lua) != 1) return RaiseText(lua, "ERR wrong number of arguments");
  size_t size = 0;
  const char* bytes = lua_tolstring(lua, 1, &size);
  ShaText sha = Sha1Of({bytes, size});
  lua_pushlstring(lua, sha.digits.data(), sha.digits.size());
  return 1;
}

// redis.log(level, text...)
int WriteLog(lua_State* lua) {
  int count = lua_gettop(lua);
  if (count < 2) return RaiseText(lua, "ERR redis.log() requires two arguments or more.");
  if (!lua_isnumber(lua, 1))
    return RaiseText(lua, "ERR First argument must be a number (log level).");
  auto level = static_cast<int>(lua_tonumber(lua, 1));
  if (level < 0 || level > static_cast<int>(LogLevel::kWarning))
    return RaiseText(lua, "ERR Invalid debug level.");
  luaL_Buffer line;
  luaL_buffinit(lua, &line);
  for (int i = 2; i <= count; ++i) {
    if (!lua_isstring(lua, i)) continue;
    if (i > 2) luaL_addchar(&line, ' ');
    lua_pushvalue(lua, i);
    luaL_addvalue(&line);
  }
  luaL_pushresult(&line);
  size_t size = 0;
  const char* text = lua_tolstring(lua, -1, &size);
  Log(static_cast<LogLevel>(level), {text, size});
  return 0;
}

int SetResp(lua_State* lua) {
  if (lua_gettop(lua) != 1) return RaiseText(lua, "ERR redis.setresp() requires one argument.");
  auto version = static_cast<int>(lua_tonumber(lua, 1));
  if (version != 2 && version != 3) return RaiseText(lua, "ERR RESP version must be 2 or 3.");
  ScriptRun& run = ScriptVm::Of(lua).run();
  run.version = version;
  run.call.client.protocol_version = version;
  return 0;
}

// redis.set_repl(flags): checked, and without effect: what a script changed is always replicated.
int SetRepl(lua_State* lua) {
  if (lua_gettop(lua) != 1) return RaiseText(lua, "ERR redis.set_repl() requires one argument.");
  auto flags = static_cast<int>(lua_tonumber(lua, 1));
  if ((flags & ~3) != 0) {
    return RaiseText(
        lua, "ERR Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.");
  }
  return 0;
}

// redis.acl_check_cmd(command [, argument...]): whether the script's caller may run it.
int AclCheckCommand(lua_State* lua) {
  if (lua_gettop(lua) == 0)
    return RaiseText(lua, "ERR Please specify at least one argument for this redis lib call");
  ScriptVm& vm = ScriptVm::Of(lua);
  const auto* arguments = vm.ReadArguments(lua);
  if (arguments == nullptr)
    return RaiseText(lua, "ERR Lua redis lib command arguments must be strings or integers");
  Call& call = vm.run().call;
  const Command* command = call.services.commands->FindFor(call.client.is_admin, *arguments);
  if (command == nullptr || (command->Is(kContainer) && arguments->size() > 1)) {
    return RaiseText(lua, "ERR Invalid command passed to redis.acl_check_cmd()");
  }
  lua_pushboolean(lua, !call.services.access->Check(call.client, *command, *arguments));
  return 1;
}

int PushFalse(lua_State* lua) {
  lua_pushboolean(lua, 0);
  return 1;
}
int PushTrue(lua_State* lua) {
  lua_pushboolean(lua, 1);
  return 1;
}
int PushNothing(lua_State*) {
  return 0;
}

constexpr luaL_Reg kFunctions[] = {
    {"call", CallCommand},
    {"pcall", ProtectedCallCommand},
    {"error_reply", ErrorReply},
    {"status_reply", StatusReply},
    {"sha1hex", Sha1Hex},
    {"log", WriteLog},
    {"setresp", SetResp},
    {"set_repl", SetRepl},
    {"acl_check_cmd", AclCheckCommand},
    {"breakpoint", PushFalse},
    {"debug", PushNothing},
    {"replicate_commands", PushTrue},
};

struct NumberRow {
  const char* name;
  lua_Number value;
};
constexpr NumberRow kNumbers[] = {
    {"LOG_DEBUG", 0},
    {"LOG_VERBOSE", 1},
    {"LOG_NOTICE", 2},
    {"LOG_WARNING", 3},
    {"REPL_NONE", kReplNone},
    {"REPL_AOF", kReplAof},
    {"REPL_SLAVE", kReplReplica},
    {"REPL_REPLICA", kReplReplica},
    {"REPL_ALL", kReplAof + kReplReplica},
};

// "7.2.4" as 0x00070204.
constexpr uint32_t VersionNumber(std::string_view version) {
  uint32_t number = 0;
  uint32_t part = 0;
  for (char c : version) {
    if (c == '.') {
      number = number << 8 | part;
      part = 0;
    } else {
      part = part * 10 + static_cast<uint32_t>(c - '0');
    }
  }
  return number << 8 | part;
}

void SetConstants(lua_State* lua) {
  for (const NumberRow& row : kNumbers) {
    lua_pushnumber(lua, row.value);
    lua_setfield(lua, -2, row.name);
  }
  lua_pushlstring(lua, kRedisVersion.data(), kRedisVersion.size());
  lua_setfield(lua, -2, "REDIS_VERSION");
  lua_pushnumber(lua, VersionNumber(kRedisVersion));
  lua_setfield(lua, -2, "REDIS_VERSION_NUM");
}

}  // namespace

void PushRedisTable(lua_State* lua) {
  lua_newtable(lua);
  for (const luaL_Reg& entry : kFunctions) {
    lua_pushcfunction(lua, entry.func);
    lua_setfield(lua, -2, entry.name);
  }
  SetConstants(lua);
}

void PushLoadingTable(lua_State* lua) {
  lua_newtable(lua);
  lua_pushcfunction(lua, RegisterFunction);
  lua_setfield(lua, -2, "register_function");
  lua_pushcfunction(lua, WriteLog);
  lua_setfield(lua, -2, "log");
  SetConstants(lua);
}

}  // namespace kiln
