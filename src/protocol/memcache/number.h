// Numbers as memcached's text protocol reads them.
//
// memcached reads with strtoul and friends and then cuts the result to its width, so "+5" and "5\t" are fine, "-1" is not an
// unsigned number, and 4294967297 is a 32-bit 1. Plain short digits, nearly always all there is, are read here at once.
// Source: memcached 1.6, util.c.
//
// Pure functions; any thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace kiln::memcache {

// Each stores the number and returns true, or returns false when the text is none.
bool ReadUint32(std::string_view text, uint32_t* number);
bool ReadInt32(std::string_view text, int32_t* number);
// Also reads an item's value, which may go on behind a space: "12 " and "12 apples" are 12.
bool ReadUint64(std::string_view text, uint64_t* number);

}  // namespace kiln::memcache
