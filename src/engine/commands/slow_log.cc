#include "engine/commands/slow_log.h"

#include <algorithm>

namespace kiln {
namespace {

std::vector<std::string> Shorten(Arguments arguments) {
  std::vector<std::string> shown;
  size_t count = std::min(arguments.size(), SlowLog::kMaxArguments);
  for (size_t i = 0; i < count; ++i) {
    if (count < arguments.size() && i + 1 == count) {
      shown.push_back("... (" + std::to_string(arguments.size() - count + 1) + " more arguments)");
      break;
    }
    std::string_view text = arguments[i];
    std::string entry(text.substr(0, SlowLog::kMaxArgumentBytes));
    if (text.size() > SlowLog::kMaxArgumentBytes) {
      entry += "... (" + std::to_string(text.size() - SlowLog::kMaxArgumentBytes) + " more bytes)";
    }
    shown.push_back(std::move(entry));
  }
  return shown;
}

}  // namespace

void SlowLog::Add(Arguments arguments, int64_t duration_us, int64_t time_s,
                  const std::string& address, const std::string& name, size_t max_entries) {
  std::lock_guard<std::mutex> lock(mutex_);
  entries_.push_front({next_id_++, time_s, duration_us, Shorten(arguments), address, name});
  while (entries_.size() > max_entries) entries_.pop_back();
}

std::vector<SlowLog::Entry> SlowLog::Get(size_t count) const {
  std::lock_guard<std::mutex> lock(mutex_);
  return {entries_.begin(), entries_.begin() + static_cast<long>(std::min(count, entries_.size()))};
}

size_t SlowLog::size() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return entries_.size();
}

void SlowLog::Reset() {
  std::lock_guard<std::mutex> lock(mutex_);
  entries_.clear();
}

}  // namespace kiln
