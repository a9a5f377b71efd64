// INFO: the server, its clients and its place among others.

#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <set>

#include "base/memory.h"
#include "base/time.h"
#include "base/version.h"
#include "engine/commands/blocking.h"
#include "engine/server/info.h"
#include "engine/server/persistence.h"
#include "engine/server/replication.h"

namespace kiln {
namespace {

std::string Executable() {
  char path[4096];
  ssize_t size = readlink("/proc/self/exe", path, sizeof(path));
  return size > 0 ? std::string(path, static_cast<size_t>(size)) : std::string();
}

double Seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

void InfoWriter::WriteServer() {
  struct utsname system = {};
  uname(&system);
  auto now_us = NowUs();
  auto uptime_s = (static_cast<uint64_t>(now_us) / 1000 - server_.started_ms_) / 1000;
  Field("redis_version", kRedisVersion);
  Field("redis_git_sha1", "00000000");
  Field("redis_git_dirty", 0);
  Field("redis_build_id", "0");
  Field("redis_mode", server_.settings().cluster_enabled ? "cluster" : "standalone");
  Field("server_name", "kiln");
  Field("kiln_version", kKilnVersion);
  Field("os", fmt::format("{} {} {}", system.sysname, system.release, system.machine));
  Field("arch_bits", sizeof(void*) * 8);
  Field("monotonic_clock", fmt::format("CPU ticks @ {:.0f} ticks/us", server_.ticks_per_us_));
  Field("multiplexing_api", "epoll");
  Field("atomicvar_api", "c++20");
  Field("gcc_version", fmt::format("{}.{}.{}", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__));
  Field("process_id", getpid());
  Field("process_supervised", "no");
  Field("run_id", server_.run_id_);
  Field("tcp_port", server_.settings().port);
  Field("server_time_usec", now_us);
  Field("uptime_in_seconds", uptime_s);
  Field("uptime_in_days", uptime_s / 86400);
  if (const Farewell& farewell = server_.persistence().farewell(); farewell.is_on())
    Field("shutdown_in_milliseconds", farewell.LeftMs());
  Field("hz", server_.settings().hz);
  Field("configured_hz", server_.settings().hz);
  Field("lru_clock", (now_us / 1000000) & 0xffffff);
  Field("executable", Executable());
  Field("config_file", server_.config_file_);
  Field("io_threads_active", server_.workers_.size() > 1 ? 1 : 0);
  WriteListeners();
  Field("worker_threads", server_.workers_.size());
}

// What the server listens on, one line a kind, as "listener0:name=tcp,bind=...,port=...".
void InfoWriter::WriteListeners() {
  int number = 0;
  auto line = [&](const std::string& text) {
    Field(fmt::format("listener{}", number), text);
    ++number;
  };
  const Settings& settings = server_.settings();
  if (settings.port != 0) {
    std::string text = "name=tcp";
    for (const std::string& address : settings.bind) text += ",bind=" + address;
    line(fmt::format("{},port={}", text, settings.port));
  }
  if (!settings.unixsocket.empty()) line("name=unix,bind=" + settings.unixsocket);
}

void InfoWriter::WriteClients() {
  size_t max_input = 0;
  size_t max_output = 0;
  size_t with_timeout = 0;
  size_t pubsub_clients = 0;
  std::set<std::pair<int, std::string>> blocking_keys;
  std::set<std::pair<int, std::string>> keys_to_stay;
  server_.ForEach([&](Client& client) {
    max_input = std::max(max_input, client.input_bytes);
    max_output = std::max(max_output, client.output_bytes);
    if (client.subscriptions.any()) ++pubsub_clients;
    if (client.waiter == nullptr) return;
    const auto& waiter = static_cast<const BlockedRequest&>(*client.waiter);
    if (waiter.deadline_ms != 0) ++with_timeout;
    for (const DbKey& key : waiter.keys) {
      blocking_keys.emplace(key.db, key.key);
      if (waiter.ends_without_key) keys_to_stay.emplace(key.db, key.key);
    }
  });
  // Replicas are no clients here, as in Redis.
  size_t replicas = server_.replication().links().table().size();
  Field("connected_clients", server_.connected_clients_.load() - static_cast<int64_t>(replicas));
  Field("cluster_connections", 0);
  Field("maxclients", server_.settings().maxclients);
  Field("client_recent_max_input_buffer", max_input);
  Field("client_recent_max_output_buffer", max_output);
  Field("blocked_clients", server_.blocked_clients_.load());
  Field("tracking_clients", server_.tracking_.clients.load());
  Field("pubsub_clients", pubsub_clients);
  Field("clients_in_timeout_table", with_timeout);
  Field("total_blocking_keys", blocking_keys.size());
  Field("total_blocking_keys_on_nokey", keys_to_stay.size());
}

void InfoWriter::WriteCpu() {
  struct rusage own = {};
  struct rusage children = {};
  struct rusage thread = {};
  getrusage(RUSAGE_SELF, &own);
  getrusage(RUSAGE_CHILDREN, &children);
  getrusage(RUSAGE_THREAD, &thread);
  Field("used_cpu_sys", Seconds(own.ru_stime), 6);
  Field("used_cpu_user", Seconds(own.ru_utime), 6);
  Field("used_cpu_sys_children", Seconds(children.ru_stime), 6);
  Field("used_cpu_user_children", Seconds(children.ru_utime), 6);
  Field("used_cpu_sys_main_thread", Seconds(thread.ru_stime), 6);
  Field("used_cpu_user_main_thread", Seconds(thread.ru_utime), 6);
}

void InfoWriter::WriteModules() {}

void InfoWriter::WriteCluster() {
  Field("cluster_enabled", server_.settings().cluster_enabled ? 1 : 0);
}

}  // namespace kiln
