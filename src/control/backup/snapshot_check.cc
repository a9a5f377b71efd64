#include "control/backup/snapshot_check.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "base/number.h"
#include "net/socket.h"

extern char** environ;

namespace kiln {
namespace {

constexpr int kPollMs = 100;
constexpr size_t kMaxOutputBytes = 1 << 20;  // More is read and forgotten.
constexpr int kPriority = 10;                // Caches go first.

// Its standard output goes into `output`. The pid, or a negative errno.
int Spawn(const std::string& checker, const std::string& path, int output) {
  std::string program = checker, file = path;
  std::array<char*, 3> arguments = {program.data(), file.data(), nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output, 1);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  int pid = 0;
  int error = posix_spawn(&pid, checker.c_str(), &actions, &attributes, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  return error == 0 ? pid : -error;
}

// All that it prints, until its end; false when nobody waits for that any more.
bool ReadToEnd(int fd, const std::function<bool()>& goes_on, std::string* output) {
  std::array<char, 4096> bytes;
  while (goes_on()) {
    pollfd ready{.fd = fd, .events = POLLIN, .revents = 0};
    if (::poll(&ready, 1, kPollMs) == 0) continue;
    ssize_t got = ::read(fd, bytes.data(), bytes.size());
    if (got == 0) return true;
    if (got < 0 && errno != EINTR) return true;
    if (got > 0 && output->size() < kMaxOutputBytes)
      output->append(bytes.data(), static_cast<size_t>(got));
  }
  return false;
}

}  // namespace

std::string FirstFinding(std::string_view output) {
  constexpr std::string_view kHead = "--- RDB ERROR DETECTED ---\n";
  constexpr size_t kMaxBytes = 300;
  size_t at = output.find(kHead);
  if (at == std::string_view::npos) return "It is no snapshot file.";
  output.remove_prefix(at + kHead.size());
  return std::string(output.substr(0, std::min(output.find('\n'), kMaxBytes)));
}

int64_t MemoryIn(std::string_view output) {
  constexpr std::string_view kHead = "AUX FIELD used-mem = '";
  size_t at = output.find(kHead);
  if (at == std::string_view::npos) return 0;
  output.remove_prefix(at + kHead.size());
  return ParseInt64(output.substr(0, output.find('\''))).value_or(0);
}

SnapshotCheck CheckSnapshot(const std::string& checker, const std::string& path,
                            const std::function<bool()>& goes_on) {
  std::array<int, 2> ends;
  if (::pipe2(ends.data(), O_CLOEXEC) != 0)
    return {std::generic_category().message(errno), false, 0};
  Fd reader(ends[0]), writer(ends[1]);
  int pid = Spawn(checker, path, writer.get());
  if (pid < 0) {
    return {fmt::format("{} cannot be run ({}).", checker, std::generic_category().message(-pid)),
            false, 0};
  }
  (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(pid), kPriority);
  writer.Reset();
  std::string output;
  bool has_ended = ReadToEnd(reader.get(), goes_on, &output);
  if (!has_ended) ::kill(pid, SIGKILL);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!has_ended) return {"kilnd stops.", false, 0};
  if (!WIFEXITED(status)) return {"The check of it was ended.", false, 0};
  if (WEXITSTATUS(status) == 0) return {"", false, MemoryIn(output)};
  return {FirstFinding(output), true, 0};
}

}  // namespace kiln
