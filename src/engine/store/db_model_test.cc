// Random commands against the store and against a std::map.

#include <map>

#include "base/memory.h"
#include "engine/store/store_fixture.h"
#include "engine/store/types/list.h"

namespace kiln {
namespace {

struct ModelValue {
  bool is_list = false;
  std::string text;               // of a string
  std::vector<std::string> list;  // of a list
  uint64_t expiry_ms = kNoExpiry;
  uint32_t client_flags = 0;
  uint64_t cas = 0;
};

class DbModelTest : public StoreTest {
 protected:
  using Model = std::map<std::string, ModelValue>;

  void RandomStep(Random& random) {
    int index = random.Below(4) == 0;
    Db& db = index == 0 ? db_ : other_db_;
    Model& model = models_[index];
    std::string name = RandomKeyName(random);
    Look(db, model, name);
    switch (random.Below(10)) {
      case 0:
      case 1:
        return SetString(db, model, name, random);
      case 2:
        return SetInteger(db, model, name, random);
      case 3:
        return Resize(db, model, name, random);
      case 4:
        return PushToList(db, model, name, random);
      case 5:
        return SetExpiry(db, model, name, random);
      case 6:
        EXPECT_EQ(db.Delete(HashKey(name)), model.erase(name) == 1);
        return;
      case 7:
        return Transfer(db, model, name, random);
      case 8:
        if (auto found = model.find(name); found != model.end())
          SetCas(db, name, &found->second, random);
        return;
      default:
        return PassTime(random);
    }
  }

  void Check() {
    for (int index = 0; index < 2; ++index) {
      Db& db = index == 0 ? db_ : other_db_;
      Model& model = models_[index];
      size_t with_ttl = 0;
      for (auto next = model.begin(); next != model.end();) {
        auto entry = next++;
        if (entry->second.expiry_ms <= context_.now_ms) {
          EXPECT_EQ(db.Peek(HashKey(entry->first)), nullptr);
          model.erase(entry);
          continue;
        }
        with_ttl += entry->second.expiry_ms != kNoExpiry;
        CheckKey(db, entry->first, entry->second);
      }
      EXPECT_EQ(keyspace_.KeyCount(index), model.size());
      EXPECT_EQ(keyspace_.VolatileCount(index), with_ttl);
    }
  }

 private:
  static std::string RandomKeyName(Random& random) {
    std::string name = "key:" + std::to_string(random.Below(50));
    if (name.back() == '7') name += std::string(150, 'k');
    if (name.back() == '9') name += std::string(1200, 'k');
    return name;
  }
  static std::string RandomText(Random& random) {
    constexpr size_t kLimits[] = {5, 60, 300, 3000};
    if (random.Below(4) == 0) return std::to_string(static_cast<int64_t>(random.Next()));
    return std::string(random.Below(kLimits[random.Below(4)]),
                       static_cast<char>('a' + random.Below(26)));
  }
  uint64_t RandomExpiry(Random& random) {
    return random.Below(3) == 0
               ? kNoExpiry
               : context_.now_ms + 1 + random.Below(uint64_t{8} << random.Below(20));
  }
  // Looks at the key, after which an expired one is gone.
  void Look(Db& db, Model& model, const std::string& name) {
    auto found = model.find(name);
    if (found != model.end() && found->second.expiry_ms <= context_.now_ms) model.erase(found);
    EXPECT_EQ(db.Peek(HashKey(name)) != nullptr, model.contains(name)) << name;
  }

  void CheckKey(Db& db, const std::string& name, const ModelValue& expected) {
    const Record* record = db.Peek(HashKey(name));
    ASSERT_NE(record, nullptr) << name;
    EXPECT_EQ(record->key(), name);
    EXPECT_EQ(record->expiry_ms(), expected.expiry_ms) << name;
    EXPECT_EQ(record->client_flags(), expected.client_flags) << name;
    EXPECT_EQ(record->cas(), expected.cas) << name;
    ASSERT_EQ(record->type() == Type::kList, expected.is_list) << name;
    if (!expected.is_list) {
      EXPECT_EQ(Get(db, name), expected.text);
      return;
    }
    std::vector<std::string> elements;
    ElementScratch scratch;
    record->collection<List>()->ForEach(
        [&](const Element& e) { elements.emplace_back(e.ToString(scratch)); });
    EXPECT_EQ(elements, expected.list);
  }

  void SetString(Db& db, Model& model, const std::string& name, Random& random) {
    Db::StringOptions options;
    options.keep_expiry = random.Below(3) == 0;
    if (random.Below(2) == 0) options.expiry_ms = RandomExpiry(random);
    if (random.Below(3) == 0) {
      options.client_flags = static_cast<uint32_t>(random.Next() >> (32 + random.Below(31))) | 1;
    }
    if (random.Below(3) == 0) options.cas = random.Next() >> random.Below(63) | 1;
    ModelValue fresh;
    fresh.text = RandomText(random);
    fresh.client_flags = options.client_flags;
    fresh.cas = options.cas;
    fresh.expiry_ms = !options.keep_expiry   ? options.expiry_ms
                      : model.contains(name) ? model[name].expiry_ms
                                             : kNoExpiry;
    db.SetString(HashKey(name), fresh.text, options);
    model[name] = fresh;
  }

  void SetInteger(Db& db, Model& model, const std::string& name, Random& random) {
    if (model.contains(name) && model[name].is_list) return;
    auto number = static_cast<int64_t>(random.Next() >> random.Below(64));
    db.SetInteger(HashKey(name), number);
    model[name].text = std::to_string(number);
    model[name].cas = 0;
  }

  // Numbers of all sizes, in place.
  void SetCas(Db& db, const std::string& name, ModelValue* value, Random& random) {
    if (value->is_list || value->cas == 0) return;
    value->cas = random.Next() >> random.Below(63) | 1;
    Record* record = db.SetCas(HashKey(name), db.Peek(HashKey(name)), value->cas);
    EXPECT_EQ(record, db.Peek(HashKey(name)));
  }

  void Resize(Db& db, Model& model, const std::string& name, Random& random) {
    if (model.contains(name) && model[name].is_list) return;
    size_t bytes = random.Below(size_t{16} << random.Below(10));
    Record* record =
        db.ResizeString(HashKey(name), db.Peek(HashKey(name)), bytes, random.Below(2) == 0);
    EXPECT_EQ(record->RawBytes(), bytes);
    model[name].text.resize(bytes);
    model[name].cas = 0;
  }

  void PushToList(Db& db, Model& model, const std::string& name, Random& random) {
    auto list = db.FindOrCreate<List>(HashKey(name));
    bool holds_text = model.contains(name) && !model[name].is_list;
    ASSERT_EQ(!list, holds_text) << name;
    if (!list) return;
    std::string text = RandomText(random);
    (*list)->PushTail(text, {});
    model[name].is_list = true;
    model[name].list.push_back(text);
  }

  void SetExpiry(Db& db, Model& model, const std::string& name, Random& random) {
    Record* record = db.Peek(HashKey(name));
    ASSERT_EQ(record != nullptr, model.contains(name)) << name;
    if (record == nullptr) return;
    uint64_t expiry = RandomExpiry(random);
    db.SetExpiry(HashKey(name), record, expiry);
    model[name].expiry_ms = expiry;
  }

  // Renames or copies to another key, of either database.
  void Transfer(Db& from_db, Model& from, const std::string& name, Random& random) {
    int to_index = static_cast<int>(random.Below(2));
    Db& to_db = to_index == 0 ? db_ : other_db_;
    Model& to = models_[to_index];
    std::string to_name = RandomKeyName(random);
    if (!from.contains(name) || (&to == &from && to_name == name)) return;
    Look(to_db, to, to_name);
    EXPECT_EQ(to_db.Delete(HashKey(to_name)), to.erase(to_name) == 1);
    to[to_name] = from[name];
    if (random.Below(2) == 0) {
      to_db.CopyFrom(HashKey(to_name), from_db.Peek(HashKey(name)));
    } else {
      to_db.Adopt(HashKey(to_name), HashKey(name).shard(), from_db.Extract(HashKey(name)));
      from.erase(name);
    }
  }

  void PassTime(Random& random) {
    context_.SetTime(context_.now_ms + random.Below(uint64_t{4} << random.Below(16)));
    if (random.Below(2) == 0) return;
    ExpireDue();
    // All that is a tick overdue is gone without anybody having looked.
    for (int index = 0; index < 2; ++index) {
      size_t alive = 0;
      for (const auto& [name, value] : models_[index]) {
        alive += value.expiry_ms == kNoExpiry ||
                 value.expiry_ms + ExpiryIndex::kTickMs > context_.now_ms;
      }
      EXPECT_LE(keyspace_.KeyCount(index), alive);
    }
  }

  Model models_[2];
};

TEST_F(DbModelTest, AgreesWithAMap) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Random random(seed);
    for (int step = 0; step < 2000; ++step) {
      RandomStep(random);
      if (step % 50 == 0) Check();
      if (HasFailure()) return;
    }
    Check();
  }
  size_t keys = keyspace_.Flush(0, true, context_) + keyspace_.Flush(1, true, context_);
  EXPECT_GT(keys, 0u);
  EXPECT_EQ(RecordBytes(), 0u);
}

}  // namespace
}  // namespace kiln
