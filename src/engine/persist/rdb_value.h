// Values in the RDB format: what DUMP gives, RESTORE takes, and RDB files hold behind each key.
//
// Every encoding that Redis has written since 2.2 is read, into Kiln's own structures: nothing from
// outside is kept as a blob. Thread safety: none; a record is read under its shard's lock. Source:
// the Redis RDB file format.
#pragma once

#include <memory>
#include <string>
#include <variant>

#include "engine/persist/rdb_input.h"
#include "engine/persist/rdb_output.h"
#include "engine/store/db.h"
#include "engine/store/types/hash.h"
#include "engine/store/types/list.h"
#include "engine/store/types/set.h"
#include "engine/store/types/sorted_set.h"
#include "engine/store/types/stream.h"
#include "params/settings.h"

namespace kiln {

// The type's byte and the value. Returns the version of the format that a reader must know.
uint16_t WriteRdbValue(RdbOutput& out, const Record* record);
// Both by themselves, for files, where the key is between them.
RdbType RdbTypeOf(const Record* record, uint16_t version);
void WriteRdbBody(RdbOutput& out, const Record* record);

using RdbValue =
    std::variant<std::string, std::unique_ptr<List>, std::unique_ptr<Set>,
                 std::unique_ptr<SortedSet>, std::unique_ptr<Hash>, std::unique_ptr<Stream>>;

// Reads the type's byte and the value. Whether it worked: is_broken() of the input, and is_empty()
// for a collection of nothing that is no stream. `settings` holds the limits of compact forms.
RdbValue ReadRdbValue(RdbInput& in, const Settings& settings);
// The same behind the type's byte.
RdbValue ReadRdbBody(RdbInput& in, RdbType type, const Settings& settings);

// Puts the value at a key that is absent.
Record* StoreRdbValue(Db& db, const Key& key, RdbValue value);

}  // namespace kiln
