// DEBUG DIGEST: twenty bytes that tell datasets apart, equal for equal ones whatever the order
// inside. Two nodes that should hold the same are compared by it, also with redis-server.
//
// The digest of a key and its value starts at zero. What has an order is mixed into it: digest =
// SHA1(digest xor SHA1(bytes)); what has none is xored: digest ^= SHA1(bytes). Source:
// computeDatasetDigest() in Redis 7.2.
#pragma once

#include "base/sha1.h"
#include "engine/store/keyspace.h"

namespace kiln {

// Of a value and whether it has a TTL.
Sha1Digest DigestOfValue(const Record* record);
// Of everything. The caller has the Gate alone.
Sha1Digest DigestOfDataset(const Keyspace& keyspace);

}  // namespace kiln
