// Sockets: opening, accepting and naming them. Every socket made here is non-blocking and
// close-on-exec.
//
// Functions may be called from any thread. Failures are NetError values (an errno); text is made at
// the edge. Rejected: setting the umask around bind() for unix sockets. It belongs to the whole
// process, so another thread could create a file with it; the mode is set between bind() and
// listen() instead, when nobody can connect yet.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace kiln {

// An errno; zero means no error.
struct NetError {
  int code = 0;

  bool operator==(const NetError&) const = default;
  bool IsWouldBlock() const;
  // The process or the system has no file descriptors (or memory for one) left: waiting may help.
  bool IsOutOfDescriptors() const;
  std::string Text() const;
};

// Owns a file descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) Reset(std::exchange(other.fd_, -1));
    return *this;
  }
  ~Fd() { Reset(); }

  int get() const { return fd_; }
  bool IsOpen() const { return fd_ >= 0; }
  // Closes what is held, then holds `fd`.
  void Reset(int fd = -1);
  // Gives up ownership.
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

struct ListenOptions {
  int backlog = 511;  // The kernel cuts it to net.core.somaxconn.
  bool reuse_port =
      false;  // Several sockets may listen on this port; the kernel spreads connections.
};

// `address`: an IPv4 or IPv6 address, a host name, "*" (every IPv4 address) or "::*" (every IPv6
// address). IPv6 sockets do not take IPv4 connections. Port 0 picks a free one (see LocalPort). A
// host name may block for a look-up.
Result<Fd, NetError> ListenTcp(const std::string& address, uint16_t port, const ListenOptions&);

// The same on every address that a name stands for, as far as they can be had: at least one.
Result<std::vector<Fd>, NetError> ListenTcpAll(const std::string& address, uint16_t port,
                                               const ListenOptions&);

// A stale socket file at `path` is replaced; any other file is left alone (EADDRINUSE). `mode` 0
// leaves the mode to the process's umask; otherwise it is exact, and set before the first client
// can connect.
Result<Fd, NetError> ListenUnix(const std::string& path, uint32_t mode, const ListenOptions&);

// The next waiting connection; IsWouldBlock() when there is none.
Result<Fd, NetError> Accept(int listener);

// Starts connecting; the socket is writable once that is done (then see PendingError). `address` is
// numeric, so that no look-up blocks; `source` (may be empty) is the numeric address to connect
// from.
Result<Fd, NetError> ConnectTcp(const std::string& address, uint16_t port,
                                const std::string& source = {});
Result<Fd, NetError> ConnectUnix(const std::string& path);

// How a connect ended: no error when the socket is connected.
NetError PendingError(int fd);

// "127.0.0.1:6379", "[::1]:6379" or the path of the unix socket; "?:0" when the socket has no name
// any more. Clients of a unix socket have no name of their own: their peer is given as the path
// they connected to.
std::string PeerAddressText(int fd);
std::string LocalAddressText(int fd);
uint16_t LocalPort(int fd);  // 0 for a unix socket.
bool IsUnixSocket(int fd);

// Whether a socket may be bound to an address and port that overlap with this one's; it must allow
// that too.
void SetReusePort(int fd, bool allowed);
// Both have no effect on a unix socket.
void SetNoDelay(int fd);
// Probes a silent peer after `idle_s` seconds, and gives it up after about as long again. 0 turns
// probing off.
void SetKeepAlive(int fd, int idle_s);

}  // namespace kiln
