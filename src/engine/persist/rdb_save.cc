#include "engine/persist/rdb_save.h"

#include <unistd.h>

#include "engine/persist/cipher_file.h"
#include "engine/persist/rdb_file.h"

namespace kiln {
RdbContents ContentsOf(const Keyspace& keyspace) {
  RdbContents contents;
  for (int db = 0; db < keyspace.databases(); ++db) {
    if (size_t keys = keyspace.KeyCount(db); keys > 0)
      contents.sizes.push_back({db, keys, keyspace.VolatileCount(db)});
    for (size_t shard = 0; shard < kShardCount; ++shard) {
      if (keyspace.table(db, shard).volatile_hash_count > 0) contents.has_field_times = true;
    }
  }
  return contents;
}

void RdbProducer::Entry(int db, const Record* record) {
  if (!IsFine()) return;
  if (db_ != db) {
    RdbOutput out(&run_, false);
    WriteRdbSelect(out, db);
    db_ = db;
  }
  if (RdbEntryWriter::IsBig(record)) {
    WriteBig(record);
  } else {
    RdbOutput out = Output();
    WriteRdbEntry(out, record->key(), record, options_.entries);
  }
  progress_.keys.fetch_add(1, std::memory_order_relaxed);
  if (options_.key_delay_us > 0) usleep(static_cast<useconds_t>(options_.key_delay_us));
  if (run_.size() >= kRunBytes) Flush();
}

void RdbProducer::Begin(int db, std::string_view bytes) {
  std::string select;
  RdbOutput out(&select, false);
  WriteRdbSelect(out, db);
  writer_.Entries(select);
  writer_.Entries(bytes);
}

void RdbProducer::NoteKeys(uint64_t keys_so_far) {
  progress_.keys.store(keys_so_far, std::memory_order_relaxed);
  progress_.bytes.store(writer_.bytes(), std::memory_order_relaxed);
}

// Runs may end in the middle of an entry, as long as the next one goes on with it.
void RdbProducer::WriteBig(const Record* record) {
  RdbEntryWriter entry(record->key(), record, options_.entries);
  RdbOutput out = Output();
  while (!entry.WriteSome(out, kRunBytes) && IsFine()) {
    writer_.Entries(run_);
    run_.clear();
  }
}

void RdbProducer::Flush() {
  if (!run_.empty()) writer_.Entries(run_);
  run_.clear();
  db_ = -1;
  progress_.bytes.store(writer_.bytes(), std::memory_order_relaxed);
}

void ProduceEntries(Keyspace& keyspace, RdbProducer& producer) {
  for (int db = 0; db < keyspace.databases(); ++db) {
    for (size_t shard = 0; shard < kShardCount && producer.IsFine(); ++shard) {
      keyspace.table(db, shard).records.ForEach(
          [&](const Record* record) { producer.Entry(db, record); });
    }
  }
}

std::string WriteRdb(ByteSink& sink, const RdbContents& contents, const RdbSaveOptions& options,
                     const ProduceFunction& produce, RdbSaveProgress* progress) {
  uint16_t version = contents.has_field_times ? kRdbVersionFieldTimes : options.version;
  RdbWriter writer(sink, {.version = version, .has_checksum = options.has_checksum});
  WriteUsualAux(writer, options.used_memory_bytes, options.is_aof_base);
  if (options.place) WritePlaceAux(writer, *options.place);
  for (const std::string& code : options.functions) writer.Function(code);
  uint64_t total = 0;
  for (const RdbContents::Size& size : contents.sizes) {
    writer.DatabaseSize(size.db, size.keys, size.volatile_keys);
    total += size.keys;
  }
  progress->keys = progress->bytes = 0;
  progress->keys_total = total;
  RdbProducer producer(writer, options, progress);
  produce(producer);
  producer.Flush();
  return writer.Finish();
}

std::string SaveRdbFile(const std::string& path, const RdbContents& contents,
                        const RdbSaveOptions& options, const ProduceFunction& produce,
                        RdbSaveProgress* progress) {
  RdbFile file(path, options.syncs_in_steps);
  if (std::string error = file.Open(); !error.empty()) return error;
  std::string error;
  if (options.key == nullptr) {
    error = WriteRdb(file, contents, options, produce, progress);
  } else {
    CipherSink cipher(file, *options.key);
    error = WriteRdb(cipher, contents, options, produce, progress);
    if (error.empty()) error = cipher.Finish();
  }
  return error.empty() ? file.Commit() : error;
}

}  // namespace kiln
