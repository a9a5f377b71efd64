// kiln-server: one cache node. Started through the name kiln-memcached it speaks memcached.
//
// main() reads as a list of steps: read the parameters, open the log, build the server, listen,
// run.

#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/log.h"
#include "base/memory.h"
#include "base/version.h"
#include "engine/server/server.h"
#include "params/config_file.h"
#include "params/memcached_options.h"

namespace kiln {
namespace {

Server* running = nullptr;  // for the signal handler alone

void OnStopSignal(int) {
  running->Shutdown();
}

void CatchSignals(Server& server) {
  running = &server;
  struct sigaction stop = {};
  stop.sa_handler = OnStopSignal;
  sigaction(SIGTERM, &stop, nullptr);
  sigaction(SIGINT, &stop, nullptr);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
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

int Fail(const std::string& text) {
  std::fprintf(stderr, "%s\n", text.c_str());
  return 1;
}

// As memcached's -u. False when the user is unknown or may not be taken on.
bool BecomeUser(const std::string& name) {
  if (name.empty() || (getuid() != 0 && geteuid() != 0)) return true;
  const struct passwd* user = getpwnam(name.c_str());
  if (user == nullptr) {
    std::fprintf(stderr, "can't find the user %s to switch to\n", name.c_str());
    return false;
  }
  if (setgroups(0, nullptr) == 0 && setgid(user->pw_gid) == 0 && setuid(user->pw_uid) == 0)
    return true;
  std::fprintf(stderr, "failed to assume identity of user %s\n", name.c_str());
  return false;
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
    if (!BecomeUser(memcached.user)) return EX_OSERR;
  } else {
    std::vector<std::string_view> arguments(argv + 1, argv + argc);
    if (PrintedVersion(arguments)) return 0;
    *line = ReadCommandLine(arguments);
  }
  if (std::string error = LoadConfig(*line, parameters); !error.empty()) return Fail(error);
  return std::nullopt;
}

int Main(int argc, char** argv) {
  bool is_memcache = std::string_view(argv[0]).ends_with("memcached");
  Settings settings;
  ParameterSet parameters(&settings);
  CommandLine line;
  if (auto exit_code = ReadParameters(argc, argv, is_memcache, &line, &parameters))
    return *exit_code;

  if (!line.file.empty()) line.file = AbsolutePath(line.file);
  if (settings.daemonize && !Daemonize()) return 1;
  ReleaseMemoryInBackground();
  if (!LogInit(settings.loglevel, settings.logfile))
    return Fail("Can't open the log file " + settings.logfile);
  if (!is_memcache && !settings.dir.empty() && chdir(settings.dir.c_str()) != 0)
    return Fail("Can't chdir to '" + settings.dir + "'");
  if (!settings.pidfile.empty() || settings.daemonize) {
    WritePidFile(settings.pidfile.empty() ? "/var/run/redis.pid" : settings.pidfile);
  }

  Log(LogLevel::kNotice, "Kiln is starting, PID: " + std::to_string(getpid()));
  for (std::string_view name : parameters.IneffectiveChanges()) {
    Log(LogLevel::kWarning,
        "Parameter '" + std::string(name) + "' is accepted but has no effect in Kiln");
  }
  Server server(parameters, is_memcache ? Protocol::kMemcache : Protocol::kRedis, line.file);
  if (std::string error = server.RenameCommands(); !error.empty()) return Fail(error);
  if (std::string error = server.LoadUsers(); !error.empty()) {
    Log(LogLevel::kWarning, "Aborting the start because of ACL errors: " + error);
    return Fail(error);
  }
  if (std::string error = server.Listen(); !error.empty()) {
    Log(LogLevel::kWarning, "Failed listening, aborting: " + error);
    return 1;
  }
  CatchSignals(server);
  Log(LogLevel::kNotice, "Server initialized");
  Log(LogLevel::kNotice, "Ready to accept connections tcp");
  server.Run();
  if (!settings.pidfile.empty()) unlink(settings.pidfile.c_str());
  Log(LogLevel::kWarning, "Kiln is now ready to exit, bye bye...");
  return 0;
}

}  // namespace
}  // namespace kiln

int main(int argc, char** argv) {
  return kiln::Main(argc, argv);
}
