// OomScore: which process the system ends first when memory runs out (oom-score-adj).
//
// The score found when it was first changed is the base of relative ones, and comes back when the
// parameter is turned off. Thread safety: none; changed alone.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace kiln {

class OomScore {
 public:
  // `mode` is the parameter's value: "no", "yes" and "relative" (both upon the base), "absolute".
  // An error text, or empty.
  std::string Apply(std::string_view mode, int score);

 private:
  std::optional<int> base_;  // set while the score is ours
};

}  // namespace kiln
