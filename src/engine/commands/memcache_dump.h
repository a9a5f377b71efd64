// ItemDump: the reply of "lru_crawler metadump" and "mgdump", a line for each item.
//
// Made piece by piece as the client reads, one shard locked at a time. An item that is there all
// the while is told once; others may come and go. Source of the lines: memcached's
// doc/protocol.txt.
//
// Thread rules: the client's own worker.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/commands/output_source.h"
#include "engine/store/db.h"

namespace kiln {

class ItemDump final : public OutputSource {
 public:
  // kMeta: "mg KEY" lines, to be sent back as they are.
  enum class Form : uint8_t { kFull, kMeta };

  ItemDump(Keyspace& keyspace, StoreContext& context, Form form)
      : db_(keyspace, 0, context), form_(form) {}

  // A piece holds something unless it is the last.
  bool Write(ByteBuffer& out) override;

 private:
  void WriteItem(ByteBuffer& out, const Record* record);

  Db db_;
  Form form_;
  size_t shard_ = 0;
  uint64_t position_ = 0;  // in the shard's table
};

}  // namespace kiln
