#include "engine/persist/rdb_value.h"

#include <optional>

#include "engine/commands/encoding_limits.h"
#include "engine/persist/old_encodings.h"
#include "engine/persist/rdb_stream.h"

namespace kiln {
namespace {

// ---- Writing ----

void WriteString(RdbOutput& out, const Record* record) {
  record->is_integer() ? out.Integer(record->integer()) : out.Text(record->raw());
}

void WriteList(RdbOutput& out, const List& list) {
  out.Length(list.ListpackCount());
  list.ForEachListpack([&](const Listpack& pack) {
    out.Length(kRdbNodePacked);
    out.Text(pack.bytes());
  });
}

void WriteSet(RdbOutput& out, const Set& set) {
  if (const Intset* intset = set.AsIntset()) return out.Text(intset->bytes());
  const Listpack* pack = set.AsListpack();
  if (pack != nullptr && out.version() >= kRdbVersion) return out.Text(pack->bytes());
  out.Length(set.size());
  set.ForEach([&](const Element& member) {
    member.is_int ? out.Integer(member.integer) : out.Text(member.text);
  });
}

void WriteSortedSet(RdbOutput& out, const SortedSet& set) {
  if (const Listpack* pack = set.AsListpack()) return out.Text(pack->bytes());
  out.Length(set.size());
  // From the highest down: whoever reads it adds each before the last, which is cheap.
  set.ForEachIn(set.AllRanks(), Order::kDescending, [&](std::string_view member, double score) {
    out.Text(member);
    out.Double(score);
  });
}

// Redis makes a small one's listpack again when it reads this.
void WriteHashWithTimes(RdbOutput& out, const Hash& hash) {
  uint64_t soonest_ms = hash.SoonestExpiryMs();
  out.Milliseconds(static_cast<int64_t>(soonest_ms));
  out.Length(hash.size());
  hash.ForEachWithExpiry([&](std::string_view field, std::string_view value, uint64_t when_ms) {
    out.Length(when_ms == Hash::kNoFieldExpiry ? 0 : when_ms - soonest_ms + 1);
    out.Text(field);
    out.Text(value);
  });
}

void WriteHash(RdbOutput& out, const Hash& hash) {
  if (hash.SoonestExpiryMs() != Hash::kNoFieldExpiry) return WriteHashWithTimes(out, hash);
  if (const Listpack* pack = hash.AsListpack()) return out.Text(pack->bytes());
  out.Length(hash.size());
  hash.ForEach([&](std::string_view field, std::string_view value) {
    out.Text(field);
    out.Text(value);
  });
}

// ---- Reading ----

// Calls f(const Element&) for what a listpack, ziplist or zipmap holds; what is none breaks the
// input.
template <typename F>
void ForEachIn(const Listpack& pack, F&& f) {
  for (uint32_t at = pack.First(); at != Listpack::kNone; at = pack.Next(at)) f(pack.Get(at));
}

template <typename F>
void ForEachPacked(RdbInput& in, F&& f) {
  std::optional<Listpack> pack = Listpack::FromBytes(in.Text());
  pack ? ForEachIn(*pack, f) : in.Break();
}

template <typename F>
void ForEachZiplist(RdbInput& in, F&& f) {
  std::string bytes(in.Text());  // A copy: what f reads may take the input's room.
  if (in.is_broken() || !ReadZiplist(bytes, f)) in.Break();
}

// Gives pairs of elements to f(first, second); an odd one breaks the input.
template <typename F>
class Pairs {
 public:
  Pairs(RdbInput& in, F f) : in_(in), f_(std::move(f)) {}

  void operator()(const Element& element) {
    ElementScratch scratch;
    if (!has_first_) {
      first_ = element.ToString(scratch);
    } else {
      f_(std::string_view(first_), element.ToString(scratch));
    }
    has_first_ = !has_first_;
  }
  void End() {
    if (has_first_) in_.Break();
  }

 private:
  RdbInput& in_;
  F f_;
  std::string first_;
  bool has_first_ = false;
};

// A list from elements, in order.
class ListReader {
 public:
  ListReader(RdbInput& in, const Settings& settings) : in_(in), limits_(ListLimitsOf(settings)) {}

  RdbValue Read(RdbType type) {
    auto push = [&](const Element& element) {
      ElementScratch scratch;
      list_->PushTail(element.ToString(scratch), limits_);
    };
    if (type == RdbType::kListZiplist) {
      ForEachZiplist(in_, push);
    } else {
      uint64_t count = in_.Count();
      for (uint64_t i = 0; i < count && !in_.is_broken(); ++i) ReadNode(type, push);
    }
    if (list_->size() == 0) in_.FindEmpty();
    return std::move(list_);
  }

 private:
  template <typename Push>
  void ReadNode(RdbType type, Push&& push) {
    if (type == RdbType::kListQuicklist) return ForEachZiplist(in_, push);
    uint64_t form = type == RdbType::kList ? kRdbNodePlain : in_.Length();
    if (form == kRdbNodePacked) return ReadPacked(push);
    if (form != kRdbNodePlain) return in_.Break();
    std::string_view text = in_.Text();
    // Only long elements are written so into newer files.
    if (text.empty() && type == RdbType::kListQuicklist2) in_.Break();
    if (!in_.is_broken()) push(Element{.text = text});
  }

  // A node that is within the limits stays as it is.
  template <typename Push>
  void ReadPacked(Push&& push) {
    std::optional<Listpack> pack = Listpack::FromBytes(in_.Text());
    if (!pack) return in_.Break();
    bool is_fine = limits_.Allow(pack->byte_size(), pack->size());
    is_fine ? list_->AppendListpack(std::move(*pack), limits_) : ForEachIn(*pack, push);
  }

  RdbInput& in_;
  ListLimits limits_;
  std::unique_ptr<List> list_ = std::make_unique<List>();
};

RdbValue ReadSet(RdbInput& in, RdbType type, const Settings& settings) {
  auto set = std::make_unique<Set>();
  SetLimits limits = SetLimitsOf(settings);
  auto add = [&](std::string_view member) {
    if (!in.is_broken() && !set->Add(member, limits)) in.Break();
  };
  if (type == RdbType::kSetIntset) {
    std::optional<Intset> intset = Intset::FromBytes(in.Text());
    intset ? set->Assign(std::move(*intset), limits) : in.Break();
  } else if (type == RdbType::kSetListpack) {
    ForEachPacked(in, [&](const Element& member) {
      ElementScratch scratch;
      add(member.ToString(scratch));
    });
  } else {
    uint64_t count = in.Count();
    for (uint64_t i = 0; i < count && !in.is_broken(); ++i) add(in.Text());
  }
  if (set->size() == 0) in.FindEmpty();
  return set;
}

RdbValue ReadSortedSet(RdbInput& in, RdbType type, const Settings& settings) {
  auto set = std::make_unique<SortedSet>();
  ZsetLimits limits = ZsetLimitsOf(settings);
  auto add = [&](std::string_view member, std::optional<double> score) {
    if (in.is_broken()) return;
    if (!score || set->Add(*score, member, limits) != SortedSet::AddResult::kAdded) in.Break();
  };
  Pairs pairs(in, [&](std::string_view member, std::string_view score) {
    add(member, ParseDouble(score));
  });
  if (type == RdbType::kZsetListpack) {
    ForEachPacked(in, pairs);
  } else if (type == RdbType::kZsetZiplist) {
    ForEachZiplist(in, std::ref(pairs));
  } else {
    uint64_t count = in.Count();
    for (uint64_t i = 0; i < count && !in.is_broken(); ++i) {
      std::string member(in.Text());
      add(member, type == RdbType::kZset2 ? in.Double() : in.TextDouble());
    }
  }
  pairs.End();
  if (set->size() == 0) in.FindEmpty();
  return set;
}

RdbValue ReadHash(RdbInput& in, RdbType type, const Settings& settings) {
  auto hash = std::make_unique<Hash>();
  HashLimits limits = HashLimitsOf(settings);
  auto set = [&](std::string_view field, std::string_view value) {
    if (!in.is_broken() && !hash->Set(field, value, limits)) in.Break();
  };
  Pairs pairs(in, set);
  if (type == RdbType::kHashListpack) {
    std::optional<Listpack> pack = Listpack::FromBytes(in.Text());
    if (!pack) {
      in.Break();
    } else if (!hash->TakeListpack(&*pack, limits)) {
      ForEachIn(*pack, std::ref(pairs));
    }
  } else if (type == RdbType::kHashZiplist) {
    ForEachZiplist(in, std::ref(pairs));
  } else if (type == RdbType::kHashZipmap) {
    std::string bytes(in.Text());
    if (in.is_broken() || !ReadZipmap(bytes, std::ref(pairs))) in.Break();
  } else {
    uint64_t count = in.Count();
    for (uint64_t i = 0; i < count && !in.is_broken(); ++i) {
      std::string field(in.Text());
      set(field, in.Text());
    }
  }
  pairs.End();
  if (hash->empty()) in.FindEmpty();
  return hash;
}

// A hash whose fields have times, in each of the forms that Redis 7.4 and Valkey 9 have.
class TimedHashReader {
 public:
  TimedHashReader(RdbInput& in, const Settings& settings)
      : in_(in), limits_(HashLimitsOf(settings)) {}

  RdbValue Read(RdbType type) {
    bool is_packed = type == RdbType::kHashListpackTimes || type == RdbType::kHashListpackTimes23;
    bool has_soonest = type == RdbType::kHashTimes || type == RdbType::kHashListpackTimes;
    uint64_t soonest_ms = has_soonest ? static_cast<uint64_t>(in_.Milliseconds()) : 0;
    if (is_packed) {
      ReadPacked();
    } else {
      bool is_valkeys = type == RdbType::kHashTimes22 && in_.version() != kRdbVersionFieldTimes;
      uint64_t count = in_.Count();
      for (uint64_t i = 0; i < count && !in_.is_broken(); ++i) {
        is_valkeys ? ReadValkeyField() : ReadField(type, soonest_ms);
      }
    }
    if (hash_->empty()) in_.FindEmpty();
    return std::move(hash_);
  }

 private:
  // A time is 48 bits at most; 0 stands for none.
  void Add(std::string_view field, std::string_view value, uint64_t when_ms) {
    if (in_.is_broken()) return;
    if (when_ms >> 48 != 0 || !hash_->Set(field, value, limits_)) return in_.Break();
    if (when_ms != 0) hash_->SetFieldExpiry(field, when_ms);
  }

  // Times in milliseconds; in the released form they count from the soonest one, which is 1.
  void ReadField(RdbType type, uint64_t soonest_ms) {
    uint64_t when_ms = in_.Length();
    if (type == RdbType::kHashTimes && when_ms != 0) when_ms += soonest_ms - 1;
    std::string field(in_.Text());
    Add(field, in_.Text(), when_ms);
  }

  void ReadValkeyField() {
    std::string field(in_.Text());
    std::string value(in_.Text());
    int64_t when_ms = in_.Milliseconds();
    Add(field, value, when_ms == -1 ? 0 : static_cast<uint64_t>(when_ms));
  }

  // Triples of field, value and time.
  void ReadPacked() {
    std::string texts[2];
    size_t position = 0;
    ForEachPacked(in_, [&](const Element& element) {
      ElementScratch scratch;
      if (position < 2) {
        texts[position++] = element.ToString(scratch);
        return;
      }
      if (!element.is_int) in_.Break();
      Add(texts[0], texts[1], static_cast<uint64_t>(element.integer));
      position = 0;
    });
    if (position != 0) in_.Break();
  }

  RdbInput& in_;
  HashLimits limits_;
  std::unique_ptr<Hash> hash_ = std::make_unique<Hash>();
};

}  // namespace

RdbType RdbTypeOf(const Record* record, uint16_t version) {
  switch (record->type()) {
    case Type::kString:
      return RdbType::kString;
    case Type::kList:
      return RdbType::kListQuicklist2;
    case Type::kSet: {
      const Set& set = *record->collection<Set>();
      if (set.AsIntset() != nullptr) return RdbType::kSetIntset;
      bool is_packed = set.AsListpack() != nullptr && version >= kRdbVersion;
      return is_packed ? RdbType::kSetListpack : RdbType::kSet;
    }
    case Type::kZset:
      return record->collection<SortedSet>()->AsListpack() != nullptr ? RdbType::kZsetListpack
                                                                      : RdbType::kZset2;
    case Type::kHash: {
      const Hash& hash = *record->collection<Hash>();
      if (hash.SoonestExpiryMs() != Hash::kNoFieldExpiry) return RdbType::kHashTimes;
      return hash.AsListpack() != nullptr ? RdbType::kHashListpack : RdbType::kHash;
    }
    case Type::kStream:
      break;
  }
  return version >= kRdbVersion ? RdbType::kStreamListpacks3 : RdbType::kStreamListpacks2;
}

void WriteRdbBody(RdbOutput& out, const Record* record) {
  switch (record->type()) {
    case Type::kString:
      return WriteString(out, record);
    case Type::kList:
      return WriteList(out, *record->collection<List>());
    case Type::kSet:
      return WriteSet(out, *record->collection<Set>());
    case Type::kZset:
      return WriteSortedSet(out, *record->collection<SortedSet>());
    case Type::kHash:
      return WriteHash(out, *record->collection<Hash>());
    case Type::kStream:
      return WriteRdbStream(out, *record->collection<Stream>());
  }
}

uint16_t WriteRdbValue(RdbOutput& out, const Record* record) {
  RdbType type = RdbTypeOf(record, out.version());
  out.Type(type);
  WriteRdbBody(out, record);
  return type == RdbType::kHashTimes ? kRdbVersionFieldTimes : kRdbVersion;
}

RdbValue ReadRdbValue(RdbInput& in, const Settings& settings) {
  auto type = static_cast<RdbType>(in.Byte());
  return ReadRdbBody(in, type, settings);
}

RdbValue ReadRdbBody(RdbInput& in, RdbType type, const Settings& settings) {
  switch (type) {
    case RdbType::kString:
      return std::string(in.Text());
    case RdbType::kList:
    case RdbType::kListZiplist:
    case RdbType::kListQuicklist:
    case RdbType::kListQuicklist2:
      return ListReader(in, settings).Read(type);
    case RdbType::kSet:
    case RdbType::kSetIntset:
    case RdbType::kSetListpack:
      return ReadSet(in, type, settings);
    case RdbType::kZset:
    case RdbType::kZset2:
    case RdbType::kZsetZiplist:
    case RdbType::kZsetListpack:
      return ReadSortedSet(in, type, settings);
    case RdbType::kHash:
    case RdbType::kHashZipmap:
    case RdbType::kHashZiplist:
    case RdbType::kHashListpack:
      return ReadHash(in, type, settings);
    case RdbType::kHashTimes22:
    case RdbType::kHashListpackTimes23:
    case RdbType::kHashTimes:
    case RdbType::kHashListpackTimes:
      return TimedHashReader(in, settings).Read(type);
    case RdbType::kStreamListpacks:
    case RdbType::kStreamListpacks2:
    case RdbType::kStreamListpacks3:
      return ReadRdbStream(in, type);
    default:  // Modules, and what is no type.
      in.Break();
      return {};
  }
}

Record* StoreRdbValue(Db& db, const Key& key, RdbValue value) {
  if (auto* text = std::get_if<std::string>(&value)) return db.SetString(key, *text);
  // The record owns the collection from here on.
  if (auto* list = std::get_if<std::unique_ptr<List>>(&value))
    return db.PutCollection(key, Type::kList, list->release());
  if (auto* set = std::get_if<std::unique_ptr<Set>>(&value))
    return db.PutCollection(key, Type::kSet, set->release());
  if (auto* zset = std::get_if<std::unique_ptr<SortedSet>>(&value))
    return db.PutCollection(key, Type::kZset, zset->release());
  if (auto* stream = std::get_if<std::unique_ptr<Stream>>(&value))
    return db.PutCollection(key, Type::kStream, stream->release());
  return db.PutCollection(key, Type::kHash, std::get<std::unique_ptr<Hash>>(value).release());
}

}  // namespace kiln
