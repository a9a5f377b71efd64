#include "net/timer_wheel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "base/random.h"

namespace kiln {
namespace {

// A timer that counts and can do something when it fires.
struct Probe {
  void OnDue() {
    ++fired;
    if (action) action();
  }
  int fired = 0;
  std::function<void()> action;
  Timer timer = Timer::Calling<&Probe::OnDue>(this);
};

TEST(TimerWheel, TimerFiresWhenDueAndNotBefore) {
  TimerWheel wheel(1000);
  Probe probe;
  wheel.Arm(probe.timer, 1005);
  wheel.Advance(1004);
  EXPECT_EQ(probe.fired, 0);
  EXPECT_TRUE(probe.timer.IsArmed());
  wheel.Advance(1005);
  EXPECT_EQ(probe.fired, 1);
  EXPECT_FALSE(probe.timer.IsArmed());
  wheel.Advance(9999);
  EXPECT_EQ(probe.fired, 1);
}

TEST(TimerWheel, EveryDistanceFiresExactlyOnTime) {
  for (int64_t start : {int64_t{0}, int64_t{255}, int64_t{65535}, int64_t{0xffffffff}}) {
    for (int64_t delay : {1LL, 255LL, 256LL, 257LL, 65535LL, 65536LL, 16777216LL, 4294967295LL,
                          4294967296LL, 10000000000LL, 5000000000000LL}) {
      TimerWheel wheel(start);
      Probe probe;
      wheel.Arm(probe.timer, start + delay);
      wheel.Advance(start + delay - 1);
      EXPECT_EQ(probe.fired, 0) << start << "+" << delay;
      wheel.Advance(start + delay);
      EXPECT_EQ(probe.fired, 1) << start << "+" << delay;
    }
  }
}

TEST(TimerWheel, CancelledTimerNeverFires) {
  TimerWheel wheel(0);
  Probe probe;
  wheel.Arm(probe.timer, 300);
  probe.timer.Cancel();
  probe.timer.Cancel();
  wheel.Advance(1000);
  EXPECT_EQ(probe.fired, 0);
  EXPECT_EQ(wheel.NextDueMs(), TimerWheel::kNever);
}

TEST(TimerWheel, RearmingReplacesTheDueTime) {
  TimerWheel wheel(0);
  Probe probe;
  wheel.Arm(probe.timer, 10);
  wheel.Arm(probe.timer, 500);
  wheel.Arm(probe.timer, 501);  // The same slot of the second wheel.
  wheel.Advance(500);
  EXPECT_EQ(probe.fired, 0);
  wheel.Advance(501);
  EXPECT_EQ(probe.fired, 1);
}

TEST(TimerWheel, PastTimeMeansTheNextMillisecond) {
  TimerWheel wheel(100);
  Probe probe;
  wheel.Arm(probe.timer, 7);
  wheel.Advance(100);
  EXPECT_EQ(probe.fired, 0);
  wheel.Advance(101);
  EXPECT_EQ(probe.fired, 1);
}

TEST(TimerWheel, CallbackMayRearmItselfWithoutKeepingAdvanceBusy) {
  TimerWheel wheel(0);
  Probe probe;
  probe.action = [&] { wheel.Arm(probe.timer, 0); };
  wheel.Arm(probe.timer, 1);
  wheel.Advance(10);
  EXPECT_EQ(probe.fired, 10);
  EXPECT_EQ(probe.timer.due_ms(), 11);
}

TEST(TimerWheel, CallbackMayCancelATimerOfTheSameMillisecond) {
  TimerWheel wheel(0);
  Probe first, second;
  first.action = [&] { second.timer.Cancel(); };
  second.action = [&] { first.timer.Cancel(); };
  wheel.Arm(first.timer, 5);
  wheel.Arm(second.timer, 5);
  wheel.Advance(5);
  EXPECT_EQ(first.fired + second.fired, 1);
}

TEST(TimerWheel, CallbackMayDestroyItsOwnTimer) {
  TimerWheel wheel(0);
  std::unique_ptr<Timer> owner;
  owner = std::make_unique<Timer>(
      [](void* self) { static_cast<std::unique_ptr<Timer>*>(self)->reset(); }, &owner);
  wheel.Arm(*owner, 3);
  wheel.Advance(3);
  EXPECT_EQ(owner, nullptr);
}

TEST(TimerWheel, DyingTimerLeavesTheWheel) {
  TimerWheel wheel(0);
  {
    Probe probe;
    wheel.Arm(probe.timer, 3);
  }
  wheel.Advance(10);
  EXPECT_EQ(wheel.NextDueMs(), TimerWheel::kNever);
}

TEST(TimerWheel, DyingWheelDisarmsItsTimers) {
  Probe probe;
  {
    TimerWheel wheel(0);
    wheel.Arm(probe.timer, int64_t{1} << 40);
  }
  EXPECT_FALSE(probe.timer.IsArmed());
}

TEST(TimerWheel, NextDueIsExactNearbyAndNeverLate) {
  TimerWheel wheel(1024);
  Probe near_probe, far_probe;
  wheel.Arm(far_probe.timer, 100'000);
  EXPECT_LE(wheel.NextDueMs(), 100'000);
  EXPECT_GT(wheel.NextDueMs(), 1024);
  wheel.Arm(near_probe.timer, 1100);
  EXPECT_EQ(wheel.NextDueMs(), 1100);
}

TEST(TimerWheel, SleepingUntilNextDueTakesAtMostFiveWakeUps) {
  TimerWheel wheel(123'456'789);
  Probe probe;
  wheel.Arm(probe.timer, 123'456'789 + 3'000'000'000);
  int wake_ups = 0;
  for (; probe.fired == 0; ++wake_ups) wheel.Advance(wheel.NextDueMs());
  EXPECT_LE(wake_ups, 5);  // The far list, three wheels, and the firing itself.
}

// Against a map of due times; the distances cover every wheel and the list beyond.
class TimerModel {
 public:
  explicit TimerModel(uint64_t seed) : random_(seed), now_ms_(RandomDelay()), wheel_(now_ms_) {
    for (size_t i = 0; i < kTimers; ++i) {
      probes_.push_back(std::make_unique<Probe>());
      probes_[i]->action = [this, i] { OnFired(i); };
    }
  }

  void Step() {
    size_t i = random_.Next() % kTimers;
    switch (random_.Next() % 8) {
      case 0:
        probes_[i]->timer.Cancel();
        due_.erase(i);
        break;
      case 1:
      case 2:
        AdvanceBy(random_.Next() % 2 == 0 ? random_.Next() % 300 : RandomDelay());
        break;
      default:
        Arm(i);
    }
    for (size_t k = 0; k < kTimers; ++k) {
      ASSERT_EQ(probes_[k]->timer.IsArmed(), due_.contains(k));
    }
    CheckNextDue();
  }

 private:
  static constexpr size_t kTimers = 40;

  int64_t RandomDelay() {
    return static_cast<int64_t>(random_.Next() >> (24 + random_.Next() % 40));
  }

  void Arm(size_t i) {
    int64_t due = now_ms_ + RandomDelay() - 2;
    wheel_.Arm(probes_[i]->timer, due);
    due_[i] = probes_[i]->timer.due_ms();
    ASSERT_GE(due_[i], due);
  }

  void AdvanceBy(int64_t ms) {
    now_ms_ += ms;
    last_fired_ms_ = 0;
    wheel_.Advance(now_ms_);
    for (auto& [i, due] : due_) ASSERT_GT(due, now_ms_);
  }

  void OnFired(size_t i) {
    ASSERT_TRUE(due_.contains(i));
    ASSERT_LE(due_[i], now_ms_);
    ASSERT_GE(due_[i], last_fired_ms_);
    last_fired_ms_ = due_[i];
    due_.erase(i);
    if (random_.Next() % 4 == 0) Arm(random_.Next() % kTimers);
  }

  void CheckNextDue() {
    int64_t first = TimerWheel::kNever;
    for (auto& [i, due] : due_) first = std::min(first, due);
    ASSERT_LE(wheel_.NextDueMs(), first);
    ASSERT_GT(wheel_.NextDueMs(), now_ms_);
    ASSERT_EQ(wheel_.NextDueMs() == TimerWheel::kNever, due_.empty());
  }

  Random random_;
  int64_t now_ms_;
  int64_t last_fired_ms_ = 0;
  TimerWheel wheel_;
  std::vector<std::unique_ptr<Probe>> probes_;
  std::map<size_t, int64_t> due_;
};

TEST(TimerWheel, BehavesLikeAMapOfDueTimes) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    TimerModel model(seed);
    for (int step = 0; step < 300; ++step) {
      ASSERT_NO_FATAL_FAILURE(model.Step()) << "step " << step;
    }
  }
}

}  // namespace
}  // namespace kiln
