#include "engine/persist/rdb_writer.h"

#include <endian.h>
#include <fmt/format.h>

#include <cstring>

#include "base/time.h"
#include "base/version.h"
#include "engine/persist/crc64.h"
#include "engine/persist/rdb_entry.h"
#include "engine/persist/rdb_output.h"

namespace kiln {
namespace {

void WriteOpcode(RdbOutput& out, RdbOpcode opcode) {
  out.Byte(static_cast<uint8_t>(opcode));
}

}  // namespace

RdbWriter::RdbWriter(ByteSink& sink, const RdbWriterOptions& options)
    : sink_(sink), options_(options) {
  Write(fmt::format("REDIS{:04}", options_.version));
}

void RdbWriter::Write(std::string_view bytes) {
  if (!error_.empty()) return;
  if (options_.has_checksum) crc_ = Crc64(crc_, bytes);
  bytes_ += bytes.size();
  error_ = sink_.Write(bytes);
}

void RdbWriter::Aux(std::string_view name, std::string_view text) {
  std::string bytes;
  RdbOutput out(&bytes, false);
  WriteOpcode(out, RdbOpcode::kAux);
  out.Text(name);
  out.Text(text);
  Write(bytes);
}

void RdbWriter::Function(std::string_view code) {
  std::string bytes;
  RdbOutput out(&bytes, true);
  WriteOpcode(out, RdbOpcode::kFunction);
  out.Text(code);
  Write(bytes);
}

void RdbWriter::DatabaseSize(int db, uint64_t keys, uint64_t keys_with_expiry) {
  std::string bytes;
  RdbOutput out(&bytes, false);
  WriteRdbSelect(out, db);
  WriteOpcode(out, RdbOpcode::kResizeDb);
  out.Length(keys);
  out.Length(keys_with_expiry);
  Write(bytes);
}

void RdbWriter::Entries(std::string_view run) {
  Write(run);
}

std::string RdbWriter::Finish() {
  constexpr char kEnd = static_cast<char>(RdbOpcode::kEnd);
  Write({&kEnd, 1});
  char checksum[8];
  uint64_t number = htole64(crc_);
  std::memcpy(checksum, &number, sizeof(checksum));
  Write({checksum, sizeof(checksum)});
  return error_;
}

void WriteUsualAux(RdbWriter& writer, size_t used_memory_bytes, bool is_aof_base) {
  writer.Aux("redis-ver", kRedisVersion);
  writer.Aux("redis-bits", "64");
  writer.Aux("ctime", std::to_string(NowMs() / 1000));
  writer.Aux("used-mem", std::to_string(used_memory_bytes));
  writer.Aux("aof-base", is_aof_base ? "1" : "0");
  writer.Aux("kiln-version", kKilnVersion);
}

void WritePlaceAux(RdbWriter& writer, const ReplicationPlace& place) {
  writer.Aux("repl-stream-db", std::to_string(place.db));
  writer.Aux("repl-id", place.id);
  writer.Aux("repl-offset", std::to_string(place.offset));
}

}  // namespace kiln
