// Reads documents out of the state store.
//
// A document that cannot be understood (a later schema, a damaged file) is kUnavailable when it is
// asked for by its key, and left out of lists. Thread safety: that of the store.
#pragma once

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "control/model/documents.h"
#include "control/store/store.h"

namespace kiln {

template <typename Document>
struct Loaded {
  Document document;
  uint64_t revision = 0;  // To be compared when it is put back.
};

template <typename Document>
Result<std::optional<Loaded<Document>>, StoreError> Load(Store& store, std::string_view key) {
  using Found = std::optional<Loaded<Document>>;
  Result<std::optional<StoreEntry>, StoreError> entry = store.Get(key);
  if (!entry) return entry.error();
  if (!entry->has_value()) return Found();
  std::optional<Document> document = FromJson<Document>((*entry)->value);
  if (!document) return StoreError::kUnavailable;
  return Found(Loaded<Document>{*std::move(document), (*entry)->revision});
}

template <typename Document>
Result<std::vector<Document>, StoreError> LoadAll(Store& store, std::string_view prefix) {
  Result<std::vector<StoreEntry>, StoreError> entries = store.List(prefix);
  if (!entries) return entries.error();
  std::vector<Document> documents;
  for (const StoreEntry& entry : *entries) {
    std::optional<Document> document = FromJson<Document>(entry.value);
    if (document) documents.push_back(*std::move(document));
  }
  return documents;
}

}  // namespace kiln
