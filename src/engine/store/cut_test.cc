#include "engine/store/cut.h"

#include <map>
#include <string>
#include <thread>
#include <vector>

#include "engine/store/store_fixture.h"
#include "engine/store/types/list.h"
#include "engine/store/value.h"

namespace kiln {
namespace {

using Contents = std::map<std::pair<int, std::string>, std::string>;

std::string ValueText(const Record* record) {
  char scratch[32];
  if (record->type() == Type::kString) return std::string(Db::StringOf(record, scratch));
  std::string text = "list";
  ElementScratch digits;
  record->collection<List>()->ForEach([&](const Element& element) {
    text += ' ';
    text += element.ToString(digits);
  });
  return text;
}

// A text in pieces of its own length.
class TextEntry : public CutEntry {
 public:
  explicit TextEntry(const Record* record) : record_(record) {}
  bool WriteSome(std::string* out, size_t budget_bytes) override {
    if (text_.empty()) {
      text_ = std::string(record_->key()) + '=';
      for (char c : ValueText(record_)) text_ += c;
      text_ += '@' + std::to_string(record_->expiry_ms()) + '\n';
    }
    size_t count = std::min(budget_bytes, text_.size() - at_);
    *out += text_.substr(at_, count);
    at_ += count;
    return at_ == text_.size();
  }

 private:
  const Record* record_;
  std::string text_;
  size_t at_ = 0;
};

// "key=value\n" for each record, with its expiry.
class TextWriter : public CutWriter {
 public:
  std::unique_ptr<CutEntry> Begin(const Record* record) override {
    constexpr size_t kBigBytes = 100'000;
    if (!record->is_raw() || record->raw().size() < kBigBytes) return nullptr;
    return std::make_unique<TextEntry>(record);
  }
  void Write(const Record* record, std::string* out) override {
    *out += record->key();
    *out += '=';
    *out += ValueText(record) + '@' + std::to_string(record->expiry_ms());
    *out += '\n';
  }
};

class CutTest : public StoreTest {
 protected:
  static constexpr int kKeys = 5'000;

  CutTest() {
    for (int i = 0; i < kKeys; ++i) Change(0);
    for (int i = 0; i < 100; ++i) Change(1);
  }

  std::string SomeKey() { return "key:" + std::to_string(random_.Below(kKeys)); }

  // A change of a random kind to a random key.
  void Change(int db_index) {
    Db db(keyspace_, db_index, context_);
    std::string name = SomeKey();
    Key key = HashKey(name);
    std::string value(random_.Below(200), 'v');
    value += std::to_string(random_.Next());
    switch (random_.Below(8)) {
      case 0:
        db.Delete(key);
        break;
      case 1:
        db.SetString(key, std::to_string(random_.Below(1000)));
        break;
      case 2:
        if (Record* record = db.Touch(key))
          db.SetExpiry(key, record, kStart + 5000 + random_.Below(9));
        break;
      case 3:
        if (auto list = db.FindOrCreate<List>(key)) (*list)->PushTail(value, {});
        break;
      case 4:
        if (Record* record = db.Touch(key); record != nullptr && record->type() == Type::kString) {
          db.ResizeString(key, record, 40 + random_.Below(2000), true)->value()[7] = 'x';
        }
        break;
      case 5:
        db.SetString(key, value, {.expiry_ms = kStart + 4000 + random_.Below(9)});
        break;
      default:
        db.SetString(key, value);
    }
  }

  Contents Now() {
    Contents contents;
    for (int db = 0; db < keyspace_.databases(); ++db) {
      for (size_t shard = 0; shard < kShardCount; ++shard) {
        keyspace_.table(db, shard).records.ForEach([&](const Record* record) {
          contents[{db, std::string(record->key())}] =
              ValueText(record) + '@' + std::to_string(record->expiry_ms());
        });
      }
    }
    return contents;
  }

  // A line may be in several chunks.
  void Add(const CutChunk& chunk, Contents* contents) {
    EXPECT_EQ(chunk.goes_on, !begun_.empty());
    begun_ += chunk.bytes;
    std::string bytes = std::exchange(begun_, {});
    for (size_t at = 0; at < bytes.size();) {
      size_t end = bytes.find('\n', at);
      if (end == std::string::npos) return (void)(begun_ = bytes.substr(at));
      std::string_view line = std::string_view(bytes).substr(at, end - at);
      size_t equals = line.find('=');
      bool is_new = contents
                        ->emplace(std::pair(chunk.db, std::string(line.substr(0, equals))),
                                  line.substr(equals + 1))
                        .second;
      EXPECT_TRUE(is_new) << "twice: " << line;
      at = end + 1;
    }
  }

  Contents Taken(Cut& cut, int changes_between) {
    Contents contents;
    CutChunk chunk;
    while (cut.Next(&chunk)) {
      Add(chunk, &contents);
      for (int i = 0; i < changes_between; ++i) Change(i % 50 == 0 ? 1 : 0);
    }
    return contents;
  }

  std::string begun_;
  Random random_{42};
  TextWriter writer_;
};

TEST_F(CutTest, GivesTheStateOfItsBeginningWhateverChangesMeanwhile) {
  for (int round = 0; round < 3; ++round) {
    Contents before = Now();
    Cut cut(keyspace_, writer_);
    EXPECT_EQ(cut.keys(), before.size());
    EXPECT_EQ(Taken(cut, 2000), before);
    EXPECT_EQ(cut.keys_done(), before.size());
  }
  EXPECT_EQ(keyspace_.cut(), nullptr);
}

TEST_F(CutTest, WhatExpiresMeanwhileIsInIt) {
  Contents before = Now();
  Cut cut(keyspace_, writer_);
  context_.SetTime(kStart + 4900);
  for (size_t shard = 0; shard < kShardCount; ++shard) {
    size_t budget = 1'000'000;
    keyspace_.ExpireDue(shard, &budget, context_);
  }
  EXPECT_LT(Now().size(), before.size());
  EXPECT_EQ(Taken(cut, 0), before);
}

TEST_F(CutTest, AFlushAbandonsItAndTheNextIsWhole) {
  CutChunk chunk;
  {
    Cut cut(keyspace_, writer_);
    EXPECT_TRUE(cut.Next(&chunk));
    keyspace_.Flush(1, false, context_);
    EXPECT_TRUE(cut.is_abandoned());
    for (int i = 0; i < 1000; ++i) Change(0);
    while (cut.Next(&chunk)) {
    }
  }
  Contents before = Now();
  Cut cut(keyspace_, writer_);
  EXPECT_EQ(Taken(cut, 1000), before);
}

TEST_F(CutTest, BigValuesComeInPiecesUnlessSomebodyChangesThem) {
  for (int i = 0; i < 20; ++i) Set("big:" + std::to_string(i), std::string(1'000'000, 'b'));
  Contents before = Now();
  Contents taken;
  Cut cut(keyspace_, writer_);
  CutChunk chunk;
  size_t chunks = 0;
  size_t most_bytes = 0;
  while (cut.Next(&chunk)) {
    Add(chunk, &taken);
    ++chunks;
    most_bytes = std::max(most_bytes, chunk.bytes.size());
    if (chunks == 30) {  // while one of them is in pieces, maybe
      for (int i = 0; i < 20; i += 2) db_.Delete(HashKey("big:" + std::to_string(i)));
    }
  }
  EXPECT_EQ(taken, before);
  EXPECT_GE(chunks, 50u);
  EXPECT_LE(most_bytes, 1'400'000u);
}

TEST_F(CutTest, SurvivesChangesByOtherThreads) {
  Contents before = Now();
  Contents taken;
  Cut cut(keyspace_, writer_);
  std::atomic<bool> is_over{false};
  auto change = [&](uint64_t seed) {
    StoreContext context(settings_, seed);
    context.SetTime(kStart);
    Random random(seed);
    while (!is_over.load(std::memory_order_relaxed)) {
      std::string name = "key:" + std::to_string(random.Below(kKeys));
      Key key = HashKey(name);
      std::lock_guard<ShardLock> lock(keyspace_.shard(key.shard()).lock);
      Db db(keyspace_, 0, context);
      random.Below(3) == 0 ? void(db.Delete(key)) : void(db.SetString(key, name));
    }
  };
  std::thread one(change, 1);
  std::thread two(change, 2);
  CutChunk chunk;
  while (cut.Next(&chunk)) Add(chunk, &taken);
  is_over = true;
  one.join();
  two.join();
  EXPECT_EQ(taken, before);
}

}  // namespace
}  // namespace kiln
