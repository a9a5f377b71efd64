// Stream: the bytes of one connection, plain or encrypted. Nothing above net/ knows which.
//
// Never blocks. Read, Write and Writev return how many bytes went through (> 0), or kEnd,
// kWouldBlock, kError. After kWouldBlock wait for EPOLLIN (Read) or EPOLLOUT (Write), and for
// EPOLLOUT in either case while WantsWritable(). After kError only last_error() and the destructor
// are useful. An empty span is not allowed.
//
// The hot path should hold a PlainStream where it can: the class is final and inline, so its calls
// are direct.
//
// Thread safety: none. The worker that owns the connection owns its stream.
#pragma once

#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <cerrno>
#include <span>
#include <utility>

#include "net/socket.h"

namespace kiln {

class Stream {
 public:
  static constexpr ssize_t kEnd = 0;  // Read only: the peer has sent its last byte.
  static constexpr ssize_t kWouldBlock = -1;
  static constexpr ssize_t kError = -2;

  explicit Stream(Fd fd) : fd_(std::move(fd)) {}
  virtual ~Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  virtual ssize_t Read(std::span<char> into) = 0;
  virtual ssize_t Write(std::span<const char> bytes) = 0;
  virtual ssize_t Writev(std::span<const iovec> parts) = 0;  // At most IOV_MAX (1024) parts.

  // Bytes are held here that epoll cannot know of: read again before sleeping.
  virtual bool HasBuffered() const = 0;
  // The last kWouldBlock waits for EPOLLOUT, whichever call it came from (a handshake does that).
  virtual bool WantsWritable() const = 0;
  // Says goodbye in both directions; the peer sees an orderly end. The descriptor stays open.
  virtual void Shutdown() = 0;

  int fd() const { return fd_.get(); }
  NetError last_error() const { return last_error_; }

 protected:
  Fd fd_;
  NetError last_error_;
};

class PlainStream final : public Stream {
 public:
  using Stream::Stream;

  ssize_t Read(std::span<char> into) override {
    ssize_t got;
    do {
      got = ::recv(fd_.get(), into.data(), into.size(), 0);
    } while (got < 0 && errno == EINTR);
    return got >= 0 ? got : Explain();
  }

  ssize_t Write(std::span<const char> bytes) override {
    ssize_t sent;
    do {
      sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent >= 0 ? sent : Explain();
  }

  ssize_t Writev(std::span<const iovec> parts) override;
  bool HasBuffered() const override { return false; }
  bool WantsWritable() const override { return false; }
  void Shutdown() override;

 private:
  ssize_t Explain() {
    if (errno == EAGAIN || errno == EWOULDBLOCK) return kWouldBlock;
    last_error_ = NetError{errno};
    return kError;
  }
};

}  // namespace kiln
