// Values between Lua and RESP.
//
// A command's reply becomes a Lua value, and what a script returns becomes its reply, by the tables
// of Redis 7.2: https://redis.io/docs/latest/develop/programmability/lua-api/#data-type-conversion
// Both may raise Lua errors (memory, stack), so they must run inside a protected call, and nothing
// on the C++ stack below them may need a destructor.
//
// Thread safety: none.
#pragma once

#include <lua.hpp>

#include "protocol/resp/reply.h"

namespace kiln {

// Pushes the value of the complete reply that starts at `at`; returns where it ends. The bytes are
// our own handlers'.
const char* PushReply(lua_State* lua, const char* at);

// Writes the value on top of the stack as a reply and pops it. `script_version` is what
// redis.setresp chose.
void WriteValue(lua_State* lua, Reply& reply, int script_version);

// Pushes {err = text}, the form in which scripts see errors.
void PushErrorTable(lua_State* lua, std::string_view text);
// The same, marked as an error that the server has counted already.
void PushCountedErrorTable(lua_State* lua, std::string_view text);
// Field of a table that marks it so.
inline constexpr const char* kErrorIsCounted = "ignore_error_stats_update";

}  // namespace kiln
