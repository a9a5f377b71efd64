#include "engine/store/types/hash.h"

#include "base/memory.h"

namespace kiln {
namespace {

// Finding a field walks a listpack: whatever the limits say, one of more bytes takes too long.
constexpr size_t kMaxCompactBytes = 8192;

}  // namespace

Hash::Big::~Big() {
  size_t budget = SIZE_MAX;
  FreeSome(&budget);
}

HashField* Hash::Big::Insert(std::string_view name, std::string_view value, uint64_t hash) {
  HashField* field = HashField::Make(name, value);
  field_bytes += UsableBytes(field);
  fields.Insert(hash, field);
  return field;
}

void Hash::Big::Replace(uint64_t hash, HashField* present, HashField* fresh) {
  field_bytes += UsableBytes(fresh);
  fields.Replace(hash, present, fresh);
  Free(present);
}

void Hash::Big::Free(HashField* field) {
  field_bytes -= UsableBytes(field);
  FreeBytes(field);
}

bool Hash::Big::FreeSome(size_t* budget) {
  return fields.Drain(budget, [this](HashField* field) { Free(field); });
}

size_t Hash::memory_bytes() const {
  if (!big_) return compact_.memory_bytes();
  size_t expiry_bytes = big_->expiry ? big_->expiry->memory_bytes() : 0;
  return sizeof(Big) + big_->fields.memory_bytes() + big_->field_bytes + expiry_bytes;
}

bool Hash::IsShort(std::string_view field, std::string_view value, const HashLimits& limits) {
  return field.size() <= limits.max_listpack_value && value.size() <= limits.max_listpack_value;
}

bool Hash::TakeListpack(Listpack* pack, const HashLimits& limits) {
  size_t texts = pack->size();
  if (texts % 2 != 0 || texts / 2 > limits.max_listpack_entries ||
      pack->byte_size() >= kMaxCompactBytes)
    return false;
  ElementScratch scratches[2];
  for (uint32_t at = pack->First(); at != Listpack::kNone;) {
    uint32_t value_at = pack->Next(at);
    std::string_view field = pack->Get(at).ToString(scratches[0]);
    if (!IsShort(field, pack->Get(value_at).ToString(scratches[1]), limits)) return false;
    at = pack->Next(value_at);
    bool is_twice =
        at != Listpack::kNone && pack->Find(ListpackEntry(field), at, 1) != Listpack::kNone;
    if (is_twice) return false;
  }
  compact_ = std::move(*pack);
  return true;
}

bool Hash::Set(std::string_view field, std::string_view value, const HashLimits& limits) {
  if (big_) return SetInBig(field, value, limits);
  if (IsShort(field, value, limits) &&
      compact_.byte_size() + field.size() + value.size() < kMaxCompactBytes) {
    uint32_t present = compact_.Find(field, 1);
    if (present != Listpack::kNone || size() < limits.max_listpack_entries) {
      return SetInCompact(present, field, value);
    }
  }
  MakeBig();
  return SetInBig(field, value, limits);
}

// `present` is where the field is, or kNone.
bool Hash::SetInCompact(uint32_t present, std::string_view field, std::string_view value) {
  if (present != Listpack::kNone) {
    compact_.Replace(compact_.Next(present), value);
    return false;
  }
  compact_.PushBack(field);
  compact_.PushBack(value);
  return true;
}

bool Hash::SetInBig(std::string_view field, std::string_view value, const HashLimits& limits) {
  uint64_t hash = HashBytes(field);
  HashField* present = big_->fields.Find(hash, field);
  if (!IsShort(field, value, limits)) big_->is_past_limits = true;
  if (present == nullptr) {
    big_->Insert(field, value, hash);
    if (size() > limits.max_listpack_entries) big_->is_past_limits = true;
    return true;
  }
  if (present->has_expiry()) [[unlikely]]
    big_->expiry->Remove(present);
  if (present->SetValue(value)) return false;
  big_->Replace(hash, present, HashField::Make(field, value));
  return false;
}

void Hash::MakeBig() {
  auto big = std::make_unique<Big>();
  ForEach([&](std::string_view field, std::string_view value) {
    big->Insert(field, value, HashBytes(field));
  });
  compact_.Clear();
  big_ = std::move(big);
}

bool Hash::Remove(std::string_view field) {
  if (big_) {
    HashField* present = big_->fields.Remove(HashBytes(field), field);
    if (present == nullptr) return false;
    if (present->has_expiry()) [[unlikely]]
      big_->expiry->Remove(present);
    big_->Free(present);
    return true;
  }
  uint32_t pos = compact_.Find(field, 1);
  if (pos == Listpack::kNone) return false;
  compact_.Erase(pos, 2);
  return true;
}

std::optional<std::string_view> Hash::Get(std::string_view field, ElementScratch& scratch) const {
  if (big_) {
    const HashField* present = big_->fields.Find(HashBytes(field), field);
    if (present == nullptr) return std::nullopt;
    return present->value();
  }
  uint32_t pos = compact_.Find(field, 1);
  if (pos == Listpack::kNone) return std::nullopt;
  return compact_.Get(compact_.Next(pos)).ToString(scratch);
}

bool Hash::Contains(std::string_view field) const {
  if (big_) return big_->fields.Find(HashBytes(field), field) != nullptr;
  return compact_.Find(field, 1) != Listpack::kNone;
}

size_t Hash::ValueLength(std::string_view field) const {
  ElementScratch scratch;
  return Get(field, scratch).value_or(std::string_view()).size();
}

Hash Hash::Clone() const {
  Hash copy;
  if (!big_) {
    copy.compact_ = compact_.Clone();
    return copy;
  }
  copy.big_ = std::make_unique<Big>();
  if (big_->expiry) copy.big_->expiry = std::make_unique<FieldExpiry>();
  ForEachWithExpiry([&](std::string_view field, std::string_view value, uint64_t when_ms) {
    uint64_t hash = HashBytes(field);
    HashField* fresh = copy.big_->Insert(field, value, hash);
    if (when_ms != kNoFieldExpiry) copy.big_->SetExpiry(fresh, hash, when_ms);
  });
  copy.big_->is_past_limits = big_->is_past_limits;
  return copy;
}

bool Hash::FreeSome(size_t* budget) {
  if (*budget == 0) return empty();
  if (!big_) {
    --*budget;
    compact_.Clear();
    return true;
  }
  if (!big_->FreeSome(budget)) return false;
  big_.reset();
  return true;
}

}  // namespace kiln
