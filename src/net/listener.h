// Listener: accepts connections of one listening socket and hands each to a callback.
//
// Takes at most kMaxAccepts a turn, so that a storm of connects cannot starve those already
// connected. When descriptors run out it stops watching for a moment: the waiting connection would
// otherwise wake the loop for ever.
//
// Thread safety: none. Each worker has its own Listener, on its own socket (SO_REUSEPORT) or on a
// shared one.
#pragma once

#include <functional>

#include "net/event_loop.h"
#include "net/socket.h"

namespace kiln {

class Listener final : public Handler {
 public:
  static constexpr int kMaxAccepts = 64;
  static constexpr int kPauseMs = 100;

  // `loop` must outlive it. While `is_full`, where there is one, says so, connections are left to
  // wait.
  Listener(EventLoop& loop, Fd socket, std::function<void(Fd)> on_connection,
           std::function<bool()> is_full = {});
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  NetError Start();  // Begins to accept.
  void OnEvents(uint32_t events) override;
  int fd() const { return socket_.get(); }

 private:
  void Resume();
  void Pause();
  void Unwatch();

  EventLoop& loop_;
  Fd socket_;
  std::function<void(Fd)> on_connection_;
  std::function<bool()> is_full_;
  Timer pause_timer_;
  bool is_watching_ = false;
};

}  // namespace kiln
