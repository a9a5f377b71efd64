#include "engine/commands/sort_pattern.h"

#include "engine/store/types/hash.h"

namespace kiln {

SortPattern::SortPattern(std::string_view pattern) : is_element_(pattern == "#") {
  size_t star = pattern.find('*');
  if (star == std::string_view::npos) return;
  has_star_ = true;
  before_ = pattern.substr(0, star);
  after_ = pattern.substr(star + 1);
  size_t arrow = after_.find("->");
  if (arrow == std::string_view::npos || arrow + 2 == after_.size()) return;
  field_ = after_.substr(arrow + 2);
  after_ = after_.substr(0, arrow);
}

std::optional<std::string> SortPattern::Resolve(Db& db, std::string_view element) const {
  if (is_element_) return std::string(element);
  if (!has_star_) return std::nullopt;
  std::string name(before_);
  name += element;
  name += after_;
  Key key = HashKey(name);
  if (field_.empty()) {
    const Record* record = db.Find(key);
    if (record == nullptr || record->type() != Type::kString) return std::nullopt;
    char digits[kMaxInt64Chars];
    return std::string(Db::StringOf(record, digits));
  }
  StoreResult<Hash*> hash = db.Find<Hash>(key);
  if (!hash || *hash == nullptr) return std::nullopt;
  ElementScratch scratch;
  auto value = (*hash)->Get(field_, scratch);
  if (!value) return std::nullopt;
  return std::string(*value);
}

}  // namespace kiln
