#include "engine/persist/leftovers.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "base/log.h"
#include "base/number.h"

namespace kiln {
namespace {

bool TakeStart(std::string_view* text, std::string_view start) {
  if (!text->starts_with(start)) return false;
  text->remove_prefix(start.size());
  return true;
}

bool HasEnded(std::string_view pid_text) {
  constexpr int64_t kPidsEnd = 1 << 22;  // of Linux; more is a time, with which other names begin
  auto pid = ParseInt64(pid_text);
  if (!pid || *pid <= 0 || *pid >= kPidsEnd) return false;
  // Who has this number now was not the one who left it: this process has written nothing yet.
  if (*pid == getpid()) return true;
  return kill(static_cast<pid_t>(*pid), 0) != 0 && errno == ESRCH;
}

bool IsLeftover(std::string_view name, std::string_view manifest) {
  constexpr size_t kRandomChars = 6;  // of ReplaceFile's temporary files
  std::string_view rest = name;
  if (!manifest.empty() && TakeStart(&rest, manifest) && TakeStart(&rest, ".new-"))
    return rest.size() == kRandomChars;
  rest = name;
  if (TakeStart(&rest, "temp-rewriteaof-bg-"))
    return rest.ends_with(".aof") && HasEnded(rest.substr(0, rest.size() - 4));
  if (!TakeStart(&rest, "temp-") || !rest.ends_with(".rdb")) return false;
  return HasEnded(rest.substr(0, rest.find('.')));
}

}  // namespace

void RemoveLeftovers(const std::string& folder, const std::string& manifest) {
  std::error_code error;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    std::string name = at->path().filename();
    if (!IsLeftover(name, manifest)) continue;
    Log(LogLevel::kNotice, fmt::format("Removing {}, which an earlier process left", name));
    unlink(at->path().c_str());
  }
}

}  // namespace kiln
