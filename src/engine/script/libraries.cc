// Libraries of scripts beside Lua's own: bit, cjson, and random numbers that follow Redis's
// generator.

#include <algorithm>
#include <bit>
#include <cmath>

#include "engine/script/sandbox.h"
#include "engine/script/vm.h"

extern "C" int luaopen_cjson(lua_State* lua);

namespace kiln {
namespace {

// ---- bit: 32-bit integers, as LuaBitOp. Source: https://bitop.luajit.org/semantics.html ----

// Wraps into 32 bits: adding 1.5 * 2^52 leaves the integer in the low bits of the double.
uint32_t BitsAt(lua_State* lua, int place) {
  return static_cast<uint32_t>(std::bit_cast<uint64_t>(luaL_checknumber(lua, place) + 0x1.8p52));
}

int PushBits(lua_State* lua, uint32_t bits) {
  lua_pushnumber(lua, static_cast<int32_t>(bits));
  return 1;
}

template <class F>
int Fold(lua_State* lua, F&& f) {
  uint32_t bits = BitsAt(lua, 1);
  for (int i = lua_gettop(lua); i > 1; --i) bits = f(bits, BitsAt(lua, i));
  return PushBits(lua, bits);
}

int BitToBit(lua_State* lua) {
  return PushBits(lua, BitsAt(lua, 1));
}
int BitNot(lua_State* lua) {
  return PushBits(lua, ~BitsAt(lua, 1));
}
int BitSwap(lua_State* lua) {
  return PushBits(lua, __builtin_bswap32(BitsAt(lua, 1)));
}
int BitAnd(lua_State* lua) {
  return Fold(lua, [](uint32_t a, uint32_t b) { return a & b; });
}
int BitOr(lua_State* lua) {
  return Fold(lua, [](uint32_t a, uint32_t b) { return a | b; });
}
int BitXor(lua_State* lua) {
  return Fold(lua, [](uint32_t a, uint32_t b) { return a ^ b; });
}
int BitLeft(lua_State* lua) {
  return PushBits(lua, BitsAt(lua, 1) << (BitsAt(lua, 2) & 31));
}
int BitRight(lua_State* lua) {
  return PushBits(lua, BitsAt(lua, 1) >> (BitsAt(lua, 2) & 31));
}
int BitArithmeticRight(lua_State* lua) {
  auto bits = static_cast<int32_t>(BitsAt(lua, 1));
  return PushBits(lua, static_cast<uint32_t>(bits >> (BitsAt(lua, 2) & 31)));
}
int BitRotateLeft(lua_State* lua) {
  return PushBits(lua, std::rotl(BitsAt(lua, 1), static_cast<int>(BitsAt(lua, 2) & 31)));
}
int BitRotateRight(lua_State* lua) {
  return PushBits(lua, std::rotr(BitsAt(lua, 1), static_cast<int>(BitsAt(lua, 2) & 31)));
}

// bit.tohex(number [, digits]): at most 8 digits, upper case when the count is negative.
int BitToHex(lua_State* lua) {
  uint32_t bits = BitsAt(lua, 1);
  int32_t wanted = lua_isnone(lua, 2) ? 8 : static_cast<int32_t>(BitsAt(lua, 2));
  const char* letters = wanted < 0 ? "0123456789ABCDEF" : "0123456789abcdef";
  uint32_t digits = std::min<uint32_t>(
      wanted < 0 ? 0u - static_cast<uint32_t>(wanted) : static_cast<uint32_t>(wanted), 8);
  char text[8];
  for (uint32_t i = digits; i-- > 0; bits >>= 4) text[i] = letters[bits & 15];
  lua_pushlstring(lua, text, digits);
  return 1;
}

// ---- cjson ----

// The encoder's buffer is not under the interpreter's cap, and its sizes are 32-bit: values whose
// text might be larger than this are refused before it begins.
constexpr double kMaxJsonBytes = 0x1p29;
constexpr int kMaxJsonDepth = 1000;
// What any value but a string may take, with the key of an array that has holes.
constexpr double kElementBytes = 64;

// Subtracts the longest text that the value on top may become.
void SpendJson(lua_State* lua, double* budget, int depth) {
  if (depth > kMaxJsonDepth) luaL_error(lua, "Cannot serialise, excessive depth (%d)", depth);
  *budget -= kElementBytes;
  if (lua_type(lua, -1) == LUA_TSTRING) *budget -= 6.0 * static_cast<double>(lua_objlen(lua, -1));
  if (*budget < 0) luaL_error(lua, "Cannot serialise, the text would be too large");
  if (!lua_istable(lua, -1)) return;
  luaL_checkstack(lua, 3, "too many nested values");
  lua_pushnil(lua);
  while (lua_next(lua, -2) != 0) {
    if (lua_type(lua, -2) == LUA_TSTRING) *budget -= 6.0 * static_cast<double>(lua_objlen(lua, -2));
    SpendJson(lua, budget, depth + 1);
    lua_pop(lua, 1);
  }
}

// cjson.encode, after the check. Upvalues: cjson's configuration, where its own encoder looks for
// it, and that encoder.
int JsonEncode(lua_State* lua) {
  if (lua_gettop(lua) == 1) {
    double budget = kMaxJsonBytes;
    SpendJson(lua, &budget, 0);
  }
  return lua_tocfunction(lua, lua_upvalueindex(2))(lua);
}

// cjson.encode_sparse_array(convert): the limits behind it stay as they are, since they bound the
// encoder's output.
int JsonSparseArray(lua_State* lua) {
  lua_settop(lua, std::min(lua_gettop(lua), 1));
  return lua_tocfunction(lua, lua_upvalueindex(2))(lua);
}

// Puts `function` before the function of that name of the table on top.
void Precede(lua_State* lua, const char* name, lua_CFunction function) {
  lua_getfield(lua, -1, name);
  lua_getupvalue(lua, -1, 1);
  lua_insert(lua, -2);
  lua_pushcclosure(lua, function, 2);
  lua_setfield(lua, -2, name);
}

// ---- Random numbers ----

// The generator of drand48: X = (0x5DEECE66D * X + 11) mod 2^48; a number is X's upper 31 bits.
int32_t NextRandom(lua_State* lua) {
  uint64_t& state = ScriptVm::Of(lua).random_state;
  state = (state * 0x5DEECE66D + 11) & 0xffffffffffff;
  return static_cast<int32_t>(state >> 17);
}

int MathRandom(lua_State* lua) {
  constexpr double kMax = 2147483647;
  double fraction = static_cast<double>(NextRandom(lua) % INT32_MAX) / kMax;
  int count = lua_gettop(lua);
  if (count == 0) {
    lua_pushnumber(lua, fraction);
    return 1;
  }
  if (count > 2) return luaL_error(lua, "wrong number of arguments");
  double low = count == 1 ? 1 : luaL_checkint(lua, 1);
  double high = luaL_checkint(lua, count);
  luaL_argcheck(lua, low <= high, count, "interval is empty");
  lua_pushnumber(lua, std::floor(fraction * (high - low + 1)) + low);
  return 1;
}

int MathRandomSeed(lua_State* lua) {
  auto seed = static_cast<uint32_t>(luaL_checkint(lua, 1));
  ScriptVm::Of(lua).random_state = uint64_t{seed} << 16 | 0x330E;
  return 0;
}

constexpr luaL_Reg kBitFunctions[] = {
    {"tobit", BitToBit},    {"bnot", BitNot},
    {"band", BitAnd},       {"bor", BitOr},
    {"bxor", BitXor},       {"lshift", BitLeft},
    {"rshift", BitRight},   {"arshift", BitArithmeticRight},
    {"rol", BitRotateLeft}, {"ror", BitRotateRight},
    {"bswap", BitSwap},     {"tohex", BitToHex},
};

}  // namespace

void PushBitLibrary(lua_State* lua) {
  lua_newtable(lua);
  for (const luaL_Reg& entry : kBitFunctions) {
    lua_pushcfunction(lua, entry.func);
    lua_setfield(lua, -2, entry.name);
  }
}

void PushJsonLibrary(lua_State* lua) {
  lua_pushcfunction(lua, luaopen_cjson);
  lua_call(lua, 0, 1);
  lua_pushnil(lua);
  lua_setfield(lua, -2, "new");  // would make an unchecked one
  Precede(lua, "encode", JsonEncode);
  Precede(lua, "encode_sparse_array", JsonSparseArray);
}

void ReplaceRandom(lua_State* lua) {
  lua_pushcfunction(lua, MathRandom);
  lua_setfield(lua, -2, "random");
  lua_pushcfunction(lua, MathRandomSeed);
  lua_setfield(lua, -2, "randomseed");
}

}  // namespace kiln
