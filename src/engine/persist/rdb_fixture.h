// What tests of RDB files start from: files in memory, and a keyspace with values of every kind.
#pragma once

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "engine/persist/byte_sink.h"
#include "engine/persist/byte_source.h"
#include "engine/persist/rdb_loader.h"
#include "engine/persist/rdb_save.h"
#include "engine/store/db.h"
#include "engine/store/types/hash.h"
#include "engine/store/types/list.h"
#include "engine/store/types/set.h"
#include "engine/store/types/sorted_set.h"
#include "engine/store/types/stream.h"

namespace kiln {

class StringSink final : public ByteSink {
 public:
  std::string Write(std::string_view bytes) override {
    if (text.size() + bytes.size() > limit) return "no space";
    text += bytes;
    return {};
  }
  std::string text;
  size_t limit = SIZE_MAX;
};

// Gives at most `step` bytes at a time, and says how many there are only if `tells`.
class StringSource final : public ByteSource {
 public:
  explicit StringSource(std::string_view text, size_t step = SIZE_MAX, bool tells = true)
      : rest_(text), step_(step), total_bytes_(tells ? text.size() : kUnknown) {}
  std::string Read(char* to, size_t bytes, size_t* got) override {
    *got = std::min({bytes, step_, rest_.size()});
    std::memcpy(to, rest_.data(), *got);
    rest_.remove_prefix(*got);
    return {};
  }
  uint64_t total_bytes() const override { return total_bytes_; }

 private:
  std::string_view rest_;
  size_t step_;
  uint64_t total_bytes_;
};

// Puts a value of each type and form under "<name>-string" and so on.
class SomeValues {
 public:
  SomeValues(Db& db, std::string name) : db_(db), name_(std::move(name)) {}

  // `elements` of each collection, and texts of `bytes`.
  void Put(size_t elements, size_t bytes) {
    db_.SetString(At("string"), Text(0, bytes));
    db_.SetString(At("integer"), "-1234567");
    db_.SetString(At("timed"), Text(1, bytes), {.expiry_ms = db_.now_ms() + 1'000'000});
    db_.SetString(At("item"), Text(2, bytes), {.client_flags = 7, .cas = 12345});
    db_.SetString(At("chosen"), Text(2, bytes), {.client_flags = ~0u, .cas = ~uint64_t{0}});
    auto list = std::make_unique<List>();
    auto set = std::make_unique<Set>();
    auto numbers = std::make_unique<Set>();
    auto sorted = std::make_unique<SortedSet>();
    auto hash = std::make_unique<Hash>();
    for (size_t i = 0; i < elements; ++i) {
      list->PushTail(Text(i, bytes), {});
      set->Add(Text(i, bytes), {});
      numbers->Add(std::to_string(i * 3), {});
      sorted->Add(static_cast<double>(i) / 3, Text(i, bytes), {});
      hash->Set(Text(i, bytes), Text(i + 1, bytes), {});
    }
    db_.PutCollection(At("list"), Type::kList, list.release());
    db_.PutCollection(At("set"), Type::kSet, set.release());
    db_.PutCollection(At("numbers"), Type::kSet, numbers.release());
    db_.PutCollection(At("sorted"), Type::kZset, sorted.release());
    Record* record = db_.PutCollection(At("hash"), Type::kHash, hash.release());
    db_.SetExpiry(At("hash"), record, db_.now_ms() + 2'000'000);
    PutStream(elements, bytes);
  }
  void PutTimedHash(size_t elements) {
    auto hash = std::make_unique<Hash>();
    for (size_t i = 0; i < elements; ++i) {
      hash->Set(Text(i, 10), Text(i, 20), {});
      if (i % 2 == 0) hash->SetFieldExpiry(Text(i, 10), db_.now_ms() + 1'000'000 + i);
    }
    db_.PutCollection(At("timed-hash"), Type::kHash, hash.release());
  }

 private:
  static std::string Text(size_t number, size_t bytes) {
    std::string text = "v" + std::to_string(number);
    while (text.size() < bytes) text += static_cast<char>('a' + text.size() * number % 23);
    return text;
  }
  Key At(std::string_view what) {
    key_ = name_ + "-" + std::string(what);
    return HashKey(key_);
  }
  void PutStream(size_t elements, size_t bytes) {
    auto stream = std::make_unique<Stream>();
    StreamGroup* group = nullptr;
    StreamConsumer* consumer = nullptr;
    for (uint64_t i = 1; i <= elements; ++i) {
      std::string value = Text(i, bytes);
      stream->Add({i, 1}, std::vector<std::string_view>{"field", value}, {});
      if (i == 1) {
        group = stream->CreateGroup("group", {1, 1}, 1);
        consumer = group->CreateConsumer("consumer", 5);
        stream->CreateGroup("other", {}, 0)->CreateConsumer("idle", 6);
      }
      group->Deliver({i, 1}, consumer, static_cast<int64_t>(i));
    }
    db_.PutCollection(At("stream"), Type::kStream, stream.release());
  }

  Db& db_;
  std::string name_;
  std::string key_;
};

}  // namespace kiln
