#include "net/stream.h"

namespace kiln {

ssize_t PlainStream::Writev(std::span<const iovec> parts) {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(parts.data());  // sendmsg only reads it.
  message.msg_iovlen = parts.size();
  ssize_t sent;
  do {
    sent = ::sendmsg(fd_.get(), &message, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent >= 0 ? sent : Explain();
}

void PlainStream::Shutdown() {
  ::shutdown(fd_.get(), SHUT_RDWR);
}

}  // namespace kiln
