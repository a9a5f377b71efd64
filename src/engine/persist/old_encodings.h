// Reads the compact encodings that older versions of Redis wrote: ziplists and zipmaps.
//
// For bytes from outside: each is checked from end to end before the first element is given out.
// Pure; any thread. Source: the Redis RDB file format; ziplist.c and zipmap.c describe the layouts.
#pragma once

#include <functional>
#include <string_view>

#include "engine/store/types/element.h"

namespace kiln {

using ElementVisitor = std::function<void(const Element&)>;

// Calls `visit` for every element in order; false, and none visited, when the bytes are no ziplist.
bool ReadZiplist(std::string_view bytes, const ElementVisitor& visit);
// The same: field, value, field, value.
bool ReadZipmap(std::string_view bytes, const ElementVisitor& visit);

}  // namespace kiln
