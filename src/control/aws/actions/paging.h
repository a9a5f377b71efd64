// Pages of long lists: MaxRecords and Marker.
//
// A marker is the key of the last item told, in base64: nobody should read it, and one stays valid
// when items come and go. Lists must be sorted by that key. Values; no thread of their own.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "control/aws/arguments.h"

namespace kiln {

inline constexpr int64_t kMinPageItems = 20;
inline constexpr int64_t kMaxPageItems = 100;

struct PageRequest {
  size_t limit = kMaxPageItems;
  std::string after;  // Items with greater keys are wanted.
};

// Wrong ones become the error of `args`, InvalidParameterValue.
PageRequest ReadPageRequest(Arguments& args, int64_t max_items = kMaxPageItems);

std::string MarkerOf(std::string_view key);

template <typename Item>
struct Page {
  std::vector<Item> items;
  std::string marker;  // Empty on the last page.
};

// Cuts the page out of all items.
template <typename Item, typename KeyOf>
Page<Item> CutPage(std::vector<Item> all, const PageRequest& request, KeyOf&& key_of) {
  Page<Item> page;
  for (Item& item : all) {
    if (!request.after.empty() && key_of(item) <= request.after) continue;
    if (page.items.size() == request.limit) {
      page.marker = MarkerOf(key_of(page.items.back()));
      break;
    }
    page.items.push_back(std::move(item));
  }
  return page;
}

}  // namespace kiln
