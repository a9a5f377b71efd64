#include "http/connection.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/time.h"

namespace kiln {
namespace {

constexpr size_t kReceivedAtOnce = 16 * 1024;
// What a client still sends after its last reply is thrown away for so long.
constexpr uint64_t kLingerUs = 500 * 1000;
constexpr size_t kMaxLingerBytes = 4 << 20;

int MsUntil(uint64_t deadline_us) {
  uint64_t now_us = MonotonicUs();
  return deadline_us <= now_us ? 0 : static_cast<int>((deadline_us - now_us + 999) / 1000);
}

// The numeric address and port that getpeername or getsockname gives.
void NameOf(int socket, int (*get_name)(int, sockaddr*, socklen_t*), std::string* address,
            int* port) {
  sockaddr_storage name = {};
  socklen_t size = sizeof(name);
  char text[INET6_ADDRSTRLEN] = "";
  if (get_name(socket, reinterpret_cast<sockaddr*>(&name), &size) != 0) return;
  if (name.ss_family == AF_INET) {
    const auto& in = reinterpret_cast<const sockaddr_in&>(name);
    inet_ntop(AF_INET, &in.sin_addr, text, sizeof(text));
    *port = ntohs(in.sin_port);
  } else if (name.ss_family == AF_INET6) {
    const auto& in = reinterpret_cast<const sockaddr_in6&>(name);
    inet_ntop(AF_INET6, &in.sin6_addr, text, sizeof(text));
    *port = ntohs(in.sin6_port);
  }
  *address = text;
}

}  // namespace

HttpConnection::HttpConnection(Fd socket, int stop, const Limits& limits)
    : socket_(std::move(socket)), stop_(stop), limits_(limits) {
  fcntl(socket_.get(), F_SETFD, FD_CLOEXEC);
  fcntl(socket_.get(), F_SETFL, fcntl(socket_.get(), F_GETFL) | O_NONBLOCK);
}

HttpConnection::~HttpConnection() {
  if (was_idle_) return;
  // Closing with bytes unread would reset the connection, and the client lose its reply.
  shutdown(socket_.get(), SHUT_WR);
  uint64_t deadline_us = MonotonicUs() + kLingerUs;
  char thrown_away[kReceivedAtOnce];
  for (size_t left = kMaxLingerBytes; left >= sizeof(thrown_away) && WaitUntil(POLLIN, deadline_us);
       left -= sizeof(thrown_away)) {
    if (recv(socket_.get(), thrown_away, sizeof(thrown_away), 0) <= 0) break;
  }
}

bool HttpConnection::WaitForRequest() {
  if (head_end_ < kHeadEnd.size()) return false;
  buffer_.erase(0, used_);
  used_ = 0;
  head_bytes_ = 0;
  head_end_ = 0;
  bool has_begun = !buffer_.empty();
  if (!has_begun) {
    pollfd ready[] = {{socket_.get(), POLLIN, 0}, {stop_, POLLIN, 0}};
    int count = poll(ready, 2, limits_.idle_ms);
    was_idle_ = count <= 0 || ready[1].revents != 0;
    if (was_idle_) return false;
  }
  deadline_us_ = MonotonicUs() + static_cast<uint64_t>(limits_.request_ms) * 1000;
  return has_begun || Fill();
}

bool HttpConnection::WaitUntil(short events, uint64_t deadline_us) const {
  pollfd ready = {socket_.get(), events, 0};
  int count = 0;
  do {
    count = poll(&ready, 1, MsUntil(deadline_us));
  } while (count < 0 && errno == EINTR);
  return count > 0;
}

bool HttpConnection::is_readable() const {
  return used_ < buffer_.size() || WaitUntil(POLLIN, deadline_us_);
}

bool HttpConnection::is_writable() const {
  return WaitUntil(POLLOUT, deadline_us_);
}

// Receives into the empty buffer. False: nothing came.
bool HttpConnection::Fill() {
  if (!WaitUntil(POLLIN, deadline_us_)) return false;
  buffer_.resize(kReceivedAtOnce);
  used_ = 0;
  ssize_t size = recv(socket_.get(), buffer_.data(), buffer_.size(), 0);
  buffer_.resize(size > 0 ? static_cast<size_t>(size) : 0);
  return size > 0;
}

// How many of the bytes belong to the head.
size_t HttpConnection::CountHead(std::string_view bytes) {
  size_t count = 0;
  while (count < bytes.size() && head_end_ < kHeadEnd.size()) {
    char c = bytes[count++];
    head_end_ = c == kHeadEnd[head_end_] ? head_end_ + 1 : c == kHeadEnd[0] ? 1 : 0;
  }
  return count;
}

ssize_t HttpConnection::read(char* out, size_t size) {
  if (used_ == buffer_.size() && !Fill()) return -1;
  size = std::min(size, buffer_.size() - used_);
  head_bytes_ += CountHead(std::string_view(buffer_).substr(used_, size));
  if (head_bytes_ > limits_.max_head_bytes) return -1;
  std::memcpy(out, buffer_.data() + used_, size);
  used_ += size;
  return static_cast<ssize_t>(size);
}

ssize_t HttpConnection::write(const char* data, size_t size) {
  if (!WaitUntil(POLLOUT, deadline_us_)) return -1;
  ssize_t sent = send(socket_.get(), data, size, MSG_NOSIGNAL);
  return sent < 0 && errno == EAGAIN ? 0 : sent;
}

void HttpConnection::get_remote_ip_and_port(std::string& address, int& port) const {
  NameOf(socket_.get(), getpeername, &address, &port);
}

void HttpConnection::get_local_ip_and_port(std::string& address, int& port) const {
  NameOf(socket_.get(), getsockname, &address, &port);
}

}  // namespace kiln
