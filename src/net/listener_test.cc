#include "net/listener.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <vector>

namespace kiln {
namespace {

Fd Connect(const Listener& listener) {
  return std::move(*ConnectTcp("127.0.0.1", LocalPort(listener.fd())));
}

TEST(Listener, HandsOverEveryConnection) {
  EventLoop loop;
  std::vector<Fd> accepted;
  Listener listener(loop, std::move(*ListenTcp("127.0.0.1", 0, {})),
                    [&](Fd fd) { accepted.push_back(std::move(fd)); });
  ASSERT_EQ(listener.Start(), NetError{});
  Fd first = Connect(listener);
  Fd second = Connect(listener);
  while (accepted.size() < 2) loop.RunOnce();
  EXPECT_EQ(PeerAddressText(accepted[0].get()), LocalAddressText(first.get()));
}

TEST(Listener, PausesWhenDescriptorsRunOut) {
  EventLoop loop;
  std::vector<Fd> accepted;
  Listener listener(loop, std::move(*ListenTcp("127.0.0.1", 0, {})),
                    [&](Fd fd) { accepted.push_back(std::move(fd)); });
  ASSERT_EQ(listener.Start(), NetError{});
  Fd client = Connect(listener);
  rlimit limit;
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  rlimit none{0, limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  loop.RunOnce();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_TRUE(accepted.empty());
  loop.RunOnce(0);
  EXPECT_TRUE(accepted.empty());  // Not watching, though a connection waits.
  loop.timers().Advance(loop.now_ms() + Listener::kPauseMs);
  loop.RunOnce();
  EXPECT_EQ(accepted.size(), 1u);
}

}  // namespace
}  // namespace kiln
