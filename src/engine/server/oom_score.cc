#include "engine/server/oom_score.h"

#include <algorithm>
#include <cstdio>

namespace kiln {
namespace {

constexpr const char* kPath = "/proc/self/oom_score_adj";

std::optional<int> Read() {
  std::FILE* file = std::fopen(kPath, "r");
  if (file == nullptr) return std::nullopt;
  int score = 0;
  int fields = std::fscanf(file, "%d", &score);
  std::fclose(file);
  return fields == 1 ? std::optional(score) : std::nullopt;
}

bool Write(int score) {
  std::FILE* file = std::fopen(kPath, "w");
  if (file == nullptr) return false;
  bool is_written = std::fprintf(file, "%d\n", score) > 0;
  return std::fclose(file) == 0 && is_written;
}

}  // namespace

std::string OomScore::Apply(std::string_view mode, int score) {
  constexpr int kHighest = 1000;
  constexpr std::string_view kFailure =
      "Failed to set oom_score_adj: the system does not let this user";
  if (mode == "no") {
    if (!base_) return {};
    int base = *base_;
    base_.reset();
    return Write(base) ? std::string() : std::string(kFailure);
  }
  bool is_first = !base_.has_value();
  if (is_first) base_ = Read();
  if (!base_) return std::string(kFailure);
  if (mode != "absolute") score += *base_;
  if (Write(std::clamp(score, -kHighest, kHighest))) return {};
  if (is_first) base_.reset();
  return std::string(kFailure);
}

}  // namespace kiln
