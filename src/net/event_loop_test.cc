// The loop is tested on socket pairs; no test waits for time to pass by more than a few
// milliseconds.
#include "net/event_loop.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>

namespace kiln {
namespace {

// One end is watched by the loop, the other one is the peer's.
class Watched final : public Handler {
 public:
  explicit Watched(EventLoop& loop) : loop_(loop) {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    near_.Reset(ends[0]);
    far_.Reset(ends[1]);
    EXPECT_EQ(loop_.Add(near_.get(), EPOLLIN, this), NetError{});
  }
  ~Watched() { loop_.Remove(near_.get(), this); }

  void OnEvents(uint32_t events) override {
    ++calls;
    last_events = events;
    if (action) action();
  }

  void SendFromPeer() { EXPECT_EQ(::write(far_.get(), "x", 1), 1); }
  void ReadOne() {
    char byte;
    EXPECT_EQ(::read(near_.get(), &byte, 1), 1);
  }
  int fd() const { return near_.get(); }

  int calls = 0;
  uint32_t last_events = 0;
  std::function<void()> action;

 private:
  EventLoop& loop_;
  Fd near_;
  Fd far_;
};

TEST(EventLoop, ReadyHandlerIsCalledUntilItHasReadEverything) {
  EventLoop loop;
  Watched watched(loop);
  watched.SendFromPeer();
  watched.SendFromPeer();
  watched.action = [&] { watched.ReadOne(); };
  for (int i = 0; i < 3; ++i) loop.RunOnce(0);
  EXPECT_EQ(watched.calls, 2);
  EXPECT_EQ(watched.last_events, uint32_t{EPOLLIN});
}

TEST(EventLoop, ModifyChangesWhatIsWatched) {
  EventLoop loop;
  Watched watched(loop);
  loop.RunOnce(0);
  EXPECT_EQ(watched.calls, 0);
  loop.Modify(watched.fd(), EPOLLOUT, &watched);
  loop.RunOnce(0);
  EXPECT_EQ(watched.last_events, uint32_t{EPOLLOUT});
}

TEST(EventLoop, AddingTwiceIsAnError) {
  EventLoop loop;
  Watched watched(loop);
  EXPECT_EQ(loop.Add(watched.fd(), EPOLLIN, &watched), NetError{EEXIST});
}

TEST(EventLoop, HandlerRemovedInItsOwnTurnIsNotCalled) {
  EventLoop loop;
  auto first = std::make_unique<Watched>(loop);
  auto second = std::make_unique<Watched>(loop);
  int calls = 0;
  first->action = [&] { ++calls, second.reset(); };
  second->action = [&] { ++calls, first.reset(); };
  first->SendFromPeer();
  second->SendFromPeer();
  loop.RunOnce(0);
  EXPECT_EQ(calls, 1);
  EXPECT_NE(first == nullptr, second == nullptr);
}

TEST(EventLoop, HandlerMayDestroyItself) {
  EventLoop loop;
  auto watched = std::make_unique<Watched>(loop);
  watched->SendFromPeer();
  watched->action = [&watched] { auto last = std::move(watched); };
  loop.RunOnce(0);
  EXPECT_EQ(watched, nullptr);
}

TEST(EventLoop, PostponedHandlerIsCalledOnceNextTurnWithoutSleep) {
  EventLoop loop;
  Watched watched(loop);
  watched.last_events = 99;
  loop.PostponeToNextTurn(&watched);
  loop.RunOnce();
  EXPECT_EQ(watched.calls, 1);
  EXPECT_EQ(watched.last_events, 0u);
  loop.RunOnce(0);
  EXPECT_EQ(watched.calls, 1);
}

TEST(EventLoop, RemovedHandlerIsNotResumed) {
  EventLoop loop;
  auto first = std::make_unique<Watched>(loop);
  auto second = std::make_unique<Watched>(loop);
  loop.PostponeToNextTurn(first.get());
  loop.PostponeToNextTurn(second.get());
  first->action = [&] { second.reset(); };
  loop.RunOnce();
  EXPECT_EQ(second, nullptr);
  loop.PostponeToNextTurn(first.get());
  first.reset();
  loop.RunOnce(0);
}

TEST(EventLoop, MoreWorkMeansNoSleep) {
  EventLoop loop;
  loop.PostponeToNextTurn();
  loop.RunOnce();  // Would hang.
}

TEST(EventLoop, RestMeansABoundedSleepOnce) {
  EventLoop loop;
  loop.RestBeforeNextTurn();
  loop.RunOnce();  // Would hang.
  loop.RestBeforeNextTurn();
  loop.PostponeToNextTurn();
  loop.RestBeforeNextTurn();
  loop.RunOnce();
}

class Recorder final : public TurnHooks {
 public:
  void BeforeTurn() override { log += "("; }
  void AfterTurn() override { log += ")"; }
  std::string log;
};

TEST(EventLoop, TurnRunsItsStepsInOrderBetweenTheHooks) {
  EventLoop loop;
  Recorder recorder;
  loop.SetHooks(&recorder);
  Watched ready(loop), postponed(loop);
  ready.SendFromPeer();
  ready.action = [&] { recorder.log += "r", ready.ReadOne(); };
  postponed.action = [&] { recorder.log += "p"; };
  loop.PostponeToNextTurn(&postponed);
  loop.mailbox().Post([&] { recorder.log += "m"; });
  loop.RunOnce();
  loop.RunOnce(0);
  EXPECT_EQ(recorder.log, "(mpr)()");
}

struct Alarm {
  void OnDue() { ++fired; }
  int fired = 0;
  Timer timer = Timer::Calling<&Alarm::OnDue>(this);
};

TEST(EventLoop, SleepEndsWhenATimerIsDue) {
  EventLoop loop;
  Alarm alarm;
  int64_t armed_ms = loop.now_ms();
  loop.ArmIn(alarm.timer, 3);
  int turns = 0;
  for (; alarm.fired == 0; ++turns) loop.RunOnce();
  EXPECT_GE(loop.now_ms(), armed_ms + 3);
  EXPECT_LE(turns, 3);
}

TEST(EventLoop, MailFromAnotherThreadEndsSleep) {
  EventLoop loop;
  int delivered = 0;
  std::thread sender([&] {
    for (int i = 0; i < 500; ++i) loop.mailbox().Post([&] { ++delivered; });
  });
  while (delivered < 500) loop.RunOnce();
  sender.join();
}

TEST(EventLoop, StopEndsRunFromAnyThread) {
  EventLoop loop;
  std::thread stopper([&] { loop.Stop(); });
  loop.Run();
  stopper.join();
  EXPECT_TRUE(loop.IsStopped());
}

}  // namespace
}  // namespace kiln
