#include "engine/persist/rdb_value.h"

#include <optional>

#include "engine/commands/encoding_limits.h"
#include "engine/persist/old_encodings.h"
#include "engine/persist/rdb_stream.h"

namespace kiln {
namespace {

// ---- Writing ----

void WriteString(RdbOutput& out, const Record* record) {
  out.Type(RdbType::kString);
  record->is_integer() ? out.Integer(record->integer()) : out.Text(record->raw());
}

void WriteList(RdbOutput& out, const List& list) {
  out.Type(RdbType::kListQuicklist2);
  size_t nodes = 0;
  list.ForEachListpack([&](const Listpack&) { ++nodes; });
  out.Length(nodes);
  list.ForEachListpack([&](const Listpack& pack) {
    out.Length(kRdbNodePacked);
    out.Text(pack.bytes());
  });
}

void WriteSet(RdbOutput& out, const Set& set) {
  if (const Intset* intset = set.AsIntset()) {
    out.Type(RdbType::kSetIntset);
    return out.Text(intset->bytes());
  }
  if (const Listpack* pack = set.AsListpack()) {
    out.Type(RdbType::kSetListpack);
    return out.Text(pack->bytes());
  }
  out.Type(RdbType::kSet);
  out.Length(set.size());
  set.ForEach([&](const Element& member) { out.Text(member.text); });
}

void WriteSortedSet(RdbOutput& out, const SortedSet& set) {
  if (const Listpack* pack = set.AsListpack()) {
    out.Type(RdbType::kZsetListpack);
    return out.Text(pack->bytes());
  }
  out.Type(RdbType::kZset2);
  out.Length(set.size());
  // From the highest down: whoever reads it adds each before the last, which is cheap.
  set.ForEachIn(set.AllRanks(), Order::kDescending, [&](std::string_view member, double score) {
    out.Text(member);
    out.Double(score);
  });
}

void WriteHash(RdbOutput& out, const Hash& hash) {
  if (const Listpack* pack = hash.AsListpack()) {
    out.Type(RdbType::kHashListpack);
    return out.Text(pack->bytes());
  }
  out.Type(RdbType::kHash);
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
void ForEachPacked(RdbInput& in, F&& f) {
  std::optional<Listpack> pack = Listpack::FromBytes(in.Text());
  if (!pack) return in.Break();
  for (uint32_t at = pack->First(); at != Listpack::kNone; at = pack->Next(at)) f(pack->Get(at));
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
    if (list_->size() == 0) in_.Break();
    return std::move(list_);
  }

 private:
  template <typename Push>
  void ReadNode(RdbType type, Push&& push) {
    if (type == RdbType::kListQuicklist) return ForEachZiplist(in_, push);
    uint64_t form = type == RdbType::kList ? kRdbNodePlain : in_.Length();
    if (form == kRdbNodePacked) return ForEachPacked(in_, push);
    if (form != kRdbNodePlain) return in_.Break();
    std::string_view text = in_.Text();
    if (!in_.is_broken()) push(Element{.text = text});
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
  if (set->size() == 0) in.Break();
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
  if (set->size() == 0) in.Break();
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
    ForEachPacked(in, pairs);
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
  if (hash->empty()) in.Break();
  return hash;
}

}  // namespace

void WriteRdbValue(RdbOutput& out, const Record* record) {
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

RdbValue ReadRdbValue(RdbInput& in, const Settings& settings) {
  auto type = static_cast<RdbType>(in.Byte());
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
