#include "engine/script/sandbox.h"

#include <algorithm>
#include <climits>
#include <cstdint>
#include <cstring>

#include "engine/script/convert.h"
#include "engine/script/vm.h"

namespace kiln {
namespace {

// Upvalue of the functions here: the table that maps each proxy to its hidden table.
constexpr int kProxies = lua_upvalueindex(1);
constexpr double kMaxRepeatBytes = 0x1p29;
// In Lua's registry: the globals as scripts have them, and the two tables that they may show.
constexpr const char* kGlobalsProxy = "globals.proxy";
constexpr const char* kHiddenGlobals = "globals.hidden";
constexpr const char* kLoadingGlobals = "globals.loading";
constexpr const char* kReadOnlyText = "Attempt to modify a readonly table";

// Pushes the hidden table of the proxy at `place`; false and nothing pushed when it is no proxy.
bool PushHidden(lua_State* lua, int place) {
  lua_pushvalue(lua, place);
  lua_rawget(lua, kProxies);
  if (!lua_isnil(lua, -1)) return true;
  lua_pop(lua, 1);
  return false;
}

// Raises without a position, as Lua does where a C function meets a read-only table.
void RefuseProxy(lua_State* lua, int place) {
  if (!PushHidden(lua, place)) return;
  lua_pushstring(lua, kReadOnlyText);
  lua_error(lua);
}

// __newindex of proxies.
int RefuseWrite(lua_State* lua) {
  return luaL_error(lua, "%s", kReadOnlyText);
}

// __index of the hidden globals.
int RefuseMissing(lua_State* lua) {
  const char* name = lua_isstring(lua, 2) ? lua_tostring(lua, 2) : luaL_typename(lua, 2);
  return luaL_error(lua, "Script attempted to access nonexistent global variable '%s'", name);
}

// ---- Replacements of base functions ----

int SetMetatable(lua_State* lua) {
  int type = lua_type(lua, 2);
  luaL_checktype(lua, 1, LUA_TTABLE);
  luaL_argcheck(lua, type == LUA_TNIL || type == LUA_TTABLE, 2, "nil or table expected");
  RefuseProxy(lua, 1);
  if (luaL_getmetafield(lua, 1, "__metatable"))
    luaL_error(lua, "cannot change a protected metatable");
  lua_settop(lua, 2);
  lua_setmetatable(lua, 1);
  return 1;
}

int RawSet(lua_State* lua) {
  luaL_checktype(lua, 1, LUA_TTABLE);
  luaL_checkany(lua, 2);
  luaL_checkany(lua, 3);
  RefuseProxy(lua, 1);
  lua_settop(lua, 3);
  lua_rawset(lua, 1);
  return 1;
}

int RawGet(lua_State* lua) {
  luaL_checktype(lua, 1, LUA_TTABLE);
  luaL_checkany(lua, 2);
  lua_settop(lua, 2);
  if (PushHidden(lua, 1)) lua_replace(lua, 1);
  lua_rawget(lua, 1);
  return 1;
}

// next and the iterator of pairs; looks through proxies.
int Next(lua_State* lua) {
  luaL_checktype(lua, 1, LUA_TTABLE);
  lua_settop(lua, 2);
  if (PushHidden(lua, 1)) lua_replace(lua, 1);
  if (lua_next(lua, 1)) return 2;
  lua_pushnil(lua);
  return 1;
}

// Upvalues: the proxies, Next, Lua's own next.
int Pairs(lua_State* lua) {
  luaL_checktype(lua, 1, LUA_TTABLE);
  bool is_proxy = PushHidden(lua, 1);
  lua_pushvalue(lua, lua_upvalueindex(is_proxy ? 2 : 3));
  lua_pushvalue(lua, 1);
  lua_pushnil(lua);
  return 3;
}

// table.insert; the only function of that library that writes into an empty table. Upvalues: the
// proxies, the original. Positions below 1 would make the original move elements for minutes.
int TableInsert(lua_State* lua) {
  luaL_checktype(lua, 1, LUA_TTABLE);
  RefuseProxy(lua, 1);
  if (lua_gettop(lua) == 3)
    luaL_argcheck(lua, luaL_checkint(lua, 2) >= 1, 2, "position out of bounds");
  return lua_tocfunction(lua, lua_upvalueindex(2))(lua);
}

// unpack(list [, from [, to]]). Lua's own overflows when the range spans all integers.
int Unpack(lua_State* lua) {
  luaL_checktype(lua, 1, LUA_TTABLE);
  int64_t from = luaL_optint(lua, 2, 1);
  int64_t to = luaL_opt(lua, luaL_checkint, 3, static_cast<int>(lua_objlen(lua, 1)));
  if (from > to) return 0;
  int64_t count = to - from + 1;
  if (count >= INT_MAX || !lua_checkstack(lua, static_cast<int>(count))) {
    return luaL_error(lua, "too many results to unpack");
  }
  for (int64_t i = from; i <= to; ++i) lua_rawgeti(lua, 1, static_cast<int>(i));
  return static_cast<int>(count);
}

// string.rep(text, count): checks the size first, and copies in doubling steps.
int Repeat(lua_State* lua) {
  size_t size = 0;
  const char* text = luaL_checklstring(lua, 1, &size);
  lua_Number count = luaL_checknumber(lua, 2);
  if (!(count >= 1) || size == 0) {
    lua_pushliteral(lua, "");
    return 1;
  }
  if (count > kMaxRepeatBytes / static_cast<double>(size))
    luaL_error(lua, "resulting string too large");
  size_t total = size * static_cast<size_t>(count);
  auto* bytes = static_cast<char*>(lua_newuserdata(lua, total));
  std::memcpy(bytes, text, size);
  for (size_t done = size; done < total; done *= 2)
    std::memcpy(bytes + done, bytes, std::min(done, total - done));
  lua_pushlstring(lua, bytes, total);
  return 1;
}

// Errors thrown as tables reach the script as their text, as they were before Redis 7.
int ProtectedCall(lua_State* lua) {
  luaL_checkany(lua, 1);
  int status = lua_pcall(lua, lua_gettop(lua) - 1, LUA_MULTRET, 0);
  if (status == 0) {
    lua_pushboolean(lua, 1);
    lua_insert(lua, 1);
    return lua_gettop(lua);
  }
  if (lua_istable(lua, -1)) {
    lua_pushstring(lua, "err");
    lua_rawget(lua, -2);
    lua_isstring(lua, -1) ? lua_replace(lua, -2) : lua_pop(lua, 1);
  }
  lua_pushboolean(lua, 0);
  lua_insert(lua, -2);
  return 2;
}

// Calls the script's error handler. Not for the error that ends the run: it is raised within the
// hook, where no hook would be called again, so a handler without end could not be ended.
int HandleUnlessEnding(lua_State* lua) {
  if (ScriptVm::Of(lua).is_ending()) return 1;
  lua_pushvalue(lua, lua_upvalueindex(1));
  lua_insert(lua, 1);
  lua_call(lua, 1, 1);
  return 1;
}

// xpcall(function, handler)
int ProtectedCallWith(lua_State* lua) {
  luaL_checkany(lua, 2);
  lua_settop(lua, 2);
  lua_pushcclosure(lua, HandleUnlessEnding, 1);
  lua_insert(lua, 1);
  int status = lua_pcall(lua, 0, LUA_MULTRET, 1);
  lua_pushboolean(lua, status == 0);
  lua_replace(lua, 1);
  return lua_gettop(lua);
}

int LoadNamed(lua_State* lua, int text_place, const char* chunk_name) {
  size_t size = 0;
  const char* text = lua_tolstring(lua, text_place, &size);
  lua_pushstring(lua, chunk_name);  // keeps the name alive while the chunk is compiled
  if (LoadText(lua, {text, size}, lua_tostring(lua, -1)) == 0) return 1;
  lua_pushnil(lua);
  lua_insert(lua, -2);
  return 2;
}

// loadstring(text [, name])
int LoadString(lua_State* lua) {
  const char* text = luaL_checkstring(lua, 1);
  return LoadNamed(lua, 1, luaL_optstring(lua, 2, text));
}

// load(function [, name])
int LoadPieces(lua_State* lua) {
  const char* name = luaL_optstring(lua, 2, "=(load)");
  luaL_checktype(lua, 1, LUA_TFUNCTION);
  lua_settop(lua, 2);
  luaL_Buffer buffer;
  luaL_buffinit(lua, &buffer);
  while (true) {
    lua_pushvalue(lua, 1);
    lua_call(lua, 0, 1);
    if (lua_isnil(lua, -1)) break;
    if (!lua_isstring(lua, -1)) luaL_error(lua, "reader function must return a string");
    if (lua_objlen(lua, -1) == 0) break;
    luaL_addvalue(&buffer);
  }
  lua_pop(lua, 1);
  luaL_pushresult(&buffer);
  return LoadNamed(lua, lua_gettop(lua), name);
}

// collectgarbage([option [, argument]]): only what does not outlast the script.
int CollectGarbage(lua_State* lua) {
  static const char* const kOptions[] = {"stop", "restart",  "collect",    "count",
                                         "step", "setpause", "setstepmul", nullptr};
  int option = luaL_checkoption(lua, 1, "collect", kOptions);
  int argument = static_cast<int>(luaL_optinteger(lua, 2, 0));
  switch (option) {
    case 2:
      lua_pushnumber(lua, lua_gc(lua, LUA_GCCOLLECT, 0));
      return 1;
    case 3:
      lua_pushnumber(lua, lua_gc(lua, LUA_GCCOUNT, 0) + lua_gc(lua, LUA_GCCOUNTB, 0) / 1024.0);
      return 1;
    case 4:
      lua_pushboolean(lua, lua_gc(lua, LUA_GCSTEP, argument));
      return 1;
    default:
      lua_pushnumber(lua, 0);
      return 1;
  }
}

// ---- The error handler ----

// Makes any error a table {err, source, line}, the position being that of the script's own code.
int HandleError(lua_State* lua) {
  lua_settop(lua, 1);
  bool is_table = lua_istable(lua, 1) && !PushHidden(lua, 1);
  if (!is_table) {
    const char* text =
        lua_isstring(lua, 1) ? lua_tostring(lua, 1)
        : lua_isnil(lua, 1)  ? "nil"
        : lua_isboolean(lua, 1)
            ? (lua_toboolean(lua, 1) ? "true" : "false")
            : lua_pushfstring(lua, "%s: %p", luaL_typename(lua, 1), lua_topointer(lua, 1));
    text = lua_pushfstring(lua, "ERR %s", text);
    PushErrorTable(lua, text);
    lua_replace(lua, 1);
    lua_settop(lua, 1);
  }
  lua_Debug where;
  bool is_known = lua_getstack(lua, 1, &where) && lua_getinfo(lua, "nSl", &where);
  if (is_known && *where.what == 'C') {
    is_known = lua_getstack(lua, 2, &where) && lua_getinfo(lua, "nSl", &where);
  }
  if (!is_known) return 1;
  lua_pushstring(lua, "source");
  lua_pushstring(lua, where.source);
  lua_rawset(lua, 1);
  lua_pushstring(lua, "line");
  lua_pushinteger(lua, where.currentline);
  lua_rawset(lua, 1);
  return 1;
}

// ---- Building ----

void Open(lua_State* lua, lua_CFunction library, const char* name) {
  lua_pushcfunction(lua, library);
  lua_pushstring(lua, name);
  lua_call(lua, 1, 0);
}

// Sets field `name` of the table at `table` to a closure of `function` over the proxies.
void SetGuard(lua_State* lua, int table, int proxies, const char* name, lua_CFunction function) {
  lua_pushvalue(lua, proxies);
  lua_pushcclosure(lua, function, 1);
  lua_setfield(lua, table, name);
}

// Pops a table and pushes a proxy of it.
void MakeProxy(lua_State* lua, int proxies, int locked) {
  int hidden = lua_gettop(lua);
  lua_newtable(lua);
  lua_createtable(lua, 0, 3);
  lua_pushvalue(lua, hidden);
  lua_setfield(lua, -2, "__index");
  lua_pushcfunction(lua, RefuseWrite);
  lua_setfield(lua, -2, "__newindex");
  lua_pushvalue(lua, locked);
  lua_setfield(lua, -2, "__metatable");
  lua_setmetatable(lua, -2);
  lua_pushvalue(lua, -1);
  lua_pushvalue(lua, hidden);
  lua_rawset(lua, proxies);
  lua_remove(lua, hidden);
}

// Fields that the table has not are an error.
void RefuseMissingFields(lua_State* lua, int table) {
  lua_createtable(lua, 0, 1);
  lua_pushcfunction(lua, RefuseMissing);
  lua_setfield(lua, -2, "__index");
  lua_setmetatable(lua, table);
}

void ReplaceBaseFunctions(lua_State* lua, int globals, int proxies) {
  for (const char* name : {"dofile", "loadfile", "print", "newproxy"}) {
    lua_pushnil(lua);
    lua_setfield(lua, globals, name);
  }
  constexpr luaL_Reg kPlain[] = {{"pcall", ProtectedCall},   {"xpcall", ProtectedCallWith},
                                 {"loadstring", LoadString}, {"load", LoadPieces},
                                 {"unpack", Unpack},         {"collectgarbage", CollectGarbage}};
  for (const luaL_Reg& entry : kPlain) {
    lua_pushcfunction(lua, entry.func);
    lua_setfield(lua, globals, entry.name);
  }
  lua_pushvalue(lua, proxies);
  SetGuard(lua, globals, proxies, "setmetatable", SetMetatable);
  SetGuard(lua, globals, proxies, "rawset", RawSet);
  SetGuard(lua, globals, proxies, "rawget", RawGet);
  lua_pushvalue(lua, proxies);
  lua_pushcclosure(lua, Next, 1);
  lua_getfield(lua, globals, "next");
  lua_pushcclosure(lua, Pairs, 3);
  lua_setfield(lua, globals, "pairs");
  SetGuard(lua, globals, proxies, "next", Next);
  lua_getfield(lua, globals, "string");
  lua_pushcfunction(lua, Repeat);
  lua_setfield(lua, -2, "rep");
  lua_getfield(lua, globals, "table");
  lua_pushvalue(lua, proxies);
  lua_getfield(lua, -2, "insert");
  lua_pushcclosure(lua, TableInsert, 2);
  lua_setfield(lua, -2, "insert");
  lua_pop(lua, 2);
}

void OpenLibraries(lua_State* lua, int globals) {
  Open(lua, luaopen_base, "");
  Open(lua, luaopen_table, LUA_TABLIBNAME);
  Open(lua, luaopen_string, LUA_STRLIBNAME);
  Open(lua, luaopen_math, LUA_MATHLIBNAME);
  lua_getfield(lua, globals, LUA_MATHLIBNAME);
  ReplaceRandom(lua);
  lua_pop(lua, 1);
  PushJsonLibrary(lua);
  lua_setfield(lua, globals, "cjson");
  PushMessagePackLibrary(lua);
  lua_setfield(lua, globals, "cmsgpack");
  PushStructLibrary(lua);
  lua_setfield(lua, globals, "struct");
  PushBitLibrary(lua);
  lua_setfield(lua, globals, "bit");
  PushRedisTable(lua);
  lua_setfield(lua, globals, "redis");
}

// The globals of scripts that are known to assign neither to KEYS, ARGV and `redis` nor to fields
// of `redis`, and to get at no globals but by name: these three are found here at once, `redis`
// itself and no proxy of it. The rest is the proxy's, which becomes __index.
void PushLeanGlobals(lua_State* lua, int globals) {
  lua_createtable(lua, 0, 4);
  lua_getfield(lua, globals, "redis");
  lua_setfield(lua, -2, "redis");
  lua_createtable(lua, 0, 2);
  lua_pushcfunction(lua, RefuseWrite);
  lua_setfield(lua, -2, "__newindex");
  lua_setmetatable(lua, -2);
}

}  // namespace

void SetLoading(lua_State* lua, bool is_loading) {
  lua_getfield(lua, LUA_REGISTRYINDEX, kGlobalsProxy);
  lua_getmetatable(lua, -1);
  lua_getfield(lua, LUA_REGISTRYINDEX, is_loading ? kLoadingGlobals : kHiddenGlobals);
  lua_setfield(lua, -2, "__index");
  lua_pop(lua, 2);
}

int LoadText(lua_State* lua, std::string_view text, const char* chunk_name) {
  if (text.starts_with(LUA_SIGNATURE[0])) {
    lua_pushliteral(lua, "binary chunks are not allowed");
    return LUA_ERRSYNTAX;
  }
  return luaL_loadbuffer(lua, text.data(), text.size(), chunk_name);
}

void InstallSandbox(lua_State* lua) {
  // The name of scripts' chunks must not be collected while one is compiled.
  lua_pushliteral(lua, "@user_script");
  luaL_ref(lua, LUA_REGISTRYINDEX);
  lua_newtable(lua);
  int proxies = lua_gettop(lua);
  // What getmetatable shows of protected tables: an empty one, as protected.
  lua_newtable(lua);
  int locked = lua_gettop(lua);
  lua_newtable(lua);
  MakeProxy(lua, proxies, locked);
  lua_replace(lua, locked);
  lua_pushvalue(lua, LUA_GLOBALSINDEX);
  int globals = lua_gettop(lua);
  OpenLibraries(lua, globals);
  ReplaceBaseFunctions(lua, globals, proxies);
  PushLeanGlobals(lua, globals);
  int lean = lua_gettop(lua);
  for (const char* name :
       {"string", "table", "math", "coroutine", "cjson", "cmsgpack", "struct", "bit", "redis"}) {
    lua_getfield(lua, globals, name);
    MakeProxy(lua, proxies, locked);
    lua_setfield(lua, globals, name);
  }
  lua_pushliteral(lua, "");
  lua_getmetatable(lua, -1);
  lua_pushvalue(lua, locked);
  lua_setfield(lua, -2, "__metatable");
  lua_pop(lua, 2);

  RefuseMissingFields(lua, globals);
  lua_newtable(lua);
  PushLoadingTable(lua);
  RefuseMissingFields(lua, lua_gettop(lua));
  MakeProxy(lua, proxies, locked);
  lua_setfield(lua, -2, "redis");
  RefuseMissingFields(lua, lua_gettop(lua));
  lua_setfield(lua, LUA_REGISTRYINDEX, kLoadingGlobals);
  lua_pushvalue(lua, globals);
  MakeProxy(lua, proxies, locked);
  lua_getmetatable(lua, lean);
  lua_pushvalue(lua, -2);
  lua_setfield(lua, -2, "__index");
  lua_pop(lua, 1);
  lua_pushvalue(lua, -1);
  lua_setfield(lua, globals, "_G");
  lua_pushvalue(lua, -1);
  lua_setfield(lua, LUA_REGISTRYINDEX, kGlobalsProxy);
  lua_pushvalue(lua, globals);
  lua_setfield(lua, LUA_REGISTRYINDEX, kHiddenGlobals);
  lua_pushvalue(lua, globals);
  lua_pushvalue(lua, proxies);
  lua_pushcclosure(lua, HandleError, 1);
  lua_pushvalue(lua, lean);
}

}  // namespace kiln
