// The struct library of scripts: values as the bytes of C structures. Source:
// http://www.inf.puc-rio.br/~roberto/struct/
//
// A format is a row of letters: > < = byte order, ![n] alignment, b B h H l L T i[n] I[n] integers,
// f d floating point, s a string that ends with a zero byte, c[n] n bytes (c0: all of a string, or
// as many as the number before says), x a byte of padding.

#include <bit>
#include <climits>
#include <cstring>

#include "engine/script/sandbox.h"

namespace kiln {
namespace {

constexpr size_t kMaxIntegerBytes = 32;
constexpr size_t kDefaultAlignment = 8;

struct Item {
  char letter;
  size_t size;     // 0 where the value decides
  size_t padding;  // before it
};

// Reads a format item by item; options change its state and are no items.
class Format {
 public:
  explicit Format(lua_State* lua) : lua_(lua), at_(luaL_checkstring(lua, 1)) {}

  bool is_little() const { return is_little_; }
  // `position` is how many bytes there are so far. False at the end.
  bool Next(size_t position, Item* item) {
    for (; *at_ != '\0'; ReadOption()) {
      if (std::strchr("bBhHlLTiIfdxcs", *at_) == nullptr) continue;
      item->letter = *at_++;
      item->size = SizeOf(item->letter);
      size_t unit = item->letter == 'c' || item->size < alignment_ ? item->size : alignment_;
      bool is_aligned = unit == 0 || item->letter == 'c';
      item->padding = is_aligned ? 0 : (unit - (position & (unit - 1))) & (unit - 1);
      return true;
    }
    return false;
  }

 private:
  size_t Number(size_t otherwise) {
    if (*at_ < '0' || *at_ > '9') return otherwise;
    size_t number = 0;
    for (; *at_ >= '0' && *at_ <= '9'; ++at_) {
      number = number * 10 + static_cast<size_t>(*at_ - '0');
      if (number > INT_MAX) luaL_error(lua_, "integral size overflow");
    }
    return number;
  }

  size_t SizeOf(char letter) {
    switch (letter) {
      case 'b':
      case 'B':
      case 'x':
        return 1;
      case 'h':
      case 'H':
        return 2;
      case 'f':
        return 4;
      case 'l':
      case 'L':
      case 'T':
      case 'd':
        return 8;
      case 'c':
        return Number(1);
      case 'i':
      case 'I': {
        size_t size = Number(4);
        if (size > kMaxIntegerBytes) {
          luaL_error(lua_, "integral size %d is larger than limit of %d", static_cast<int>(size),
                     static_cast<int>(kMaxIntegerBytes));
        }
        return size;
      }
      default:
        return 0;
    }
  }

  void ReadOption() {
    char letter = *at_++;
    switch (letter) {
      case ' ':
        return;
      case '>':
        is_little_ = false;
        return;
      case '<':
      case '=':
        is_little_ = true;
        return;
      case '!':
        alignment_ = Number(kDefaultAlignment);
        if (!std::has_single_bit(alignment_)) {
          luaL_error(lua_, "alignment %d is not a power of 2", static_cast<int>(alignment_));
        }
        return;
      default:
        luaL_argerror(lua_, 1, lua_pushfstring(lua_, "invalid format option '%c'", letter));
    }
  }

  lua_State* lua_;
  const char* at_;
  bool is_little_ = true;
  size_t alignment_ = 1;
};

bool IsInteger(char letter) {
  return std::strchr("bBhHlLTiI", letter) != nullptr;
}

// ---- Packing ----

// The bits of a number, wrapped into 64; beyond that range what the processor gives.
uint64_t BitsOf(lua_Number number) {
  if (number < 0)
    return static_cast<uint64_t>(number >= -0x1p63 ? static_cast<int64_t>(number) : INT64_MIN);
  return number < 0x1p64 ? static_cast<uint64_t>(number) : 0;
}

void AddBytes(luaL_Buffer* out, uint64_t bits, size_t size, bool is_little) {
  char bytes[kMaxIntegerBytes] = {};
  for (size_t i = 0; i < size; ++i) {
    bytes[is_little ? i : size - 1 - i] = i < 8 ? static_cast<char>(bits >> (8 * i)) : '\0';
  }
  luaL_addlstring(out, bytes, size);
}

// The bytes that the item adds behind its padding.
size_t AddItem(lua_State* lua, luaL_Buffer* out, const Item& item, int argument, bool is_little) {
  if (IsInteger(item.letter)) {
    AddBytes(out, BitsOf(luaL_checknumber(lua, argument)), item.size, is_little);
  } else if (item.letter == 'f') {
    AddBytes(out, std::bit_cast<uint32_t>(static_cast<float>(luaL_checknumber(lua, argument))), 4,
             is_little);
  } else if (item.letter == 'd') {
    AddBytes(out, std::bit_cast<uint64_t>(luaL_checknumber(lua, argument)), 8, is_little);
  } else if (item.letter == 'x') {
    luaL_addchar(out, '\0');
  } else {
    size_t length = 0;
    const char* text = luaL_checklstring(lua, argument, &length);
    size_t size = item.size == 0 ? length : item.size;
    luaL_argcheck(lua, length >= size, argument, "string too short");
    luaL_addlstring(out, text, size);
    if (item.letter != 's') return size;
    luaL_addchar(out, '\0');
    return size + 1;
  }
  return item.size;
}

// struct.pack(format, value...)
int Pack(lua_State* lua) {
  Format format(lua);
  lua_pushnil(lua);  // so that a missing argument is told from the buffer's own places
  luaL_Buffer out;
  luaL_buffinit(lua, &out);
  size_t total = 0;
  int argument = 2;
  for (Item item; format.Next(total, &item);) {
    for (size_t i = 0; i < item.padding; ++i) luaL_addchar(&out, '\0');
    total += item.padding + AddItem(lua, &out, item, argument, format.is_little());
    if (item.letter != 'x') ++argument;
  }
  luaL_pushresult(&out);
  return 1;
}

// ---- Unpacking ----

lua_Number IntegerAt(const char* data, const Item& item, bool is_little) {
  uint64_t bits = 0;
  for (size_t i = 0; i < item.size; ++i) {  // from the highest byte down
    bits = bits << 8 | static_cast<uint8_t>(data[is_little ? item.size - 1 - i : i]);
  }
  bool is_signed = item.letter >= 'a';
  if (!is_signed) return static_cast<lua_Number>(bits);
  if (item.size > 0 && item.size < 8 && (bits >> (item.size * 8 - 1)) != 0)
    bits |= ~uint64_t{0} << (item.size * 8 - 1);
  return static_cast<lua_Number>(static_cast<int64_t>(bits));
}

lua_Number FloatAt(const char* data, bool is_double, bool is_little) {
  uint64_t bits = 0;
  size_t size = is_double ? 8 : 4;
  for (size_t i = 0; i < size; ++i)
    bits = bits << 8 | static_cast<uint8_t>(data[is_little ? size - 1 - i : i]);
  return is_double ? std::bit_cast<double>(bits)
                   : std::bit_cast<float>(static_cast<uint32_t>(bits));
}

void CheckRoom(lua_State* lua, size_t position, size_t size, size_t length) {
  luaL_argcheck(lua, size <= length && position <= length - size, 2, "data string too short");
}

// Pushes a string of the item; the bytes it took. `values` is how many have been pushed.
size_t PushText(lua_State* lua, std::string_view rest, size_t size, char letter, int* values) {
  if (letter == 's') {
    size_t end = rest.find('\0');
    if (end == std::string_view::npos) luaL_error(lua, "unfinished string in data");
    lua_pushlstring(lua, rest.data(), end);
    ++*values;
    return end + 1;
  }
  if (size == 0) {
    if (*values == 0 || !lua_isnumber(lua, -1))
      luaL_error(lua, "format 'c0' needs a previous size");
    lua_Number wanted = lua_tonumber(lua, -1);
    luaL_argcheck(lua, wanted >= 0 && wanted <= static_cast<lua_Number>(rest.size()), 2,
                  "data string too short");
    size = static_cast<size_t>(wanted);
    lua_pop(lua, 1);
    --*values;
  }
  lua_pushlstring(lua, rest.data(), size);
  ++*values;
  return size;
}

// struct.unpack(format, data [, position])
int Unpack(lua_State* lua) {
  Format format(lua);
  size_t length = 0;
  const char* data = luaL_checklstring(lua, 2, &length);
  lua_Integer first = luaL_optinteger(lua, 3, 1);
  luaL_argcheck(lua, first >= 1, 3, "offset must be 1 or greater");
  auto position = static_cast<size_t>(first - 1);
  lua_settop(lua, 2);
  int values = 0;
  for (Item item; format.Next(position, &item);) {
    position += item.padding;
    CheckRoom(lua, position, item.size, length);
    luaL_checkstack(lua, 2, "too many results");
    size_t taken = item.size;
    if (IsInteger(item.letter)) {
      lua_pushnumber(lua, IntegerAt(data + position, item, format.is_little()));
      ++values;
    } else if (item.letter == 'f' || item.letter == 'd') {
      lua_pushnumber(lua, FloatAt(data + position, item.letter == 'd', format.is_little()));
      ++values;
    } else if (item.letter != 'x') {
      taken = PushText(lua, {data + position, length - position}, item.size, item.letter, &values);
    }
    position += taken;
  }
  lua_pushinteger(lua, static_cast<lua_Integer>(position) + 1);
  return values + 1;
}

// struct.size(format)
int Size(lua_State* lua) {
  Format format(lua);
  size_t position = 0;
  for (Item item; format.Next(position, &item);) {
    if (item.letter == 's') return luaL_argerror(lua, 1, "variable-size format in 'struct.size'");
    if (item.letter == 'c' && item.size == 0)
      return luaL_argerror(lua, 1, "variable-length format in 'struct.size'");
    position += item.padding + item.size;
  }
  lua_pushnumber(lua, static_cast<lua_Number>(position));
  return 1;
}

constexpr luaL_Reg kFunctions[] = {{"pack", Pack}, {"unpack", Unpack}, {"size", Size}};

}  // namespace

void PushStructLibrary(lua_State* lua) {
  lua_newtable(lua);
  for (const luaL_Reg& entry : kFunctions) {
    lua_pushcfunction(lua, entry.func);
    lua_setfield(lua, -2, entry.name);
  }
}

}  // namespace kiln
