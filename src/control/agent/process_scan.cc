#include "control/agent/process_scan.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <system_error>

#include "base/number.h"
#include "net/socket.h"

namespace kiln {
namespace {

namespace fs = std::filesystem;

// Of a file in /proc, up to 16 KiB.
std::string ReadProcFile(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.IsOpen()) return {};
  std::array<char, 16384> room;
  std::string text;
  ssize_t got = 0;
  while (text.size() < room.size() && (got = ::read(fd.get(), room.data(), room.size())) > 0)
    text.append(room.data(), static_cast<size_t>(got));
  return text;
}

// A process in the midst of exec has its program, but no command line yet; it is given a moment.
// Kernel threads and the dead have neither.
std::string ReadCommandLine(const fs::path& folder) {
  constexpr int kTries = 50;
  constexpr useconds_t kPauseUs = 1000;
  std::string text = ReadProcFile(folder / "cmdline");
  for (int i = 0; text.empty() && i < kTries; ++i) {
    char first = 0;
    if (::readlink((folder / "exe").c_str(), &first, 1) < 0) break;
    ::usleep(kPauseUs);
    text = ReadProcFile(folder / "cmdline");
  }
  return text;
}

bool IsOurs(const std::string& path) {
  struct stat status;
  return ::stat(path.c_str(), &status) == 0 && status.st_uid == ::geteuid();
}

// The number after "VmRSS:" and the like, in KiB; 0 when the line is not there.
uint64_t KibibytesAfter(std::string_view text, std::string_view label) {
  size_t at = text.find(label);
  if (at == std::string_view::npos) return 0;
  at = text.find_first_of("0123456789", at + label.size());
  if (at == std::string_view::npos) return 0;
  return ParseUint64(text.substr(at, text.find(' ', at) - at)).value_or(0);
}

// utime and stime of /proc/<pid>/stat, whose second field is a name in parentheses with anything
// in it.
double CpuSeconds(std::string_view stat) {
  constexpr int kUserField = 11;  // Counted from the state, which follows the name.
  size_t at = stat.rfind(") ");
  if (at == std::string_view::npos) return 0;
  std::string_view rest = stat.substr(at + 2);
  uint64_t ticks = 0;
  for (int field = 0; field <= kUserField + 1; ++field) {
    size_t end = std::min(rest.find(' '), rest.size());
    if (field >= kUserField) ticks += ParseUint64(rest.substr(0, end)).value_or(0);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return static_cast<double>(ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

}  // namespace

std::optional<std::string> NodeOfCommandLine(std::string_view command_line,
                                             std::string_view nodes_path) {
  std::string_view name = command_line.substr(0, command_line.find('\0'));
  if (!name.starts_with(nodes_path)) return std::nullopt;
  name.remove_prefix(nodes_path.size());
  if (!name.starts_with('/')) return std::nullopt;
  name.remove_prefix(1);
  size_t slash = name.find('/');
  if (slash == 0 || slash == std::string_view::npos) return std::nullopt;
  std::string_view program = name.substr(slash + 1);
  if (program != "kiln-server" && program != "kiln-memcached") return std::nullopt;
  return std::string(name.substr(0, slash));
}

std::vector<FoundProcess> FindNodeProcesses(const std::string& nodes_path) {
  std::vector<FoundProcess> found;
  std::error_code error;
  for (fs::directory_iterator entry("/proc", error), end; !error && entry != end;
       entry.increment(error)) {
    std::optional<uint64_t> pid = ParseUint64(entry->path().filename().string());
    if (!pid || !IsOurs(entry->path())) continue;
    auto key = NodeOfCommandLine(ReadCommandLine(entry->path()), nodes_path);
    if (key) found.push_back({static_cast<int>(*pid), std::move(*key)});
  }
  std::sort(found.begin(), found.end(),
            [](const FoundProcess& a, const FoundProcess& b) { return a.pid < b.pid; });
  return found;
}

std::vector<std::pair<std::string, std::string>> ReadProcessStatistics(int pid) {
  std::string folder = "/proc/" + std::to_string(pid);
  std::string status = ReadProcFile(folder + "/status");
  return {
      {"process_cpu_seconds", fmt::format("{:.2f}", CpuSeconds(ReadProcFile(folder + "/stat")))},
      {"process_resident_bytes", std::to_string(KibibytesAfter(status, "VmRSS:") * 1024)},
      {"process_swap_bytes", std::to_string(KibibytesAfter(status, "VmSwap:") * 1024)},
  };
}

}  // namespace kiln
