// redis.register_function: how a library says what it holds, while it is being loaded.
//
//   redis.register_function('name', callback)
//   redis.register_function{function_name='name', callback=f, flags={'no-writes'}, description=''}
//
// What may raise a Lua error is done before any C++ object is made.

#include <cstring>

#include "engine/script/convert.h"
#include "engine/script/sandbox.h"
#include "engine/script/vm.h"

namespace kiln {
namespace {

struct Request {
  std::string_view name;
  std::string_view description;
  bool has_name = false;
  bool has_description = false;
  bool has_callback = false;
  uint32_t flags = 0;
};

std::string_view TextAt(lua_State* lua, int place) {
  size_t size = 0;
  const char* bytes = lua_tolstring(lua, place, &size);
  return {bytes, size};
}

// The table on top of the stack; an error text, or null.
const char* ReadFlags(lua_State* lua, uint32_t* flags) {
  for (int i = 1;; ++i) {
    lua_rawgeti(lua, -1, i);
    int type = lua_type(lua, -1);
    uint32_t flag = type == LUA_TSTRING ? FindScriptFlag(TextAt(lua, -1)) : 0;
    lua_pop(lua, 1);
    if (type == LUA_TNIL) return nullptr;
    if (flag == 0) return "unknown flag given";
    *flags |= flag;
  }
}

// The value is on top of the stack.
const char* ReadField(lua_State* lua, std::string_view field, Request* request) {
  int type = lua_type(lua, -1);
  if (field == "function_name") {
    if (type != LUA_TSTRING)
      return "function_name argument given to redis.register_function must be a string";
    request->name = TextAt(lua, -1);
    request->has_name = true;
  } else if (field == "description") {
    if (type != LUA_TSTRING)
      return "description argument given to redis.register_function must be a string";
    request->description = TextAt(lua, -1);
    request->has_description = true;
  } else if (field == "callback") {
    if (type != LUA_TFUNCTION)
      return "callback argument given to redis.register_function must be a function";
    request->has_callback = true;
    lua_pushvalue(lua, -1);
    lua_replace(lua, 2);  // Kept there.
  } else if (field == "flags") {
    if (type != LUA_TTABLE)
      return "flags argument to redis.register_function must be a table representing function "
             "flags";
    return ReadFlags(lua, &request->flags);
  } else {
    return "unknown argument given to redis.register_function";
  }
  return nullptr;
}

const char* ReadNamed(lua_State* lua, Request* request) {
  if (!lua_istable(lua, 1)) {
    return "calling redis.register_function with a single argument is only applicable to Lua table "
           "(representing named arguments).";
  }
  lua_pushnil(lua);  // Place 2, for the callback.
  lua_pushnil(lua);
  while (lua_next(lua, 1) != 0) {
    if (lua_type(lua, -2) != LUA_TSTRING)
      return "named argument key given to redis.register_function is not a string";
    if (const char* error = ReadField(lua, TextAt(lua, -2), request)) return error;
    lua_pop(lua, 1);
  }
  if (!request->has_name) return "redis.register_function must get a function name argument";
  if (!request->has_callback) return "redis.register_function must get a callback argument";
  return nullptr;
}

const char* ReadPositional(lua_State* lua, Request* request) {
  if (lua_type(lua, 1) != LUA_TSTRING)
    return "first argument to redis.register_function must be a string";
  if (lua_type(lua, 2) != LUA_TFUNCTION)
    return "second argument to redis.register_function must be a function";
  request->name = TextAt(lua, 1);
  return nullptr;
}

const char* ReadRequest(lua_State* lua, Request* request) {
  int count = lua_gettop(lua);
  if (count < 1 || count > 2) return "wrong number of arguments to redis.register_function";
  if (!ScriptVm::Of(lua).is_loading())
    return "redis.register_function can only be called on FUNCTION LOAD command";
  return count == 1 ? ReadNamed(lua, request) : ReadPositional(lua, request);
}

}  // namespace

int RegisterFunction(lua_State* lua) {
  Request request;
  const char* error = ReadRequest(lua, &request);
  if (error == nullptr) {
    lua_pushvalue(lua, 2);
    int reference = luaL_ref(lua, LUA_REGISTRYINDEX);
    error = ScriptVm::Of(lua).Register(request.name,
                                       request.has_description ? &request.description : nullptr,
                                       request.flags, reference);
    if (error != nullptr) luaL_unref(lua, LUA_REGISTRYINDEX, reference);
  }
  if (error == nullptr) return 0;
  const char* text = lua_pushfstring(lua, "ERR %s", error);
  PushErrorTable(lua, text);
  return lua_error(lua);
}

}  // namespace kiln
