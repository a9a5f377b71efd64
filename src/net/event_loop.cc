#include "net/event_loop.h"

#include <time.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "base/check.h"

namespace kiln {

namespace {

int64_t MonotonicMs() {
  timespec now;
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

}  // namespace

EventLoop::EventLoop()
    : epoll_fd_(::epoll_create1(EPOLL_CLOEXEC)), now_ms_(MonotonicMs()), timers_(now_ms_) {
  KILN_CHECK(epoll_fd_.IsOpen());
  NetError error = Add(mailbox_.wake_fd(), EPOLLIN | EPOLLET, nullptr);
  KILN_CHECK(error == NetError{});
}

NetError EventLoop::Add(int fd, uint32_t events, Handler* handler) {
  epoll_event event{.events = events, .data = {.ptr = handler}};
  return NetError{::epoll_ctl(epoll_fd_.get(), EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : errno};
}

void EventLoop::Modify(int fd, uint32_t events, Handler* handler) {
  epoll_event event{.events = events, .data = {.ptr = handler}};
  KILN_CHECK(::epoll_ctl(epoll_fd_.get(), EPOLL_CTL_MOD, fd, &event) == 0);
}

void EventLoop::Remove(int fd, Handler* handler) {
  KILN_CHECK(::epoll_ctl(epoll_fd_.get(), EPOLL_CTL_DEL, fd, nullptr) == 0);
  for (int i = next_; i < ready_; ++i) {
    if (events_[i].data.ptr == handler) events_[i].data.ptr = nullptr;
  }
  Forget(handler);
}

void EventLoop::Forget(Handler* handler) {
  std::replace(resuming_.begin(), resuming_.end(), handler, static_cast<Handler*>(nullptr));
  std::erase(postponed_, handler);
}

void EventLoop::RunOnce(int max_wait_ms) {
  int ready = ::epoll_wait(epoll_fd_.get(), events_, kMaxEvents, WaitMs(max_wait_ms));
  KILN_CHECK(ready >= 0 || errno == EINTR);
  ready_ = std::max(ready, 0);
  next_ = 0;
  now_ms_ = MonotonicMs();
  if (hooks_ != nullptr) hooks_->BeforeTurn();
  mailbox_.DeliverAll();
  CallPostponed();
  CallReady();
  timers_.Advance(now_ms_);
  if (hooks_ != nullptr) hooks_->AfterTurn();
}

void EventLoop::CallReadyNow() {
  ready_ = std::max(::epoll_wait(epoll_fd_.get(), events_, kMaxEvents, 0), 0);
  next_ = 0;
  mailbox_.DeliverAll();
  CallReady();
}

void EventLoop::Run() {
  while (!IsStopped()) RunOnce();
}

void EventLoop::Stop() {
  stopped_.store(true, std::memory_order_relaxed);
  mailbox_.Wake();
}

int EventLoop::WaitMs(int max_wait_ms) {
  int longest_ms = std::exchange(longest_sleep_ms_, INT_MAX);
  if (longest_ms == 0 || max_wait_ms == 0 || !postponed_.empty()) return 0;
  int64_t wait_ms = max_wait_ms < 0 ? INT64_MAX : max_wait_ms;
  if (longest_ms < INT_MAX) wait_ms = std::min<int64_t>(wait_ms, longest_ms);
  int64_t due_ms = timers_.NextDueMs();
  if (due_ms != TimerWheel::kNever) {
    // The turn may have been long, so the cached clock will not do.
    wait_ms = std::min(wait_ms, std::max<int64_t>(due_ms - MonotonicMs(), 0));
  }
  if (wait_ms == 0 || !mailbox_.PrepareToSleep()) return 0;
  return wait_ms == INT64_MAX ? -1 : static_cast<int>(std::min<int64_t>(wait_ms, INT_MAX));
}

void EventLoop::CallPostponed() {
  resuming_.swap(postponed_);
  for (size_t i = 0; i < resuming_.size(); ++i) {  // Forget may null any of them meanwhile.
    if (Handler* handler = resuming_[i]) handler->OnEvents(0);
  }
  resuming_.clear();
}

void EventLoop::CallReady() {
  while (next_ < ready_) {
    const epoll_event& event = events_[next_++];
    // Null: the mailbox woke us, or the handler was removed earlier in this turn.
    if (event.data.ptr != nullptr) static_cast<Handler*>(event.data.ptr)->OnEvents(event.events);
  }
}

}  // namespace kiln
