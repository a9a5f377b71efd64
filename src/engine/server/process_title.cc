#include "engine/server/process_title.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace kiln {

std::optional<std::string> ExpandTitle(
    std::string_view text,
    const std::function<std::optional<std::string>(std::string_view)>& value_of) {
  std::string title;
  while (!text.empty()) {
    size_t open = std::min(text.find('{'), text.size());
    title.append(text.substr(0, open));
    text.remove_prefix(open);
    if (text.empty()) break;
    if (text.starts_with("{{")) {
      title += '{';
      text.remove_prefix(2);
      continue;
    }
    size_t close = text.find('}');
    if (close == std::string_view::npos) return std::nullopt;
    auto value = value_of(text.substr(1, close - 1));
    if (!value) return std::nullopt;
    title += *value;
    text.remove_prefix(close + 1);
  }
  size_t first = std::min(title.find_first_not_of(' '), title.size());
  size_t last = title.find_last_not_of(' ');
  return title.substr(first, last == std::string::npos ? 0 : last + 1 - first);
}

ProcessTitle::ProcessTitle(int argc, char** argv)
    : program_(argc > 0 ? argv[0] : ""), room_(argc > 0 ? argv[0] : nullptr) {
  // Arguments and environment lie one behind the other; only what does is room.
  char* end = room_;
  for (int i = 0; i < argc && argv[i] == end; ++i) end += std::strlen(argv[i]) + 1;
  for (char** variable = environ; variable != nullptr && *variable == end; ++variable)
    end += std::strlen(*variable) + 1;
  room_bytes_ = static_cast<size_t>(end - room_);
}

void ProcessTitle::MoveEnvironment() {
  if (!environment_.empty() || environ == nullptr) return;
  size_t count = 0;
  while (environ[count] != nullptr) ++count;
  environment_.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    environment_.emplace_back(environ[i]);
    environ[i] = environment_.back().data();
  }
}

void ProcessTitle::Set(std::string_view title) {
  if (room_bytes_ == 0) return;
  MoveEnvironment();
  size_t shown = std::min(title.size(), room_bytes_ - 1);
  std::memcpy(room_, title.data(), shown);
  std::memset(room_ + shown, 0, room_bytes_ - shown);
}

}  // namespace kiln
