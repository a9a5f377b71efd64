#include "engine/store/reclaimer.h"

#include "engine/store/value.h"

namespace kiln {

Reclaimer::~Reclaimer() {
  while (!Run(1 << 20)) {
  }
}

void Reclaimer::Free(Type type, void* collection) {
  if (CollectionFreeCost(type, collection) <= kAtOnce) {
    size_t budget = kAtOnce + 1;
    while (!FreeCollectionSome(type, collection, &budget)) budget = kAtOnce + 1;
    return;
  }
  pending_.push_back({type, collection});
}

bool Reclaimer::Run(size_t budget) {
  while (!pending_.empty() && budget > 0) {
    Item& item = pending_.front();
    if (!FreeCollectionSome(item.type, item.collection, &budget)) break;
    pending_.pop_front();
    ++freed_;
  }
  return pending_.empty();
}

}  // namespace kiln
