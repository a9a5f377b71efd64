#include "net/socket.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <system_error>

namespace kiln {

namespace {

using Addresses = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

struct SocketName {
  sockaddr_storage storage{};
  socklen_t size = sizeof(sockaddr_storage);

  sockaddr* address() { return reinterpret_cast<sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
};

NetError LastError() {
  return NetError{errno};
}

Fd OpenSocket(int family) {
  return Fd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

bool SetOption(int fd, int level, int name, int value) {
  return ::setsockopt(fd, level, name, &value, sizeof value) == 0;
}

// Null (and *error set) when there is no such address. `address` null means any.
Addresses Resolve(const char* address, uint16_t port, int family, int flags, NetError* error) {
  addrinfo hints{};
  hints.ai_family = family;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  int code = ::getaddrinfo(address, std::to_string(port).c_str(), &hints, &found);
  if (code == EAI_SYSTEM) {
    *error = LastError();
  } else if (code != 0) {
    error->code = code == EAI_MEMORY ? ENOMEM : EADDRNOTAVAIL;
  }
  return Addresses(code == 0 ? found : nullptr, &::freeaddrinfo);
}

Result<Fd, NetError> ListenAt(const addrinfo& at, const ListenOptions& options) {
  Fd fd = OpenSocket(at.ai_family);
  if (!fd.IsOpen()) return LastError();
  if (at.ai_family == AF_INET6) SetOption(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1);
  SetOption(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (options.reuse_port && !SetOption(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1)) return LastError();
  if (::bind(fd.get(), at.ai_addr, at.ai_addrlen) != 0) return LastError();
  if (::listen(fd.get(), options.backlog) != 0) return LastError();
  return fd;
}

// Listens on up to `most` of the addresses found; an error when on none.
Result<std::vector<Fd>, NetError> ListenOn(const std::string& address, uint16_t port,
                                           const ListenOptions& options, size_t most) {
  bool any_ipv4 = address == "*";
  bool any_ipv6 = address == "::*";
  int family = any_ipv4 ? AF_INET : any_ipv6 ? AF_INET6 : AF_UNSPEC;
  NetError error;
  std::vector<Fd> sockets;
  Addresses found =
      Resolve(any_ipv4 || any_ipv6 ? nullptr : address.c_str(), port, family, AI_PASSIVE, &error);
  for (const addrinfo* at = found.get(); at != nullptr && sockets.size() < most; at = at->ai_next) {
    Result<Fd, NetError> listening = ListenAt(*at, options);
    if (listening) {
      sockets.push_back(std::move(*listening));
    } else {
      error = listening.error();
    }
  }
  if (sockets.empty()) return error;
  return sockets;
}

Result<SocketName, NetError> UnixName(const std::string& path) {
  SocketName name;
  auto* address = reinterpret_cast<sockaddr_un*>(&name.storage);
  if (path.empty()) return NetError{EINVAL};
  if (path.size() >= sizeof address->sun_path) return NetError{ENAMETOOLONG};
  address->sun_family = AF_UNIX;
  std::memcpy(address->sun_path, path.c_str(), path.size() + 1);
  name.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  return name;
}

Result<Fd, NetError> StartConnect(Fd fd, const sockaddr* address, socklen_t size) {
  if (::connect(fd.get(), address, size) != 0 && errno != EINPROGRESS) return LastError();
  return fd;
}

SocketName LocalName(int fd) {
  SocketName name;
  if (::getsockname(fd, name.address(), &name.size) != 0) name = SocketName();
  return name;
}

std::string NameText(const SocketName& name) {
  char text[INET6_ADDRSTRLEN];
  if (name.family() == AF_INET) {
    const auto& ip = reinterpret_cast<const sockaddr_in&>(name.storage);
    ::inet_ntop(AF_INET, &ip.sin_addr, text, sizeof text);
    return std::string(text) + ":" + std::to_string(ntohs(ip.sin_port));
  }
  if (name.family() == AF_INET6) {
    const auto& ip = reinterpret_cast<const sockaddr_in6&>(name.storage);
    ::inet_ntop(AF_INET6, &ip.sin6_addr, text, sizeof text);
    return "[" + std::string(text) + "]:" + std::to_string(ntohs(ip.sin6_port));
  }
  if (name.family() == AF_UNIX) {
    const auto& address = reinterpret_cast<const sockaddr_un&>(name.storage);
    size_t longest = name.size - std::min<size_t>(name.size, offsetof(sockaddr_un, sun_path));
    return std::string(address.sun_path, ::strnlen(address.sun_path, longest));
  }
  return "?:0";
}

}  // namespace

bool NetError::IsWouldBlock() const {
  return code == EAGAIN || code == EWOULDBLOCK;
}

bool NetError::IsOutOfDescriptors() const {
  return code == EMFILE || code == ENFILE || code == ENOBUFS || code == ENOMEM;
}

std::string NetError::Text() const {
  return std::generic_category().message(code);
}

void Fd::Reset(int fd) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

Result<Fd, NetError> ListenTcp(const std::string& address, uint16_t port,
                               const ListenOptions& options) {
  auto all = ListenOn(address, port, options, 1);
  if (!all) return all.error();
  return std::move(all->front());
}

Result<std::vector<Fd>, NetError> ListenTcpAll(const std::string& address, uint16_t port,
                                               const ListenOptions& options) {
  return ListenOn(address, port, options, ~size_t{0});
}

Result<Fd, NetError> ListenUnix(const std::string& path, uint32_t mode,
                                const ListenOptions& options) {
  Result<SocketName, NetError> name = UnixName(path);
  if (!name) return name.error();
  Fd fd = OpenSocket(AF_UNIX);
  if (!fd.IsOpen()) return LastError();
  struct stat status;
  if (::lstat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode)) ::unlink(path.c_str());
  if (::bind(fd.get(), name->address(), name->size) != 0) return LastError();
  if (mode != 0 && ::chmod(path.c_str(), mode) != 0) return LastError();
  if (::listen(fd.get(), options.backlog) != 0) return LastError();
  return fd;
}

Result<Fd, NetError> Accept(int listener) {
  Fd fd(::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!fd.IsOpen()) return LastError();
  return fd;
}

Result<Fd, NetError> ConnectTcp(const std::string& address, uint16_t port,
                                const std::string& source) {
  NetError error;
  Addresses to = Resolve(address.c_str(), port, AF_UNSPEC, AI_NUMERICHOST, &error);
  if (!to) return error;
  Fd fd = OpenSocket(to->ai_family);
  if (!fd.IsOpen()) return LastError();
  if (!source.empty()) {
    Addresses from = Resolve(source.c_str(), 0, to->ai_family, AI_NUMERICHOST, &error);
    if (!from) return error;
    if (::bind(fd.get(), from->ai_addr, from->ai_addrlen) != 0) return LastError();
  }
  return StartConnect(std::move(fd), to->ai_addr, to->ai_addrlen);
}

Result<Fd, NetError> ConnectUnix(const std::string& path) {
  Result<SocketName, NetError> name = UnixName(path);
  if (!name) return name.error();
  Fd fd = OpenSocket(AF_UNIX);
  if (!fd.IsOpen()) return LastError();
  return StartConnect(std::move(fd), name->address(), name->size);
}

NetError PendingError(int fd) {
  NetError error;
  socklen_t size = sizeof error.code;
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error.code, &size) != 0) return LastError();
  return error;
}

std::string PeerAddressText(int fd) {
  SocketName name;
  if (::getpeername(fd, name.address(), &name.size) != 0) return "?:0";
  return name.family() == AF_UNIX ? LocalAddressText(fd) : NameText(name);
}

std::string LocalAddressText(int fd) {
  return NameText(LocalName(fd));
}

uint16_t LocalPort(int fd) {
  SocketName name = LocalName(fd);
  if (name.family() == AF_INET) {
    return ntohs(reinterpret_cast<const sockaddr_in&>(name.storage).sin_port);
  }
  if (name.family() == AF_INET6) {
    return ntohs(reinterpret_cast<const sockaddr_in6&>(name.storage).sin6_port);
  }
  return 0;
}

bool IsUnixSocket(int fd) {
  return LocalName(fd).family() == AF_UNIX;
}

void SetReusePort(int fd, bool allowed) {
  SetOption(fd, SOL_SOCKET, SO_REUSEPORT, allowed ? 1 : 0);
}

void SetNoDelay(int fd) {
  SetOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

void SetKeepAlive(int fd, int idle_s) {
  constexpr int kProbes = 3;
  SetOption(fd, SOL_SOCKET, SO_KEEPALIVE, idle_s > 0);
  if (idle_s <= 0) return;
  SetOption(fd, IPPROTO_TCP, TCP_KEEPIDLE, idle_s);
  SetOption(fd, IPPROTO_TCP, TCP_KEEPINTVL, std::max(idle_s / kProbes, 1));
  SetOption(fd, IPPROTO_TCP, TCP_KEEPCNT, kProbes);
}

}  // namespace kiln
