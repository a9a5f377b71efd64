#include "engine/commands/dataset_digest.h"

#include <string>

#include "engine/store/db.h"
#include "engine/store/types/hash.h"
#include "engine/store/types/list.h"
#include "engine/store/types/set.h"
#include "engine/store/types/sorted_set.h"
#include "engine/store/types/stream.h"

namespace kiln {
namespace {

std::string_view BytesOf(const Sha1Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

void Xor(Sha1Digest& digest, std::string_view bytes) {
  Sha1Digest other = Sha1(bytes);
  for (size_t i = 0; i < digest.size(); ++i) digest[i] ^= other[i];
}

void Mix(Sha1Digest& digest, std::string_view bytes) {
  Xor(digest, bytes);
  digest = Sha1(BytesOf(digest));
}

void MixNumber(Sha1Digest& digest, uint32_t number) {
  number = __builtin_bswap32(number);
  Mix(digest, {reinterpret_cast<const char*>(&number), sizeof(number)});
}

// An element of two texts, in a collection without an order.
void XorPair(Sha1Digest& digest, std::string_view first, std::string_view second) {
  Sha1Digest pair = {};
  Mix(pair, first);
  Mix(pair, second);
  Xor(digest, BytesOf(pair));
}

void MixStream(Sha1Digest& digest, const Stream& stream) {
  Stream::Cursor cursor(stream, kMinStreamId, kMaxStreamId);
  while (cursor.Next()) {
    Mix(digest, std::to_string(cursor.id().ms) + "." + std::to_string(cursor.id().seq));
    cursor.ForEachField([&](std::string_view field, std::string_view value) {
      Mix(digest, field);
      Mix(digest, value);
    });
  }
}

void AddCollection(Sha1Digest& digest, const Record* record) {
  ElementScratch scratch;
  switch (record->type()) {
    case Type::kList:
      return record->collection<List>()->ForEach(
          [&](const Element& element) { Mix(digest, element.ToString(scratch)); });
    case Type::kSet:
      return record->collection<Set>()->ForEach(
          [&](const Element& member) { Xor(digest, member.ToString(scratch)); });
    case Type::kZset:
      return record->collection<SortedSet>()->ForEach([&](std::string_view member, double score) {
        XorPair(digest, member, FormatDouble(score));
      });
    case Type::kHash:
      return record->collection<Hash>()->ForEach(
          [&](std::string_view field, std::string_view value) { XorPair(digest, field, value); });
    case Type::kStream:
      return MixStream(digest, *record->collection<Stream>());
    case Type::kString:
      return;
  }
}

void AddValue(Sha1Digest& digest, const Record* record) {
  // Redis's numbers of the types; between hashes and streams it has one for modules.
  constexpr uint32_t kStreamNumber = 6;
  bool is_stream = record->type() == Type::kStream;
  MixNumber(digest, is_stream ? kStreamNumber : static_cast<uint32_t>(record->type()));
  if (record->type() == Type::kString) {
    ElementScratch scratch;
    Mix(digest, Db::StringOf(record, scratch.chars));
  } else {
    AddCollection(digest, record);
  }
  if (record->expiry_ms() != kNoExpiry) Xor(digest, "!!expire!!");
}

}  // namespace

Sha1Digest DigestOfValue(const Record* record) {
  Sha1Digest digest = {};
  AddValue(digest, record);
  return digest;
}

Sha1Digest DigestOfDataset(const Keyspace& keyspace) {
  Sha1Digest all = {};
  for (int db = 0; db < keyspace.databases(); ++db) {
    if (keyspace.KeyCount(db) == 0) continue;
    MixNumber(all, static_cast<uint32_t>(db));
    for (size_t shard = 0; shard < kShardCount; ++shard) {
      keyspace.table(db, shard).records.ForEach([&](const Record* record) {
        Sha1Digest one = {};
        Mix(one, record->key());
        AddValue(one, record);
        Xor(all, BytesOf(one));
      });
    }
  }
  return all;
}

}  // namespace kiln
