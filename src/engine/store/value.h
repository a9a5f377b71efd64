// What the store does with a collection without knowing which: free it, copy it, measure it.
#pragma once

#include <cstddef>

#include "engine/store/record.h"

namespace kiln {

class Hash;
class List;
class Set;
class SortedSet;
class Stream;

// The record type that holds a value class.
template <class T>
struct TypeOf;
template <>
struct TypeOf<List> {
  static constexpr Type kType = Type::kList;
};
template <>
struct TypeOf<Set> {
  static constexpr Type kType = Type::kSet;
};
template <>
struct TypeOf<SortedSet> {
  static constexpr Type kType = Type::kZset;
};
template <>
struct TypeOf<Hash> {
  static constexpr Type kType = Type::kHash;
};
template <>
struct TypeOf<Stream> {
  static constexpr Type kType = Type::kStream;
};

// Elements inside.
size_t CollectionSize(Type type, const void* collection);
// What freeing it takes, in units of FreeCollectionSome's budget; about.
size_t CollectionFreeCost(Type type, const void* collection);
// Frees at most *budget elements (decremented); true when the collection is gone.
bool FreeCollectionSome(Type type, void* collection, size_t* budget);
void* CloneCollection(Type type, const void* collection);
// Bytes, the object itself included.
size_t CollectionMemoryBytes(Type type, const void* collection);
// "listpack", "hashtable", ...
const char* CollectionEncoding(Type type, const void* collection);

// What OBJECT ENCODING says of a record: "int", "embstr", "raw", or the collection's encoding.
const char* EncodingOf(const Record* record);
// About how many bytes an RDB file would need for the value, without compression.
size_t SerializedBytesEstimate(const Record* record);

}  // namespace kiln
