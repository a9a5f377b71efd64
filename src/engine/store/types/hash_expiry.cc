// Times to live of fields. Apart from hash.cc, whose look-ups are to stay inline.

#include "engine/store/types/hash.h"

namespace kiln {

void Hash::Big::SetExpiry(HashField* field, uint64_t hash, uint64_t when_ms) {
  if (!field->has_expiry() && !field->HasRoomForPlace()) {
    HashField* fresh = HashField::MakeWithPlace(field->name(), field->value());
    Replace(hash, field, fresh);
    field = fresh;
  }
  expiry->Set(field, when_ms);
}

bool Hash::SetKeepingExpiry(std::string_view field, std::string_view value,
                            const HashLimits& limits) {
  if (!TracksExpiry()) return Set(field, value, limits);
  uint64_t hash = HashBytes(field);
  HashField* present = big_->fields.Find(hash, field);
  if (present == nullptr || !present->has_expiry()) return SetInBig(field, value, limits);
  if (!IsShort(field, value, limits)) big_->is_past_limits = true;
  HashField* fresh = HashField::MakeWithPlace(field, value);
  big_->expiry->Move(present, fresh);
  big_->Replace(hash, present, fresh);
  return false;
}

uint64_t Hash::FieldExpiryMs(std::string_view field) const {
  if (!TracksExpiry()) return kNoFieldExpiry;
  return big_->expiry->WhenMs(big_->fields.Find(HashBytes(field), field));
}

void Hash::SetFieldExpiry(std::string_view field, uint64_t when_ms) {
  if (!TracksExpiry() && when_ms == kNoFieldExpiry) return;
  if (!big_) MakeBig();
  if (!big_->expiry) big_->expiry = std::make_unique<FieldExpiry>();
  uint64_t hash = HashBytes(field);
  HashField* present = big_->fields.Find(hash, field);
  if (when_ms != kNoFieldExpiry) return big_->SetExpiry(present, hash, when_ms);
  if (present->has_expiry()) big_->expiry->Remove(present);
}

size_t Hash::RemoveDue(uint64_t now_ms, size_t limit, std::vector<std::string>* names) {
  size_t removed = 0;
  for (; removed < limit && SoonestExpiryMs() <= now_ms; ++removed) {
    HashField* due = big_->expiry->soonest();
    if (names != nullptr) names->emplace_back(due->name());
    big_->expiry->Remove(due);
    big_->fields.Remove(HashBytes(due->name()), due->name());
    big_->Free(due);
  }
  return removed;
}

}  // namespace kiln
