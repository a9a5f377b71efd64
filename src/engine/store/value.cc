#include "engine/store/value.h"

#include <memory>

#include "base/check.h"
#include "base/number.h"
#include "engine/store/types/hash.h"
#include "engine/store/types/list.h"
#include "engine/store/types/set.h"
#include "engine/store/types/sorted_set.h"
#include "engine/store/types/stream.h"

namespace kiln {
namespace {

// Calls f with the collection as its own class.
template <class F>
auto Visit(Type type, const void* collection, F&& f) {
  auto* untyped = const_cast<void*>(collection);
  switch (type) {
    case Type::kList:
      return f(static_cast<List*>(untyped));
    case Type::kSet:
      return f(static_cast<Set*>(untyped));
    case Type::kZset:
      return f(static_cast<SortedSet*>(untyped));
    case Type::kHash:
      return f(static_cast<Hash*>(untyped));
    case Type::kStream:
      return f(static_cast<Stream*>(untyped));
    case Type::kString:
      break;
  }
  CheckFailed(__FILE__, __LINE__, "a collection type");
}

}  // namespace

size_t CollectionSize(Type type, const void* collection) {
  return Visit(type, collection, [](auto* value) -> size_t { return value->size(); });
}

size_t CollectionFreeCost(Type type, const void* collection) {
  if (type == Type::kStream) return static_cast<const Stream*>(collection)->FreeCost();
  return CollectionSize(type, collection);
}

bool FreeCollectionSome(Type type, void* collection, size_t* budget) {
  return Visit(type, collection, [budget]<class T>(T* value) {
    if (!value->FreeSome(budget)) return false;
    std::unique_ptr<T> owner(value);
    return true;
  });
}

void* CloneCollection(Type type, const void* collection) {
  return Visit(type, collection, []<class T>(T* value) -> void* {
    return std::make_unique<T>(value->Clone()).release();
  });
}

size_t CollectionMemoryBytes(Type type, const void* collection) {
  return Visit(type, collection,
               []<class T>(T* value) { return sizeof(T) + value->memory_bytes(); });
}

const char* CollectionEncoding(Type type, const void* collection) {
  return Visit(type, collection,
               [](auto* value) { return std::string_view(value->EncodingName()).data(); });
}

const char* EncodingOf(const Record* record) {
  // Redis keeps strings up to this length in one block with their header and calls that "embstr".
  constexpr size_t kMaxEmbeddedBytes = 44;
  if (record->type() != Type::kString)
    return CollectionEncoding(record->type(), record->collection<void>());
  if (record->is_integer()) return "int";
  return record->is_edited() || record->RawBytes() > kMaxEmbeddedBytes ? "raw" : "embstr";
}

size_t SerializedBytesEstimate(const Record* record) {
  auto text_bytes = [](size_t length) {
    return length + (length < 64 ? 1 : length < 16384 ? 2 : 5);
  };
  if (record->type() == Type::kString && record->is_integer()) {
    int64_t number = record->integer();
    if (number == static_cast<int8_t>(number)) return 2;
    if (number == static_cast<int16_t>(number)) return 3;
    if (number == static_cast<int32_t>(number)) return 5;
    char digits[kMaxInt64Chars];
    return text_bytes(FormatInt64(number, digits));
  }
  if (record->is_raw()) return text_bytes(record->RawBytes());
  return CollectionMemoryBytes(record->type(), record->collection<void>());
}

}  // namespace kiln
