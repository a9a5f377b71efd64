#include "net/listener.h"

#include <utility>

namespace kiln {

Listener::Listener(EventLoop& loop, Fd socket, std::function<void(Fd)> on_connection,
                   std::function<bool()> is_full)
    : loop_(loop),
      socket_(std::move(socket)),
      on_connection_(std::move(on_connection)),
      is_full_(std::move(is_full)),
      pause_timer_(Timer::Calling<&Listener::Resume>(this)) {}

Listener::~Listener() {
  Unwatch();
}

NetError Listener::Start() {
  NetError error = loop_.Add(socket_.get(), EPOLLIN | EPOLLEXCLUSIVE, this);
  is_watching_ = error == NetError{};
  return error;
}

void Listener::OnEvents(uint32_t) {
  for (int i = 0; i < kMaxAccepts; ++i) {
    if (is_full_ && is_full_()) return Pause();
    Result<Fd, NetError> accepted = Accept(socket_.get());
    if (accepted) {
      on_connection_(std::move(*accepted));
    } else if (accepted.error().IsOutOfDescriptors()) {
      return Pause();
    } else if (accepted.error().IsWouldBlock()) {
      return;
    }  // Otherwise that one connection died while it waited.
  }
}

void Listener::Resume() {
  if (!(Start() == NetError{})) loop_.ArmIn(pause_timer_, kPauseMs);
}

void Listener::Pause() {
  Unwatch();
  loop_.ArmIn(pause_timer_, kPauseMs);
}

void Listener::Unwatch() {
  if (is_watching_) loop_.Remove(socket_.get(), this);
  is_watching_ = false;
}

}  // namespace kiln
