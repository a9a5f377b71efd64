#include "engine/persist/rdb_check.h"

#include "engine/persist/rdb_entry_reader.h"
#include "engine/persist/rdb_value.h"

namespace kiln {
namespace {

// False when an entry of the batch is wrong.
bool CheckBatch(const RdbBatch& batch, const Settings& settings, const RdbCheckOptions& options,
                RdbCheckResult* result) {
  RdbEntryHead head;
  for (size_t start : batch.entries) {
    RdbInput in(batch.view().substr(start), result->facts.version);
    ReadRdbEntryHead(in, &head);
    if (!in.is_broken()) ReadRdbBody(in, head.type, settings);
    if (in.is_broken()) {
      result->error = "The value makes no sense";
      result->error_offset = batch.offset + batch.bytes - in.left();
      result->key = head.name;
      result->type = static_cast<int>(head.type);
      return false;
    }
    ++result->keys;
    result->empty_keys += in.is_empty();
    result->timed_keys += head.expiry_ms != kNoExpiry;
    result->due_keys += head.expiry_ms < options.now_ms;
  }
  return true;
}

}  // namespace

RdbCheckResult CheckRdb(ByteSource& source, const Settings& settings,
                        const RdbCheckOptions& options) {
  RdbSplitter splitter(source, true);
  RdbCheckResult result;
  RdbBatch batch;
  bool is_fine = true;
  while (is_fine && splitter.Next(&batch)) {
    result.facts.version = splitter.facts().version;
    is_fine = CheckBatch(batch, settings, options, &result);
    if (options.progress) options.progress(splitter.offset(), result.keys);
  }
  result.facts = splitter.facts();
  result.end_offset = splitter.offset();
  if (is_fine && !splitter.error().empty()) {
    result.error = splitter.error();
    result.error_offset = splitter.error_offset();
  }
  uint64_t total = source.total_bytes();
  if (total != ByteSource::kUnknown && total > result.end_offset)
    result.bytes_behind = total - result.end_offset;
  return result;
}

}  // namespace kiln
