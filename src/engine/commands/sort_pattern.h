// The patterns of SORT's BY and GET: how to get from an element to a text that another key holds.
//
// "#" is the element itself. In any other pattern the first '*' stands for the element: "weight_*"
// names a string, "user:*->name" a field of a hash. A pattern without a '*' leads nowhere.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/store/db.h"

namespace kiln {

class SortPattern {
 public:
  // A view: the text must stay.
  explicit SortPattern(std::string_view pattern);

  // No '*': the same for every element.
  bool IsFixed() const { return !has_star_; }
  // Nothing when there is no such key, or it holds something else. The caller must be allowed to
  // look at any key.
  std::optional<std::string> Resolve(Db& db, std::string_view element) const;

 private:
  bool is_element_ = false;
  bool has_star_ = false;
  std::string_view before_;
  std::string_view after_;
  std::string_view field_;  // empty: a string is meant
};

}  // namespace kiln
