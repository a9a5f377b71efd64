#include "engine/script/convert.h"

#include <algorithm>
#include <cstdlib>

namespace kiln {
namespace {

// A reply of more is a script's mistake: tables that share tables can make one out of nothing.
constexpr size_t kMaxReplyBytes = size_t{1} << 29;
constexpr int kMaxReplyElements = 1 << 23;

int64_t ReadNumber(const char** at) {
  const char* p = *at;
  bool is_negative = *p == '-';
  if (is_negative) ++p;
  uint64_t value = 0;
  while (*p != '\r') value = value * 10 + static_cast<uint64_t>(*p++ - '0');
  *at = p + 2;
  return static_cast<int64_t>(is_negative ? 0 - value : value);
}

std::string_view ReadLine(const char** at) {
  const char* end = *at;
  while (*end != '\r') ++end;
  std::string_view line(*at, static_cast<size_t>(end - *at));
  *at = end + 2;
  return line;
}

std::string_view ReadBytes(const char** at, size_t size) {
  std::string_view bytes(*at, size);
  *at += size + 2;
  return bytes;
}

void Push(lua_State* lua, std::string_view text) {
  lua_pushlstring(lua, text.data(), text.size());
}

void SetField(lua_State* lua, const char* name, std::string_view text) {
  Push(lua, text);
  lua_setfield(lua, -2, name);
}

const char* PushArray(lua_State* lua, const char* at, int64_t length) {
  lua_createtable(lua, static_cast<int>(length), 0);
  for (int64_t i = 1; i <= length; ++i) {
    at = PushReply(lua, at);
    lua_rawseti(lua, -2, static_cast<int>(i));
  }
  return at;
}

// {map = {...}} or {set = {element = true, ...}}.
const char* PushKeyed(lua_State* lua, const char* at, const char* name, bool is_map) {
  int64_t length = ReadNumber(&at);
  lua_createtable(lua, 0, 1);
  lua_createtable(lua, 0, static_cast<int>(length));
  for (int64_t i = 0; i < length; ++i) {
    at = PushReply(lua, at);
    if (is_map) {
      at = PushReply(lua, at);
    } else {
      lua_pushboolean(lua, 1);
    }
    if (lua_isnil(lua, -2)) {  // no key in Lua
      lua_pop(lua, 2);
    } else {
      lua_rawset(lua, -3);
    }
  }
  lua_setfield(lua, -2, name);
  return at;
}

void PushVerbatim(lua_State* lua, std::string_view bytes) {
  lua_createtable(lua, 0, 1);
  lua_createtable(lua, 0, 2);
  SetField(lua, "format", bytes.substr(0, 3));
  SetField(lua, "string", bytes.substr(4));
  lua_setfield(lua, -2, "verbatim_string");
}

// Skips the attribute's pairs: scripts do not see them.
const char* SkipAttribute(lua_State* lua, const char* at) {
  for (int64_t left = 2 * ReadNumber(&at); left > 0; --left) {
    at = PushReply(lua, at);
    lua_pop(lua, 1);
  }
  return PushReply(lua, at);
}

const char* PushRareReply(lua_State* lua, const char* at, char sigil) {
  switch (sigil) {
    case '_':
      lua_pushnil(lua);
      return at + 2;
    case '#':
      lua_pushboolean(lua, *at == 't');
      return at + 3;
    case ',': {
      std::string_view text = ReadLine(&at);
      lua_createtable(lua, 0, 1);
      lua_pushnumber(lua, std::strtod(text.data(), nullptr));
      lua_setfield(lua, -2, "double");
      return at;
    }
    case '(':
      lua_createtable(lua, 0, 1);
      SetField(lua, "big_number", ReadLine(&at));
      return at;
    case '=': {
      int64_t size = ReadNumber(&at);
      PushVerbatim(lua, ReadBytes(&at, static_cast<size_t>(size)));
      return at;
    }
    case '%':
      return PushKeyed(lua, at, "map", true);
    case '~':
      return PushKeyed(lua, at, "set", false);
    case '|':
      return SkipAttribute(lua, at);
    default:  // '>'
      return PushArray(lua, at, ReadNumber(&at));
  }
}

// ---- Lua to RESP ----

struct Writer {
  lua_State* lua;
  Reply& reply;
  int version;
  size_t max_bytes;
  int* elements_left;

  // Pushes a raw field of the table on top if it has the type; false and nothing pushed otherwise.
  bool PushField(const char* name, int type) const {
    lua_pushstring(lua, name);
    lua_rawget(lua, -2);
    if (lua_type(lua, -1) == type) return true;
    lua_pop(lua, 1);
    return false;
  }
};

// Makes line ends spaces, so that no text can forge a reply.
void FlattenLines(char* text, size_t size) {
  for (char* end = text + size; text != end; ++text) {
    if (*text == '\r' || *text == '\n') *text = ' ';
  }
}

void WriteLine(const Writer& w, char sigil, std::string_view text) {
  ByteBuffer& out = w.reply.out();
  char* at = out.Reserve(text.size() + 3);
  *at++ = sigil;
  std::memcpy(at, text.data(), text.size());
  FlattenLines(at, text.size());
  std::memcpy(at + text.size(), "\r\n", 2);
  out.Commit(text.size() + 3);
}

std::string_view TopText(const Writer& w) {
  size_t size = 0;
  const char* bytes = lua_tolstring(w.lua, -1, &size);
  return {bytes, size};
}

void WriteBigNumber(const Writer& w) {
  std::string_view digits = TopText(w);
  if (w.reply.version() >= 3) return WriteLine(w, '(', digits);
  w.reply.Bulk(digits);
  ByteBuffer& out = w.reply.out();
  FlattenLines(out.data() + out.size() - 2 - digits.size(), digits.size());
}

void WriteTop(const Writer& w);

void WriteMap(const Writer& w, bool is_map) {
  size_t length = 0;
  for (lua_pushnil(w.lua); lua_next(w.lua, -2) != 0; lua_pop(w.lua, 1)) ++length;
  is_map ? w.reply.Map(length) : w.reply.Set(length);
  lua_pushnil(w.lua);
  while (lua_next(w.lua, -2) != 0) {
    if (!is_map) lua_pop(w.lua, 1);
    lua_pushvalue(w.lua, is_map ? -2 : -1);
    WriteTop(w);
    if (is_map) WriteTop(w);
  }
}

// Up to the first nil.
void WriteArray(const Writer& w) {
  int length = 0;
  while (true) {
    lua_rawgeti(w.lua, -1, length + 1);
    bool is_end = lua_isnil(w.lua, -1);
    lua_pop(w.lua, 1);
    if (is_end) break;
    ++length;
  }
  w.reply.Array(static_cast<size_t>(length));
  for (int i = 1; i <= length; ++i) {
    lua_rawgeti(w.lua, -1, i);
    WriteTop(w);
  }
}

// {verbatim_string = {format = ..., string = ...}}; the inner table is on top. False when it is
// incomplete.
bool WriteVerbatim(const Writer& w) {
  if (!w.PushField("format", LUA_TSTRING)) return false;
  std::string_view format = TopText(w);
  lua_pop(w.lua, 1);  // the table still holds the string
  if (!w.PushField("string", LUA_TSTRING)) return false;
  char padded[3] = {' ', ' ', ' '};
  std::memcpy(padded, format.data(), std::min<size_t>(format.size(), 3));
  FlattenLines(padded, sizeof(padded));
  w.reply.Verbatim({padded, 3}, TopText(w));
  lua_pop(w.lua, 1);
  return true;
}

// The tables that stand for one of RESP's types; false when the table on top is none of them.
// Leaves the table.
bool WriteTypedTable(const Writer& w) {
  if (w.PushField("err", LUA_TSTRING)) {
    std::string_view text = lua_tostring(w.lua, -1);
    lua_pop(w.lua, 1);
    bool is_counted = w.PushField(kErrorIsCounted, LUA_TBOOLEAN);
    if (is_counted) lua_pop(w.lua, 1);
    is_counted ? w.reply.CountedError(text) : w.reply.Error(text);
    return true;
  }
  if (w.PushField("ok", LUA_TSTRING)) {
    WriteLine(w, '+', lua_tostring(w.lua, -1));
  } else if (w.PushField("double", LUA_TNUMBER)) {
    w.reply.Double(lua_tonumber(w.lua, -1));
  } else if (w.PushField("big_number", LUA_TSTRING)) {
    WriteBigNumber(w);
  } else {
    return false;
  }
  lua_pop(w.lua, 1);
  return true;
}

void WriteTable(const Writer& w) {
  if (WriteTypedTable(w)) return;
  if (w.PushField("verbatim_string", LUA_TTABLE)) {
    bool is_written = WriteVerbatim(w);
    lua_pop(w.lua, 1);
    if (is_written) return;
  }
  for (bool is_map : {true, false}) {
    if (!w.PushField(is_map ? "map" : "set", LUA_TTABLE)) continue;
    WriteMap(w, is_map);
    lua_pop(w.lua, 1);
    return;
  }
  WriteArray(w);
}

// Beyond the range of integers: what the processor gives.
int64_t Truncate(double value) {
  if (!(value >= -0x1p63 && value < 0x1p63)) return INT64_MIN;
  return static_cast<int64_t>(value);
}

void WriteTop(const Writer& w) {
  if (!lua_checkstack(w.lua, 6)) {
    w.reply.Error("ERR reached lua stack limit");
    lua_pop(w.lua, 1);
    return;
  }
  if (w.reply.out().size() > w.max_bytes || --*w.elements_left < 0)
    luaL_error(w.lua, "the reply is too large");
  switch (lua_type(w.lua, -1)) {
    case LUA_TSTRING:
      w.reply.Bulk(TopText(w));
      break;
    case LUA_TNUMBER:
      w.reply.Integer(Truncate(lua_tonumber(w.lua, -1)));
      break;
    case LUA_TBOOLEAN:
      if (w.version >= 3) {
        w.reply.Boolean(lua_toboolean(w.lua, -1) != 0);
      } else if (lua_toboolean(w.lua, -1)) {
        w.reply.Integer(1);
      } else {
        w.reply.Null();
      }
      break;
    case LUA_TTABLE:
      WriteTable(w);
      break;
    default:
      w.reply.Null();
  }
  lua_pop(w.lua, 1);
}

}  // namespace

const char* PushReply(lua_State* lua, const char* at) {
  luaL_checkstack(lua, 8, "a reply is nested too deeply");
  char sigil = *at++;
  switch (sigil) {
    case '$': {
      int64_t size = ReadNumber(&at);
      if (size < 0) {
        lua_pushboolean(lua, 0);
      } else {
        Push(lua, ReadBytes(&at, static_cast<size_t>(size)));
      }
      return at;
    }
    case ':':
      lua_pushnumber(lua, static_cast<lua_Number>(ReadNumber(&at)));
      return at;
    case '+':
      lua_createtable(lua, 0, 1);
      SetField(lua, "ok", ReadLine(&at));
      return at;
    case '-':
      PushCountedErrorTable(lua, ReadLine(&at));
      return at;
    case '*': {
      int64_t length = ReadNumber(&at);
      if (length >= 0) return PushArray(lua, at, length);
      lua_pushboolean(lua, 0);
      return at;
    }
    default:
      return PushRareReply(lua, at, sigil);
  }
}

void WriteValue(lua_State* lua, Reply& reply, int script_version) {
  int elements_left = kMaxReplyElements;
  WriteTop({lua, reply, script_version, reply.out().size() + kMaxReplyBytes, &elements_left});
}

void PushErrorTable(lua_State* lua, std::string_view text) {
  lua_createtable(lua, 0, 4);
  SetField(lua, "err", text);
}

void PushCountedErrorTable(lua_State* lua, std::string_view text) {
  PushErrorTable(lua, text);
  lua_pushboolean(lua, 1);
  lua_setfield(lua, -2, kErrorIsCounted);
}

}  // namespace kiln
