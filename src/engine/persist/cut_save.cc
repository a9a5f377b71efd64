#include "engine/persist/cut_save.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "engine/persist/rdb_entry.h"

namespace kiln {
namespace {

class BigEntry final : public CutEntry {
 public:
  BigEntry(const Record* record, const RdbSaveOptions& options)
      : writer_(record->key(), record, options.entries), options_(options) {}
  bool WriteSome(std::string* out, size_t budget_bytes) override {
    RdbOutput output(out, options_.compresses, options_.version);
    return writer_.WriteSome(output, budget_bytes);
  }

 private:
  RdbEntryWriter writer_;
  const RdbSaveOptions& options_;
};

}  // namespace

CutSave::CutSave(Keyspace& keyspace, RdbSaveOptions options)
    : options_(std::move(options)), contents_(ContentsOf(keyspace)), cut_(keyspace, *this) {
  if (options_.key_delay_us > 0) cut_.GoByKeys();
}

void CutSave::Write(const Record* record, std::string* out) {
  RdbOutput output(out, options_.compresses, options_.version);
  WriteRdbEntry(output, record->key(), record, options_.entries);
}

void CutSave::Dawdle(size_t keys) const {
  constexpr int64_t kStepUs = 1000;
  int64_t left = options_.key_delay_us * static_cast<int64_t>(keys);
  for (; left > 0 && !cut_.is_abandoned(); left -= kStepUs)
    usleep(static_cast<useconds_t>(std::min(left, kStepUs)));
}

std::unique_ptr<CutEntry> CutSave::Begin(const Record* record) {
  if (!RdbEntryWriter::IsBig(record)) return nullptr;
  return std::make_unique<BigEntry>(record, options_);
}

std::string CutSave::Run(const Writing& write, const std::function<void()>& enter,
                         const std::function<void()>& leave) {
  CutChunk chunk;
  auto next = [&] {
    enter();
    size_t keys = cut_.keys_done();
    bool has_more = cut_.Next(&chunk);
    keys = cut_.keys_done() - keys;
    leave();
    if (options_.key_delay_us > 0) Dawdle(keys);
    return has_more;
  };
  std::string error = write(contents_, options_, [&](RdbProducer& producer) {
    while (producer.IsFine() && next()) {
      if (cut_.is_abandoned()) return producer.Fail(kSnapshotAbandoned);
      chunk.goes_on ? producer.GoOn(chunk.bytes) : producer.Begin(chunk.db, chunk.bytes);
      producer.NoteKeys(cut_.keys_done());
    }
  });
  cut_.Abandon();
  while (next()) {
  }
  return error;
}

}  // namespace kiln
