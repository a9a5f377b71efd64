// Random elements of a collection, for SRANDMEMBER, HRANDFIELD and ZRANDMEMBER.
//
// A collection has size(), EncodingName() and ForEach(f(element...)); `draw(f)` calls f(element...)
// for one element, about uniformly chosen. Nothing here changes the collection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <unordered_set>

#include "base/random.h"
#include "engine/commands/call.h"
#include "engine/store/types/element.h"

namespace kiln {

// What tells an element of a big collection from the others: where its text lies.
inline const char* IdentityOf(std::string_view field, std::string_view) {
  return field.data();
}
inline const char* IdentityOf(std::string_view member, double) {
  return member.data();
}
inline const char* IdentityOf(const Element& element) {
  return element.text.data();
}

// Calls visit(element...) for `count` different elements (all, if there are no more), in no
// particular order. A few of a big collection are drawn one by one; otherwise one pass takes each
// with the chance that it should have.
template <class Collection, class Draw, class Visit>
void SampleDistinct(const Collection& collection, size_t count, Random& random, Draw&& draw,
                    Visit&& visit) {
  constexpr size_t kFew = 8;  // one pass costs less than drawing more than 1/kFew of all
  size_t left = collection.size();
  std::string_view encoding = collection.EncodingName();
  if (count < left / kFew && (encoding == "hashtable" || encoding == "skiplist")) {
    std::unordered_set<const char*> drawn;
    while (drawn.size() < count) {
      draw([&](const auto&... element) {
        if (drawn.insert(IdentityOf(element...)).second) visit(element...);
      });
    }
    return;
  }
  collection.ForEach([&](const auto&... element) {
    if (count > 0 && random.Below(left) < count) {
      --count;
      visit(element...);
    }
    --left;
  });
}

// Calls visit(element...) for `count` draws, each from the whole. A reply may get longer than the
// client may be sent: it then ends early, and the client is closed for it.
template <class Draw, class Visit>
void SampleWithRepeats(Call& call, uint64_t count, Draw&& draw, Visit&& visit) {
  auto limit = static_cast<uint64_t>(call.settings().output_limits[kNormalClient].hard_bytes);
  for (uint64_t i = 0; i < count; ++i) {
    draw(visit);
    if (limit != 0 && call.reply.out().size() > limit) [[unlikely]]
      return;
  }
}

// The count of SRANDMEMBER and HRANDFIELD: negative for draws with repeats. False, and an error is
// replied, when it is none.
bool ReadSampleCount(Call& call, int64_t* count);

}  // namespace kiln
