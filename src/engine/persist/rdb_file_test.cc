// RDB files as a whole: what was saved is loaded, in pieces or at once; what is damaged is refused.
#include "engine/persist/rdb_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "engine/persist/crc64.h"
#include "engine/persist/rdb_fixture.h"
#include "engine/store/store_fixture.h"

namespace kiln {
namespace {

class RdbFileTest : public StoreTest {
 protected:
  RdbFileTest() {
    context_.events = nullptr;
    settings_.hash_max_listpack_entries = 512;
    settings_.hash_max_listpack_value_bytes = 64;
    settings_.list_max_listpack_size = -2;
    settings_.set_max_intset_entries = 512;
    settings_.set_max_listpack_entries = 128;
    settings_.set_max_listpack_value_bytes = 64;
    settings_.zset_max_listpack_entries = 128;
    settings_.zset_max_listpack_value_bytes = 64;
  }

  RdbSaveOptions Options() {
    RdbSaveOptions options;
    options.entries = {
        .policy = settings_.maxmemory_policy, .lfu_decay_time_min = 1, .now_ms = context_.now_ms};
    return options;
  }
  std::string Saved(const RdbSaveOptions& options) {
    StringSink sink;
    RdbSaveProgress progress;
    std::string error = WriteRdb(
        sink, ContentsOf(keyspace_), options,
        [&](RdbProducer& to) { ProduceEntries(keyspace_, to); }, &progress);
    EXPECT_EQ(error, "");
    EXPECT_EQ(progress.keys, progress.keys_total);
    return sink.text;
  }
  std::string Saved() { return Saved(Options()); }

  RdbLoadResult Load(ByteSource& source, size_t threads = 1, bool drops_due = true) {
    RdbLoadProgress progress;
    RdbLoadResult result =
        LoadRdb(source, keyspace_, settings_,
                {.threads = threads, .drops_due = drops_due, .now_ms = context_.now_ms}, &progress);
    loaded_keys_ = progress.keys;
    expired_keys_ = progress.expired_keys;
    empty_keys_ = progress.empty_keys;
    return result;
  }
  RdbLoadResult Load(std::string_view file, size_t threads = 1) {
    StringSource source(file);
    return Load(source, threads);
  }
  void Clear() {
    for (int db = 0; db < keyspace_.databases(); ++db) keyspace_.Flush(db, true, context_);
    FreeFlushed();
  }
  // Every key with what its entry's bytes sum up to: elements of tables may come in another order
  // after a load.
  std::map<std::string, uint64_t> Contents() {
    std::map<std::string, uint64_t> all;
    for (int db = 0; db < 2; ++db) {
      for (size_t shard = 0; shard < kShardCount; ++shard) {
        keyspace_.table(db, shard).records.ForEach([&](const Record* record) {
          std::string bytes;
          RdbOutput out(&bytes, false);
          WriteRdbEntry(out, record->key(), record, {});
          bool is_ordered = record->type() != Type::kSet && record->type() != Type::kHash;
          if (!is_ordered) std::sort(bytes.begin(), bytes.end());
          all[std::to_string(db) + std::string(record->key())] = Crc64(0, bytes);
        });
      }
    }
    return all;
  }
  void Fill() {
    SomeValues(db_, "small").Put(5, 10);
    SomeValues(db_, "large").Put(2000, 60);
    SomeValues(other_db_, "other").Put(300, 400);
  }

  uint64_t loaded_keys_ = 0;
  uint64_t expired_keys_ = 0;
  uint64_t empty_keys_ = 0;
};

TEST_F(RdbFileTest, WhatWasSavedIsLoaded) {
  Fill();
  auto before = Contents();
  std::string file = Saved();
  EXPECT_TRUE(file.starts_with("REDIS0011"));
  for (size_t threads : {1, 3}) {
    Clear();
    RdbLoadResult result = Load(file, threads);
    EXPECT_EQ(result.error, "");
    EXPECT_EQ(loaded_keys_, before.size());
    EXPECT_EQ(result.facts.declared_keys, before.size());
    EXPECT_EQ(result.facts.Aux("redis-bits"), "64");
    EXPECT_EQ(result.highest_cas, 12345u >> kShardBits);
    EXPECT_EQ(Contents(), before);
  }
}

TEST_F(RdbFileTest, FieldsWithTimesTakeTheNewerFormat) {
  SomeValues(db_, "a").PutTimedHash(5);
  SomeValues(db_, "b").PutTimedHash(3000);
  auto before = Contents();
  std::string file = Saved();
  EXPECT_TRUE(file.starts_with("REDIS0012"));
  Clear();
  EXPECT_EQ(Load(file).error, "");
  EXPECT_EQ(Contents(), before);
}

TEST_F(RdbFileTest, TheOldFormatHoldsTheSame) {
  Fill();
  auto before = Contents();
  RdbSaveOptions options = Options();
  options.version = kRdbVersionOld;
  std::string file = Saved(options);
  EXPECT_TRUE(file.starts_with("REDIS0010"));
  Clear();
  EXPECT_EQ(Load(file).error, "");
  for (auto& [key, sum] : Contents()) {
    if (key.ends_with("stream")) continue;  // Times of consumers differ.
    EXPECT_EQ(sum, before[key]) << key;
  }
}

TEST_F(RdbFileTest, ItMayComeByteByByte) {
  Fill();
  auto before = Contents();
  std::string file = Saved();
  for (bool tells_size : {true, false}) {
    Clear();
    StringSource source(file, 1, tells_size);
    EXPECT_EQ(Load(source).error, "");
    EXPECT_EQ(Contents(), before);
  }
}

TEST_F(RdbFileTest, BigValuesInPiecesAreTheSameBytes) {
  Fill();
  SomeValues(db_, "timed").PutTimedHash(3000);
  for (size_t shard = 0; shard < kShardCount; ++shard) {
    keyspace_.table(0, shard).records.ForEach([&](const Record* record) {
      if (!RdbEntryWriter::IsBig(record)) return;
      std::string whole;
      RdbOutput out(&whole, true);
      WriteRdbEntry(out, record->key(), record, {});
      std::string pieces;
      RdbEntryWriter writer(record->key(), record, {});
      size_t calls = 1;
      RdbOutput some(&pieces, true);
      for (size_t before = 0; !writer.WriteSome(some, 100); ++calls) {
        EXPECT_LT(pieces.size() - before, 40'000u) << "an element, or a node, is never divided";
        before = pieces.size();
      }
      EXPECT_GT(calls, 1u);
      if (record->type() == Type::kSet || record->type() == Type::kHash) {
        EXPECT_EQ(pieces.size(), whole.size());  // Another order.
      } else {
        EXPECT_EQ(pieces, whole) << record->key();
      }
    });
  }
}

TEST_F(RdbFileTest, ALongStringIsWrittenInPieces) {
  std::string value(1 << 20, 'x');
  db_.SetString(HashKey("k"), value);
  std::string pieces;
  RdbEntryWriter writer("k", db_.Peek(HashKey("k")), {});
  size_t calls = 1;
  RdbOutput some(&pieces, true);
  while (!writer.WriteSome(some, 1000)) ++calls;
  EXPECT_GT(calls, 1000u);
  std::string file = Saved();
  Clear();
  EXPECT_EQ(Load(file).error, "");
  EXPECT_EQ(Get("k"), value);
}

TEST_F(RdbFileTest, EveryChangedByteIsFound) {
  SomeValues(db_, "k").Put(4, 12);
  std::string file = Saved();
  for (size_t i = 0; i < file.size(); ++i) {
    for (int change : {1, 0x80, 0xff}) {
      std::string changed = file;
      changed[i] = static_cast<char>(changed[i] ^ change);
      Clear();
      EXPECT_NE(Load(changed).error, "") << i;
    }
  }
}

TEST_F(RdbFileTest, EveryCutIsFound) {
  SomeValues(db_, "k").Put(4, 12);
  std::string file = Saved();
  for (size_t size = 0; size < file.size(); ++size) {
    Clear();
    RdbLoadResult result = Load(file.substr(0, size));
    EXPECT_NE(result.error, "") << size;
    EXPECT_LE(result.error_offset, size);
  }
}

TEST_F(RdbFileTest, AWrongValueIsNamedWithItsOffset) {
  db_.SetString(HashKey("a"), "value");
  RdbSaveOptions options = Options();
  options.has_checksum = false;
  std::string file = Saved(options);
  size_t at = file.find("value") - 1;
  file[at] = static_cast<char>(0xc3);  // Now a compressed text, of impossible lengths.
  Clear();
  RdbLoadResult result = Load(file);
  EXPECT_NE(result.error, "");
  EXPECT_LE(result.error_offset, at);
  EXPECT_GE(result.error_offset + 20, at);
}

TEST_F(RdbFileTest, DeclaredLengthsMakeNobodyWaitOrMakeRoom) {
  std::string file = "REDIS0011";
  RdbOutput out(&file, false);
  WriteRdbSelect(out, 0);
  out.Type(RdbType::kHash);
  out.Text("k");
  out.Length(uint64_t{1} << 60);
  EXPECT_NE(Load(file).error, "");
  StringSource silent(file, SIZE_MAX, false);
  EXPECT_NE(Load(silent).error, "");
}

TEST_F(RdbFileTest, DueKeysStayOutOnAPrimaryAlone) {
  db_.SetString(HashKey("k"), "v", {.expiry_ms = kStart + 10});
  std::string file = Saved();
  context_.now_ms = kStart + 11;
  Clear();
  EXPECT_EQ(Load(file).error, "");
  EXPECT_EQ(loaded_keys_, 0u);
  EXPECT_EQ(expired_keys_, 1u);
  StringSource source(file);
  EXPECT_EQ(Load(source, 1, false).error, "");
  EXPECT_EQ(loaded_keys_, 1u);
}

TEST_F(RdbFileTest, UseIsKeptByPolicy) {
  settings_.maxmemory_policy = EvictionPolicy::kAllKeysLru;
  Set("k", "v");
  context_.SetTime(context_.now_ms + 50'000);
  std::string file = Saved();
  Clear();
  EXPECT_EQ(Load(file).error, "");
  EXPECT_EQ(db_.IdleSeconds(db_.Peek(HashKey("k"))), 50u);
  Clear();
  settings_.maxmemory_policy = EvictionPolicy::kAllKeysLfu;
  Set("k", "v");
  db_.SetLfuCounter(db_.Peek(HashKey("k")), 77);
  file = Saved();
  Clear();
  EXPECT_EQ(Load(file).error, "");
  EXPECT_EQ(db_.LfuCounter(db_.Peek(HashKey("k"))), 77u);
}

TEST_F(RdbFileTest, FunctionsAreGivenBackAndEmptyKeysPassedOver) {
  RdbSaveOptions options = Options();
  options.functions = {"#!lua name=a\n", "#!lua name=b\n"};
  EXPECT_EQ(Load(Saved(options)).facts.functions, options.functions);
  std::string file = "REDIS0010";
  RdbOutput out(&file, false);
  out.Type(RdbType::kSet);
  out.Text("k");
  out.Length(0);
  out.Byte(static_cast<uint8_t>(RdbOpcode::kEnd));
  out.Bytes(std::string(8, '\0'));
  EXPECT_EQ(Load(file).error, "");
  EXPECT_EQ(empty_keys_, 1u);
}

TEST_F(RdbFileTest, VersionsAndSignaturesThatAreNotKnownAreRefused) {
  const std::string end("\xff\0\0\0\0\0\0\0\0", 9);
  for (std::string_view head : {"REDIS0001", "REDIS0004"})
    EXPECT_EQ(Load(std::string(head) + "\xff").error, "") << head;
  for (std::string_view head : {"REDIS0005", "REDIS0011", "REDIS0012", "VALKEY080"})
    EXPECT_EQ(Load(std::string(head) + end).error, "") << head;
  for (std::string_view head : {"REDIS0000", "REDIS0013", "VALKEY011", "REDIS00x1", "NOTHING12"})
    EXPECT_NE(Load(std::string(head) + end).error, "") << head;
}

TEST_F(RdbFileTest, AKeyThatIsThereTwiceIsAnErrorUnlessItIsReplaced) {
  Set("k", "old");
  std::string file = Saved();
  Set("k", "new");
  EXPECT_NE(Load(file).error, "");
  RdbLoadProgress progress;
  StringSource source(file);
  RdbLoadResult result = LoadRdb(source, keyspace_, settings_,
                                 {.replaces = true, .now_ms = context_.now_ms}, &progress);
  EXPECT_EQ(result.error, "");
  EXPECT_EQ(Get("k"), "old");
}

TEST_F(RdbFileTest, ModuleDataIsPassedOverAndModuleValuesAreRefused) {
  std::string file = "REDIS0011";
  RdbOutput out(&file, false);
  out.Byte(static_cast<uint8_t>(RdbOpcode::kModuleAux));
  out.Length(12345);
  for (uint64_t part : {2, 2}) out.Length(part);  // When it was written.
  out.Length(5);
  out.Text("text");
  out.Length(0);
  std::string value = file;
  out.Byte(static_cast<uint8_t>(RdbOpcode::kEnd));
  out.Bytes(std::string(8, '\0'));
  RdbLoadResult result = Load(file);
  EXPECT_EQ(result.error, "");
  EXPECT_EQ(result.facts.module_parts, 1u);
  RdbOutput more(&value, false);
  more.Type(RdbType::kModule2);
  more.Text("k");
  EXPECT_NE(Load(value).error.find("module"), std::string::npos);
}

class FileOnDisk : public RdbFileTest {
 protected:
  FileOnDisk() {
    char folder[] = "/tmp/kiln-rdb-XXXXXX";
    folder_ = mkdtemp(folder);
    path_ = folder_ + "/dump.rdb";
  }
  ~FileOnDisk() override { std::filesystem::remove_all(folder_); }
  std::string Save() {
    RdbSaveProgress progress;
    return SaveRdbFile(
        path_, ContentsOf(keyspace_), Options(),
        [&](RdbProducer& to) { ProduceEntries(keyspace_, to); }, &progress);
  }
  size_t Files() const {
    auto files = std::filesystem::directory_iterator(folder_);
    return static_cast<size_t>(std::distance(begin(files), end(files)));
  }

  std::string folder_;
  std::string path_;
};

TEST_F(FileOnDisk, IsSavedAndLoaded) {
  Fill();
  auto before = Contents();
  EXPECT_EQ(Save(), "");
  EXPECT_EQ(Files(), 1u);
  Clear();
  FileSource source;
  ASSERT_TRUE(source.Open(path_));
  EXPECT_EQ(Load(source, 2).error, "");
  EXPECT_EQ(Contents(), before);
}

TEST_F(FileOnDisk, AFailedSaveLeavesTheOldFileAndNoOther) {
  std::ofstream(path_) << "old";
  RdbFile file(path_, true);
  EXPECT_EQ(file.Open(), "");
  EXPECT_EQ(file.Write("new"), "");
  EXPECT_EQ(Files(), 2u);
  {
    RdbFile other(path_, true);
    EXPECT_EQ(other.Open(), "");
    EXPECT_EQ(Files(), 3u);
  }
  EXPECT_EQ(Files(), 2u);
  std::string text;
  std::ifstream(path_) >> text;
  EXPECT_EQ(text, "old");
  EXPECT_EQ(file.Commit(), "");
  EXPECT_EQ(Files(), 1u);
  RdbFile nowhere(folder_ + "/none/dump.rdb", true);
  EXPECT_NE(nowhere.Open(), "");
}

}  // namespace
}  // namespace kiln
