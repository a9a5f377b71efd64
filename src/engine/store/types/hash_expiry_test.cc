// Times to live of a hash's fields, one by one and against a model.
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "engine/store/types/hash.h"

namespace kiln {
namespace {

constexpr HashLimits kLimits;

TEST(HashExpiry, AFieldHasNoTimeUntilItIsGivenOne) {
  Hash hash;
  hash.Set("f", "v", kLimits);
  EXPECT_FALSE(hash.TracksExpiry());
  EXPECT_EQ(hash.FieldExpiryMs("f"), Hash::kNoFieldExpiry);
  hash.SetFieldExpiry("f", Hash::kNoFieldExpiry);
  EXPECT_FALSE(hash.TracksExpiry());
  hash.SetFieldExpiry("f", 100);
  EXPECT_EQ(hash.FieldExpiryMs("f"), 100u);
  EXPECT_EQ(hash.SoonestExpiryMs(), 100u);
  EXPECT_EQ(hash.EncodingName(), "listpackex");
}

TEST(HashExpiry, SettingTheValueTakesTheTimeAway) {
  Hash hash;
  hash.Set("f", "v", kLimits);
  hash.SetFieldExpiry("f", 100);
  EXPECT_FALSE(hash.Set("f", "w", kLimits));
  EXPECT_EQ(hash.FieldExpiryMs("f"), Hash::kNoFieldExpiry);
  EXPECT_EQ(hash.RemoveDue(1000, SIZE_MAX), 0u);
}

TEST(HashExpiry, TheTimeCanBeKeptWhileTheValueGrows) {
  Hash hash;
  hash.Set("f", "v", kLimits);
  hash.SetFieldExpiry("f", 100);
  EXPECT_FALSE(hash.SetKeepingExpiry("f", std::string(1000, 'x'), kLimits));
  EXPECT_EQ(hash.FieldExpiryMs("f"), 100u);
  EXPECT_EQ(hash.ValueLength("f"), 1000u);
  EXPECT_EQ(hash.EncodingName(), "hashtable");
  EXPECT_TRUE(hash.SetKeepingExpiry("g", "new", kLimits));
  EXPECT_EQ(hash.FieldExpiryMs("g"), Hash::kNoFieldExpiry);
}

TEST(HashExpiry, DueFieldsGoSoonestFirstAndNoMoreThanAllowed) {
  Hash hash;
  for (int i = 0; i < 3000; ++i) {
    std::string field = std::to_string(i);
    hash.Set(field, "v", kLimits);
    hash.SetFieldExpiry(field, static_cast<uint64_t>(10'000 - i));
  }
  EXPECT_EQ(hash.RemoveDue(7000, SIZE_MAX), 0u);
  EXPECT_EQ(hash.RemoveDue(8000, 10), 10u);
  EXPECT_FALSE(hash.Contains("2999"));
  EXPECT_TRUE(hash.Contains("2989"));
  EXPECT_EQ(hash.SoonestExpiryMs(), 7011u);
  EXPECT_EQ(hash.RemoveDue(8000, SIZE_MAX), 990u);
  EXPECT_EQ(hash.size(), 2000u);
  EXPECT_EQ(hash.RemoveDue(10'000, SIZE_MAX), 2000u);
  EXPECT_EQ(hash.SoonestExpiryMs(), Hash::kNoFieldExpiry);
}

TEST(HashExpiry, MemoryIsCountedAndGivenBack) {
  Hash hash;
  for (int i = 0; i < 10'000; ++i) hash.Set(std::to_string(i), "v", kLimits);
  size_t before = hash.memory_bytes();
  for (int i = 0; i < 10'000; ++i) hash.SetFieldExpiry(std::to_string(i), 5);
  size_t with_times = hash.memory_bytes();
  EXPECT_GE(with_times - before, 10'000u * 16);
  for (int i = 0; i < 10'000; ++i) hash.SetFieldExpiry(std::to_string(i), Hash::kNoFieldExpiry);
  EXPECT_LE(hash.memory_bytes(), with_times - 7 * 16 * 1024);
}

// The hash and what it should hold.
class HashModel {
 public:
  explicit HashModel(uint64_t seed) : random_(seed) {}

  void Step() {
    now_ms_ += random_.Below(3);
    std::string field = "f" + std::to_string(random_.Below(200));
    auto known = model_.find(field);
    switch (random_.Below(8)) {
      case 0:
      case 1: {
        std::string value(random_.Below(100), 'v');
        EXPECT_EQ(hash_.Set(field, value, kLimits), known == model_.end());
        model_[field] = {value, Hash::kNoFieldExpiry};
        break;
      }
      case 2: {
        std::string value = std::to_string(random_.Below(100'000));
        EXPECT_EQ(hash_.SetKeepingExpiry(field, value, kLimits), known == model_.end());
        model_.try_emplace(field, value, Hash::kNoFieldExpiry).first->second.first = value;
        break;
      }
      case 3:
        EXPECT_EQ(hash_.Remove(field), model_.erase(field) == 1);
        break;
      case 4:
        RemoveDue(random_.Below(2) == 0 ? SIZE_MAX : 1);
        break;
      case 5:
        if (random_.Below(50) == 0) hash_ = hash_.Clone();
        break;
      default:
        if (known != model_.end()) SetTime(field);
    }
  }

  void Check() {
    EXPECT_EQ(hash_.size(), model_.size());
    uint64_t soonest = Hash::kNoFieldExpiry;
    for (const auto& [field, entry] : model_) {
      ElementScratch scratch;
      EXPECT_EQ(hash_.Get(field, scratch), entry.first);
      EXPECT_EQ(hash_.FieldExpiryMs(field), entry.second);
      soonest = std::min(soonest, entry.second);
    }
    EXPECT_EQ(hash_.SoonestExpiryMs(), soonest);
    size_t visited = 0;
    hash_.ForEachWithExpiry([&](std::string_view field, std::string_view, uint64_t when_ms) {
      EXPECT_EQ(model_.at(std::string(field)).second, when_ms);
      ++visited;
    });
    EXPECT_EQ(visited, model_.size());
  }

 private:
  void SetTime(const std::string& field) {
    uint64_t when_ms = random_.Below(4) == 0 ? Hash::kNoFieldExpiry : now_ms_ + random_.Below(500);
    hash_.SetFieldExpiry(field, when_ms);
    model_[field].second = when_ms;
  }
  void RemoveDue(size_t limit) {
    size_t due = 0;
    for (const auto& [field, entry] : model_) due += entry.second <= now_ms_;
    EXPECT_EQ(hash_.RemoveDue(now_ms_, limit), std::min(due, limit));
    // With a limit, any of those that are due first may have gone.
    std::erase_if(model_, [&](const auto& entry) {
      return entry.second.second <= now_ms_ && !hash_.Contains(entry.first);
    });
  }

  Random random_;
  uint64_t now_ms_ = 1000;
  Hash hash_;
  std::map<std::string, std::pair<std::string, uint64_t>> model_;
};

TEST(HashExpiry, AgreesWithAModelOverManySteps) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    HashModel model(seed);
    for (int i = 0; i < 4000; ++i) {
      model.Step();
      if (i % 100 == 0) model.Check();
    }
    model.Check();
    if (testing::Test::HasFailure()) FAIL() << "seed " << seed;
  }
}

}  // namespace
}  // namespace kiln
