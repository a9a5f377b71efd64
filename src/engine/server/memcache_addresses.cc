// Where memcached's protocols are spoken: the listeners of a process that is memcached (-p, -l), or
// of "memcached-port" beside the Redis port.
//
// They are opened once, at the start, and belong to worker 0. Source of the port file's form:
// memcached 1.6.18.

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "base/log.h"
#include "engine/server/server.h"

namespace kiln {
namespace {

// Whom a client of "memcached-port" is: the default user, who needs no word from it.
constexpr char kNotOpen[] =
    "memcached-port is open to whoever can connect, so it needs a default user that is on, has no "
    "password and may do everything; here it is not, because of requirepass or of an ACL rule.";

}  // namespace

std::string Server::CheckMemcacheRights() {
  if (settings().memcached_port == 0) return {};
  Client visitor;
  acl_.Welcome(visitor);
  return visitor.authenticated && !visitor.is_limited ? "" : kNotOpen;
}

std::string Server::OpenMemcache() {
  std::vector<ListenAddress> wanted = settings().memcache.listeners;
  if (protocol_ == Protocol::kRedis) {
    wanted.clear();
    auto port = static_cast<uint16_t>(settings().memcached_port);
    const auto& own = settings().memcached_bind;
    if (port != 0) {
      for (const std::string& host : own.empty() ? settings().bind : own)
        wanted.push_back({host, port});
    }
  }
  for (const ListenAddress& at : wanted) {
    if (std::string error = AcceptMemcache(at); !error.empty()) return error;
  }
  if (protocol_ == Protocol::kMemcache && settings().unixsocket.empty()) WritePortFile();
  return {};
}

std::string Server::AcceptMemcache(const ListenAddress& at) {
  bool is_optional = at.host.starts_with('-');
  std::string host = at.host.substr(is_optional ? 1 : 0);
  auto sockets = ListenTcpAll(host, at.port, {static_cast<int>(settings().tcp_backlog), false});
  if (!sockets) {
    if (is_optional) return {};
    const std::string& named = settings().memcache.interfaces;
    std::string what = protocol_ == Protocol::kRedis || named.empty()
                           ? "TCP port " + std::to_string(at.port)
                           : "one of interface(s) " + named;
    return "failed to listen on " + what + ": " + sockets.error().Text();
  }
  for (Fd& socket : *sockets) {
    std::string error = Accept(std::move(socket), true, &memcache_listeners_);
    if (!error.empty()) return error;
  }
  return {};
}

// Under another name first, so that whoever waits for the file finds all of it.
void Server::WritePortFile() const {
  const char* name = std::getenv("MEMCACHED_PORT_FILENAME");
  if (name == nullptr) return;
  std::string draft = std::string(name) + ".lck";
  std::FILE* file = std::fopen(draft.c_str(), "a");
  if (file == nullptr) return Log(LogLevel::kWarning, "Failed to open \"" + draft + "\"");
  for (const auto& listener : memcache_listeners_) {
    bool is_ipv6 = LocalAddressText(listener->fd()).starts_with('[');
    std::fprintf(file, "TCP %s: %u\n", is_ipv6 ? "INET6" : "INET",
                 unsigned{LocalPort(listener->fd())});
  }
  std::fclose(file);
  std::error_code error;
  std::filesystem::rename(draft, name, error);
  if (error) Log(LogLevel::kWarning, "Failed to write \"" + std::string(name) + "\"");
}

}  // namespace kiln
