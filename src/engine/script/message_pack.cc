// The cmsgpack library of scripts: MessagePack. Source:
// https://github.com/msgpack/msgpack/blob/master/spec.md
//
// As in Redis, strings are packed as str (there is no bin, ext or timestamp), whole numbers as
// integers, doubles that floats can hold as floats, tables with keys 1..n as arrays, and what is
// nested deeper than 16 levels as nil.

#include <bit>
#include <climits>
#include <cstring>

#include "engine/script/sandbox.h"
#include "engine/script/vm.h"

namespace kiln {
namespace {

constexpr int kMaxNesting = 16;
constexpr size_t kMaxPackedBytes = size_t{1} << 28;
constexpr size_t kMaxKeptBytes = size_t{1} << 20;

// ---- Packing ----

// Big-endian, as all numbers in this format.
template <class T>
void Put(ByteBuffer& out, uint8_t tag, T value) {
  char* at = out.Reserve(1 + sizeof(T));
  *at++ = static_cast<char>(tag);
  for (size_t i = sizeof(T); i-- > 0;) *at++ = static_cast<char>(value >> (8 * i));
  out.CommitTo(at);
}

void PutTag(ByteBuffer& out, uint8_t tag) {
  out.Append({reinterpret_cast<const char*>(&tag), 1});
}

void PutInteger(ByteBuffer& out, int64_t value) {
  auto bits = static_cast<uint64_t>(value);
  if (value >= 0) {
    if (value <= 127) return PutTag(out, static_cast<uint8_t>(value));
    if (value <= 0xff) return Put(out, 0xcc, static_cast<uint8_t>(value));
    if (value <= 0xffff) return Put(out, 0xcd, static_cast<uint16_t>(value));
    if (value <= 0xffffffff) return Put(out, 0xce, static_cast<uint32_t>(value));
    return Put(out, 0xcf, bits);
  }
  if (value >= -32) return PutTag(out, static_cast<uint8_t>(value));
  if (value >= INT8_MIN) return Put(out, 0xd0, static_cast<uint8_t>(value));
  if (value >= INT16_MIN) return Put(out, 0xd1, static_cast<uint16_t>(value));
  if (value >= INT32_MIN) return Put(out, 0xd2, static_cast<uint32_t>(value));
  Put(out, 0xd3, bits);
}

void PutNumber(ByteBuffer& out, double value) {
  if (value >= -0x1p63 && value < 0x1p63 &&
      value == static_cast<double>(static_cast<int64_t>(value))) {
    return PutInteger(out, static_cast<int64_t>(value));
  }
  auto small = static_cast<float>(value);
  if (static_cast<double>(small) == value) return Put(out, 0xca, std::bit_cast<uint32_t>(small));
  Put(out, 0xcb, std::bit_cast<uint64_t>(value));
}

// The header of a thing with a length: `fixed` with the length in its low bits, then forms of 16
// and 32 bits.
void PutLength(ByteBuffer& out, uint8_t fixed, uint8_t tag16, size_t length) {
  if (length <= 15) return PutTag(out, static_cast<uint8_t>(fixed | length));
  if (length <= 0xffff) return Put(out, tag16, static_cast<uint16_t>(length));
  Put(out, static_cast<uint8_t>(tag16 + 1), static_cast<uint32_t>(length));
}

void PutString(ByteBuffer& out, std::string_view text) {
  if (text.size() < 32) {
    PutTag(out, static_cast<uint8_t>(0xa0 | text.size()));
  } else if (text.size() <= 0xff) {
    Put(out, 0xd9, static_cast<uint8_t>(text.size()));
  } else if (text.size() <= 0xffff) {
    Put(out, 0xda, static_cast<uint16_t>(text.size()));
  } else {
    Put(out, 0xdb, static_cast<uint32_t>(text.size()));
  }
  out.Append(text);
}

// The entries of the table on top; whether its keys are 1..n.
bool IsArray(lua_State* lua, size_t* entries) {
  double highest = 0;
  bool is_array = true;
  for (lua_pushnil(lua); lua_next(lua, -2) != 0; lua_pop(lua, 1)) {
    ++*entries;
    double key = lua_type(lua, -2) == LUA_TNUMBER ? lua_tonumber(lua, -2) : 0;
    is_array &= key >= 1 && key <= INT_MAX && key == static_cast<double>(static_cast<int>(key));
    if (key > highest) highest = key;
  }
  return is_array && highest == static_cast<double>(*entries);
}

void PackTop(lua_State* lua, ByteBuffer& out, int level);

void PackTable(lua_State* lua, ByteBuffer& out, int level) {
  size_t entries = 0;
  if (IsArray(lua, &entries)) {
    PutLength(out, 0x90, 0xdc, entries);
    for (size_t i = 1; i <= entries; ++i) {
      lua_rawgeti(lua, -1, static_cast<int>(i));
      PackTop(lua, out, level + 1);
    }
    return;
  }
  PutLength(out, 0x80, 0xde, entries);
  for (lua_pushnil(lua); lua_next(lua, -2) != 0;) {
    lua_pushvalue(lua, -2);
    PackTop(lua, out, level + 1);
    PackTop(lua, out, level + 1);
  }
}

// Packs the value on top and pops it.
void PackTop(lua_State* lua, ByteBuffer& out, int level) {
  luaL_checkstack(lua, 6, "too many nested values");
  if (out.size() > kMaxPackedBytes) luaL_error(lua, "the packed text would be too large");
  size_t size = 0;
  switch (lua_type(lua, -1)) {
    case LUA_TSTRING: {
      const char* bytes = lua_tolstring(lua, -1, &size);
      PutString(out, {bytes, size});
      break;
    }
    case LUA_TBOOLEAN:
      PutTag(out, lua_toboolean(lua, -1) ? 0xc3 : 0xc2);
      break;
    case LUA_TNUMBER:
      PutNumber(out, lua_tonumber(lua, -1));
      break;
    case LUA_TTABLE:
      if (level < kMaxNesting) {
        PackTable(lua, out, level);
        break;
      }
      [[fallthrough]];
    default:
      PutTag(out, 0xc0);
  }
  lua_pop(lua, 1);
}

// cmsgpack.pack(value...)
int Pack(lua_State* lua) {
  int count = lua_gettop(lua);
  if (count == 0) return luaL_argerror(lua, 0, "MessagePack pack needs input.");
  ByteBuffer& out = ScriptVm::Of(lua).reply_buffer();
  out.Clear();
  for (int i = 1; i <= count; ++i) {
    lua_pushvalue(lua, i);
    PackTop(lua, out, 0);
  }
  lua_pushlstring(lua, out.data(), out.size());
  if (out.capacity() > kMaxKeptBytes) out.Release();
  return 1;
}

// ---- Unpacking ----

struct Input {
  lua_State* lua;
  const char* at;
  size_t left;

  std::string_view Take(size_t bytes) {
    if (bytes > left) luaL_error(lua, "Missing bytes in input.");
    std::string_view taken(at, bytes);
    at += bytes;
    left -= bytes;
    return taken;
  }
  uint64_t Number(size_t bytes) {
    uint64_t value = 0;
    for (char c : Take(bytes)) value = value << 8 | static_cast<uint8_t>(c);
    return value;
  }
};

void UnpackOne(Input& in);

void UnpackString(Input& in, size_t size) {
  std::string_view bytes = in.Take(size);
  lua_pushlstring(in.lua, bytes.data(), bytes.size());
}

void UnpackArray(Input& in, uint64_t length) {
  lua_newtable(in.lua);
  for (uint64_t i = 1; i <= length; ++i) {
    UnpackOne(in);
    lua_rawseti(in.lua, -2, static_cast<int>(i));
  }
}

void UnpackMap(Input& in, uint64_t length) {
  lua_newtable(in.lua);
  for (uint64_t i = 0; i < length; ++i) {
    UnpackOne(in);
    UnpackOne(in);
    lua_settable(in.lua, -3);  // raises for keys that no table can have
  }
}

void UnpackTagged(Input& in, uint8_t tag) {
  lua_State* lua = in.lua;
  switch (tag) {
    case 0xc0:
      return lua_pushnil(lua);
    case 0xc2:
      return lua_pushboolean(lua, 0);
    case 0xc3:
      return lua_pushboolean(lua, 1);
    case 0xca:
      return lua_pushnumber(lua, std::bit_cast<float>(static_cast<uint32_t>(in.Number(4))));
    case 0xcb:
      return lua_pushnumber(lua, std::bit_cast<double>(in.Number(8)));
    case 0xcc:
      return lua_pushnumber(lua, static_cast<lua_Number>(in.Number(1)));
    case 0xcd:
      return lua_pushnumber(lua, static_cast<lua_Number>(in.Number(2)));
    case 0xce:
      return lua_pushnumber(lua, static_cast<lua_Number>(in.Number(4)));
    case 0xcf:
      return lua_pushnumber(lua, static_cast<lua_Number>(in.Number(8)));
    case 0xd0:
      return lua_pushnumber(lua, static_cast<int8_t>(in.Number(1)));
    case 0xd1:
      return lua_pushnumber(lua, static_cast<int16_t>(in.Number(2)));
    case 0xd2:
      return lua_pushnumber(lua, static_cast<int32_t>(in.Number(4)));
    case 0xd3:
      return lua_pushnumber(lua, static_cast<lua_Number>(static_cast<int64_t>(in.Number(8))));
    case 0xd9:
      return UnpackString(in, in.Number(1));
    case 0xda:
      return UnpackString(in, in.Number(2));
    case 0xdb:
      return UnpackString(in, in.Number(4));
    case 0xdc:
      return UnpackArray(in, in.Number(2));
    case 0xdd:
      return UnpackArray(in, in.Number(4));
    case 0xde:
      return UnpackMap(in, in.Number(2));
    case 0xdf:
      return UnpackMap(in, in.Number(4));
    default:
      luaL_error(lua, "Bad data format in input.");
  }
}

void UnpackOne(Input& in) {
  luaL_checkstack(in.lua, 4,
                  "too many return values at once; use unpack_one or unpack_limit instead.");
  auto tag = static_cast<uint8_t>(in.Take(1)[0]);
  if (tag <= 0x7f || tag >= 0xe0) return lua_pushnumber(in.lua, static_cast<int8_t>(tag));
  if (tag <= 0x8f) return UnpackMap(in, tag & 15);
  if (tag <= 0x9f) return UnpackArray(in, tag & 15);
  if (tag <= 0xbf) return UnpackString(in, tag & 31);
  UnpackTagged(in, tag);
}

// Up to `limit` values from `offset` on. With `says_where` the place of the next value (-1: none)
// comes first.
int UnpackSome(lua_State* lua, int limit, int offset, bool says_where) {
  size_t size = 0;
  const char* bytes = luaL_checklstring(lua, 1, &size);
  if (offset < 0 || limit < 0) {
    return luaL_error(lua, "Invalid request to unpack with offset of %d and limit of %d.", offset,
                      limit);
  }
  auto start = static_cast<size_t>(offset);
  if (start > size) {
    return luaL_error(lua, "Start offset %d greater than input length %d.", offset,
                      static_cast<int>(size));
  }
  lua_settop(lua, 1);
  Input in{lua, bytes + start, size - start};
  int count = 0;
  for (; in.left > 0 && count < limit; ++count) UnpackOne(in);
  if (!says_where) return count;
  luaL_checkstack(lua, 1, "too many return values at once");
  lua_pushinteger(lua, in.left == 0 ? -1 : static_cast<lua_Integer>(size - in.left));
  lua_insert(lua, 2);
  return count + 1;
}

// cmsgpack.unpack(text), unpack_one(text [, offset]), unpack_limit(text, limit [, offset])
int Unpack(lua_State* lua) {
  return UnpackSome(lua, INT_MAX, 0, false);
}
int UnpackFirst(lua_State* lua) {
  return UnpackSome(lua, 1, luaL_optint(lua, 2, 0), true);
}
int UnpackLimit(lua_State* lua) {
  int limit = luaL_checkint(lua, 2);
  int offset = luaL_optint(lua, 3, 0);
  // Neither given: everything, as unpack does.
  return limit == 0 && offset == 0 ? Unpack(lua) : UnpackSome(lua, limit, offset, true);
}

constexpr luaL_Reg kFunctions[] = {
    {"pack", Pack},
    {"unpack", Unpack},
    {"unpack_one", UnpackFirst},
    {"unpack_limit", UnpackLimit},
};

}  // namespace

void PushMessagePackLibrary(lua_State* lua) {
  lua_newtable(lua);
  for (const luaL_Reg& entry : kFunctions) {
    lua_pushcfunction(lua, entry.func);
    lua_setfield(lua, -2, entry.name);
  }
}

}  // namespace kiln
