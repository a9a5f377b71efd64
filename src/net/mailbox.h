// Mailbox: how any thread hands work to the one thread that owns connections and timers.
//
// Messages of one sender are delivered in the order they were posted; so are messages of two
// senders when one post happened before the other. A message is delivered at most once, by the
// owner; what is left when the mailbox dies is destroyed undelivered.
//
// The box is a lock-free stack that the owner takes whole and turns around: one compare-and-swap to
// post, one exchange to take all. A sleeping owner leaves a mark in place of the empty stack, so
// the sender that finds the mark, and only that one, pays for the system call that wakes it; nobody
// does while the owner is awake. Rejected: a bounded ring. It must block or drop when full, and a
// worker that blocks on another can deadlock.
//
// Thread safety: Post and Wake from any thread (Wake also from a signal handler), the rest by the
// owner only.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

#include "net/socket.h"

namespace kiln {

class Message {
 public:
  Message() = default;
  virtual ~Message() = default;
  Message(const Message&) = delete;
  Message& operator=(const Message&) = delete;

  virtual void Deliver() = 0;  // On the owner's thread.

 private:
  friend class Mailbox;
  Message* next_ = nullptr;
};

class Mailbox {
 public:
  Mailbox();
  ~Mailbox();
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  void Post(std::unique_ptr<Message> message);

  // Posts a callable (move-only is fine), called once on the owner's thread.
  template <class F>
  requires std::is_invocable_v<F&>
  void Post(F&& call) {
    struct Call final : Message {
      explicit Call(F&& f) : call(std::forward<F>(f)) {}
      void Deliver() override { call(); }
      std::decay_t<F> call;
    };
    Post(std::unique_ptr<Message>(std::make_unique<Call>(std::forward<F>(call))));
  }

  // Ends the owner's sleep, or its next one.
  void Wake();

  // Delivers what was posted before this call, and returns how many that were. What a message posts
  // here comes next time.
  size_t DeliverAll();

  // To be called before sleeping on wake_fd(). False: there is mail, do not sleep. After true, call
  // DeliverAll on waking.
  bool PrepareToSleep();

  // Readable when woken. Watch it edge-triggered: it is never read, each wake-up is a new edge.
  int wake_fd() const { return wake_fd_.get(); }

 private:
  Message* TakeAll();  // In posting order.

  // The newest message, null (empty, owner awake), or the mark (empty, owner asleep).
  // On a cache line of its own: other threads write it.
  alignas(64) std::atomic<Message*> newest_{nullptr};
  Fd wake_fd_;
};

}  // namespace kiln
