// Sandbox: what a script can reach, and what it may not change.
//
// Scripts see a proxy of every shared table: an empty table whose metatable reads the hidden real
// one and refuses writes. Functions that would write past a metatable (rawset, table.insert,
// setmetatable) are replaced by ones that know the proxies. There is no os, io, package, debug,
// dofile, loadfile, print or newproxy, and bytecode is never loaded.
//
// Thread safety: none. May raise Lua errors.
#pragma once

#include <lua.hpp>
#include <string_view>

namespace kiln {

// Opens the libraries and the redis table, and leaves on the stack what a run needs: the proxy of
// the globals, the hidden globals, the error handler, and the globals of scripts whose text proves
// that they change none (declared_keys.h).
void InstallSandbox(lua_State* lua);

// The pieces, each pushing its table.
void PushRedisTable(lua_State* lua);
// What `redis` holds while a library is being loaded.
void PushLoadingTable(lua_State* lua);
int RegisterFunction(lua_State* lua);  // redis.register_function
void PushBitLibrary(lua_State* lua);
void PushJsonLibrary(lua_State* lua);
void PushMessagePackLibrary(lua_State* lua);
void PushStructLibrary(lua_State* lua);
// Replaces the random functions of the table on top.
void ReplaceRandom(lua_State* lua);

// Whether the globals are those of a library being loaded: `redis` alone, and another one. Raises
// nothing.
void SetLoading(lua_State* lua, bool is_loading);

// Compiles the text at `chunk`; binary chunks are refused with a message, as a syntax error is.
// Like luaL_loadbuffer.
int LoadText(lua_State* lua, std::string_view text, const char* chunk_name);

}  // namespace kiln
