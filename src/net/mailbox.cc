#include "net/mailbox.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>

#include "base/check.h"

namespace kiln {

namespace {

// Says "empty, owner asleep". Any address that no message can have will do.
Message* AsleepMark(Mailbox* mailbox) {
  return reinterpret_cast<Message*>(mailbox);
}

}  // namespace

Mailbox::Mailbox() : wake_fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  KILN_CHECK(wake_fd_.IsOpen());
}

Mailbox::~Mailbox() {
  for (Message* message = TakeAll(); message != nullptr;) {
    std::unique_ptr<Message> undelivered(message);
    message = message->next_;
  }
}

void Mailbox::Post(std::unique_ptr<Message> owned) {
  Message* message = owned.release();
  Message* newest = newest_.load(std::memory_order_relaxed);
  do {
    message->next_ = newest == AsleepMark(this) ? nullptr : newest;
  } while (!newest_.compare_exchange_weak(newest, message, std::memory_order_acq_rel,
                                          std::memory_order_relaxed));
  if (newest == AsleepMark(this)) Wake();
}

void Mailbox::Wake() {
  int saved_errno = errno;  // A signal handler must leave it alone.
  uint64_t one = 1;
  [[maybe_unused]] ssize_t written = ::write(wake_fd_.get(), &one, sizeof one);
  errno = saved_errno;
}

size_t Mailbox::DeliverAll() {
  size_t delivered = 0;
  for (Message* message = TakeAll(); message != nullptr; ++delivered) {
    std::unique_ptr<Message> owned(message);
    message = message->next_;
    owned->Deliver();
  }
  return delivered;
}

bool Mailbox::PrepareToSleep() {
  Message* expected = nullptr;
  return newest_.compare_exchange_strong(expected, AsleepMark(this), std::memory_order_acq_rel,
                                         std::memory_order_relaxed) ||
         expected == AsleepMark(this);
}

Message* Mailbox::TakeAll() {
  if (newest_.load(std::memory_order_relaxed) == nullptr) return nullptr;
  Message* newest = newest_.exchange(nullptr, std::memory_order_acquire);
  if (newest == AsleepMark(this)) return nullptr;
  Message* oldest = nullptr;
  while (newest != nullptr) {
    Message* older = std::exchange(newest->next_, oldest);
    oldest = std::exchange(newest, older);
  }
  return oldest;
}

}  // namespace kiln
