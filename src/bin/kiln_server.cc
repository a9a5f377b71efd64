// kiln-server: one cache node. Started through the name kiln-memcached it speaks memcached.
//
// main() reads as a list of steps: read the parameters, open the log, build the server, listen,
// run.

#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/log.h"
#include "base/memory.h"
#include "base/version.h"
#include "engine/server/persistence.h"
#include "engine/server/server.h"
#include "engine/store/evicted_keys.h"
#include "params/config_file.h"
#include "params/memcached_options.h"

namespace kiln {
namespace {

Server* running = nullptr;  // for the signal handler alone

void OnStopSignal(int signal) {
  running->OnStopSignal(signal);
}

void OnGracefulSignal(int) {
  running->ShutdownGracefully();
}

void OnReloadSignal(int) {
  running->ReloadMemcacheUsers();
}

void CatchSignals(Server& server, bool is_memcache) {
  running = &server;
  struct sigaction stop = {};
  stop.sa_handler = OnStopSignal;
  sigaction(SIGTERM, &stop, nullptr);
  sigaction(SIGINT, &stop, nullptr);
  if (is_memcache) {
    stop.sa_handler = OnGracefulSignal;
    sigaction(SIGUSR1, &stop, nullptr);
  }
  signal(SIGPIPE, SIG_IGN);
  stop.sa_handler = OnReloadSignal;
  sigaction(SIGHUP, &stop, nullptr);
  signal(SIGXFSZ, SIG_IGN);  // a file that must not grow is an error like any other
}

// As seen from the directory of the start, which "dir" is about to leave.
std::string AbsolutePath(const std::string& path) {
  std::error_code error;
  std::filesystem::path absolute = std::filesystem::absolute(path, error);
  return error ? path : absolute.lexically_normal().string();
}

bool Daemonize() {
  if (daemon(1, 0) == 0) return true;
  std::fprintf(stderr, "Can't daemonize\n");
  return false;
}

void WritePidFile(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "w");
  if (file == nullptr) return Log(LogLevel::kWarning, "Failed to write PID file " + path);
  std::fprintf(file, "%d\n", static_cast<int>(getpid()));
  std::fclose(file);
}

// The same as memcached does it: under another name first, so that nobody reads an empty file.
void WriteMemcachedPidFile(const std::string& path) {
  long other = 0;
  if (std::FILE* file = std::fopen(path.c_str(), "r")) {
    char text[32] = {};
    if (std::fgets(text, sizeof text, file) != nullptr) other = std::strtol(text, nullptr, 10);
    std::fclose(file);
  }
  if (other > 0 && kill(static_cast<pid_t>(other), 0) == 0) {
    std::fprintf(stderr, "WARNING: The pid file contained the following (running) pid: %ld\n",
                 other);
  }
  std::string draft = path + ".tmp";
  WritePidFile(draft);
  std::error_code error;
  std::filesystem::rename(draft, path, error);
  if (error) std::fprintf(stderr, "Could not rename the pid file to %s\n", path.c_str());
}

int Fail(const std::string& text) {
  std::fprintf(stderr, "%s\n", text.c_str());
  return 1;
}

// As memcached's -u. The exit code when the user is unknown or may not be taken on.
std::optional<int> BecomeUser(const std::string& name) {
  if (name.empty() || (getuid() != 0 && geteuid() != 0)) return std::nullopt;
  const struct passwd* user = getpwnam(name.c_str());
  if (user == nullptr) {
    std::fprintf(stderr, "can't find the user %s to switch to\n", name.c_str());
    return EX_NOUSER;
  }
  // Who may not set groups has none that it could give up.
  bool has_groups = setgroups(0, nullptr) != 0 && errno != EPERM;
  if (!has_groups && setgid(user->pw_gid) == 0 && setuid(user->pw_uid) == 0) return std::nullopt;
  std::fprintf(stderr, "failed to assume identity of user %s\n", name.c_str());
  return EX_OSERR;
}

// As memcached's -r: core files may be as large as they come.
bool AllowCoreFiles() {
  rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
  if (setrlimit(RLIMIT_CORE, &limit) == 0) return true;
  if (getrlimit(RLIMIT_CORE, &limit) != 0) return false;
  limit.rlim_cur = limit.rlim_max;
  return limit.rlim_cur > 0 && setrlimit(RLIMIT_CORE, &limit) == 0;
}

// As memcached's -k. Pages are locked as they come into use: what is only reserved takes no memory.
void LockMemory() {
  if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0) return;
  std::fprintf(stderr, "warning: -k invalid, mlockall() failed: %s\n", std::strerror(errno));
}

bool PrintedVersion(const std::vector<std::string_view>& arguments) {
  if (arguments.size() != 1 || (arguments[0] != "--version" && arguments[0] != "-v")) return false;
  std::printf("Kiln server v=%s (Redis %s compatible)\n", "0.1.0",
              std::string(kRedisVersion).c_str());
  return true;
}

// Reads the parameters as redis-server does, or memcached. The exit code when the server is not to
// start.
std::optional<int> ReadParameters(int argc, char** argv, bool is_memcache, CommandLine* line,
                                  ParameterSet* parameters) {
  if (is_memcache) {
    MemcachedCommandLine memcached = ReadMemcachedCommandLine(argc, argv);
    if (memcached.exit_code) {
      std::fputs(memcached.text.c_str(), *memcached.exit_code == 0 ? stdout : stderr);
      return memcached.exit_code;
    }
    parameters->settings()->memcache = memcached.memcache;
    line->options = memcached.config;
    std::fputs(memcached.warnings.c_str(), stderr);
    if (memcached.dump_core && !AllowCoreFiles()) {
      std::fprintf(stderr, "failed to ensure corefile creation\n");
      return EX_OSERR;
    }
    if (auto exit_code = BecomeUser(memcached.user)) return exit_code;
    parameters->settings()->memcache.locks_memory = memcached.lock_memory;
  } else {
    std::vector<std::string_view> arguments(argv + 1, argv + argc);
    if (PrintedVersion(arguments)) return 0;
    *line = ReadCommandLine(arguments);
  }
  if (std::string error = LoadConfig(*line, parameters); !error.empty()) return Fail(error);
  return std::nullopt;
}

// Fits what the store keeps beside the items to the memory that these may take.
void PrepareStore(size_t item_bytes) {
  constexpr size_t kShardBytes = size_t{1} << 20;
  UseShards(item_bytes / kShardBytes);
  constexpr size_t kPlaceBytes = 16;  // of items, for each evicted key that is remembered
  LatelyEvicted().SetLimit(item_bytes / kPlaceBytes);
}

int Main(int argc, char** argv) {
  bool is_memcache = std::string_view(argv[0]).ends_with("memcached");
  Settings settings;
  ParameterSet parameters(&settings);
  CommandLine line;
  ProcessTitle title(argc, argv);
  if (auto exit_code = ReadParameters(argc, argv, is_memcache, &line, &parameters))
    return *exit_code;

  if (!line.file.empty()) line.file = AbsolutePath(line.file);
  if (settings.daemonize && !Daemonize()) return 1;
  if (settings.memcache.locks_memory) LockMemory();
  ReleaseMemoryInBackground();
  if (!LogInit(settings.loglevel, settings.logfile))
    return Fail("Can't open the log file " + settings.logfile);
  if (!is_memcache && !settings.dir.empty() && chdir(settings.dir.c_str()) != 0)
    return Fail("Can't chdir to '" + settings.dir + "'");
  if (!is_memcache && (!settings.pidfile.empty() || settings.daemonize)) {
    WritePidFile(settings.pidfile.empty() ? "/var/run/redis.pid" : settings.pidfile);
  }

  Log(LogLevel::kNotice, "Kiln is starting, PID: " + std::to_string(getpid()));
  for (std::string_view name : parameters.IneffectiveChanges()) {
    Log(LogLevel::kWarning,
        "Parameter '" + std::string(name) + "' is accepted but has no effect in Kiln");
  }
  if (is_memcache) PrepareStore(static_cast<size_t>(settings.maxmemory_bytes));
  Server server(parameters, is_memcache ? Protocol::kMemcache : Protocol::kRedis, line.file);
  if (std::string error = server.RenameCommands(); !error.empty()) return Fail(error);
  if (std::string error = server.LoadUsers(); !error.empty()) {
    Log(LogLevel::kWarning, "Aborting the start because of ACL errors: " + error);
    return Fail(error);
  }
  if (std::string error = server.LoadMemcacheUsers(); !error.empty()) return Fail(error);
  server.LoadItems();
  if (std::string error = server.Listen(); !error.empty()) {
    Log(LogLevel::kWarning, "Failed listening, aborting: " + error);
    if (!is_memcache) return 1;
    std::fprintf(stderr, "%s\n", error.c_str());
    return EX_OSERR;
  }
  if (is_memcache && !settings.pidfile.empty()) WriteMemcachedPidFile(settings.pidfile);
  if (std::string error = server.ShowProcess(is_memcache ? nullptr : &title); !error.empty())
    Log(LogLevel::kWarning, error);
  CatchSignals(server, is_memcache);
  Log(LogLevel::kNotice, "Server initialized");
  if (!server.LoadDatabases()) return 1;
  if (!server.persistence().is_loading()) Log(LogLevel::kNotice, "Ready to accept connections tcp");
  server.Run();
  if (server.exit_status() != 0) return server.exit_status();
  server.SaveItems();
  // memcached's file stays unless it went to the background.
  if (!settings.pidfile.empty() && (!is_memcache || settings.daemonize))
    unlink(settings.pidfile.c_str());
  Log(LogLevel::kWarning, "Kiln is now ready to exit, bye bye...");
  return 0;
}

}  // namespace
}  // namespace kiln

int main(int argc, char** argv) {
  return kiln::Main(argc, argv);
}
