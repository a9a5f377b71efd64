// RDB files from outside: made-up bytes must be refused, or be loaded; read whole or in pieces they
// must say the same.
#include "base/log.h"
#include "engine/persist/rdb_fixture.h"
#include "engine/store/keyspace.h"

namespace {

kiln::RdbLoadResult Load(kiln::Keyspace& keyspace, std::string_view file, size_t step,
                         bool tells_size, uint64_t* keys) {
  static const kiln::Settings settings;
  kiln::StringSource source(file, step, tells_size);
  kiln::RdbLoadProgress progress;
  // The checksum is not looked at: no made-up bytes would get past it.
  kiln::RdbLoadResult result = kiln::LoadRdb(
      source, keyspace, settings, {.checks_sum = false, .now_ms = 1'700'000'000'000}, &progress);
  *keys = progress.keys;
  kiln::StoreContext context(settings, 1);
  for (int db = 0; db < keyspace.databases(); ++db) keyspace.Flush(db, true, context);
  for (size_t shard = 0; shard < kiln::kShardCount; ++shard) {
    size_t budget = ~size_t{0};
    keyspace.FreeFlushed(shard, &budget, context);
  }
  while (!context.reclaimer.Run(1 << 20)) {
  }
  return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  kiln::SetLogLevel(kiln::LogLevel::kNothing);
  static kiln::Keyspace keyspace(2);
  std::string_view file(reinterpret_cast<const char*>(data), size);
  uint64_t keys = 0;
  uint64_t keys_in_pieces = 0;
  bool is_fine = Load(keyspace, file, SIZE_MAX, true, &keys).error.empty();
  bool is_fine_in_pieces = Load(keyspace, file, 3, false, &keys_in_pieces).error.empty();
  // Which of two errors is met first may depend on whether the file's size is known.
  if (is_fine != is_fine_in_pieces) __builtin_trap();
  if (is_fine && keys != keys_in_pieces) __builtin_trap();
  return 0;
}
