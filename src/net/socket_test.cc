// The unit is a socket, so these tests open real ones: loopback with free ports, and a temporary
// directory.
#include "net/socket.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace kiln {
namespace {

class SocketTest : public testing::Test {
 protected:
  void SetUp() override {
    char path[] = "/tmp/kiln-socket-XXXXXX";
    ASSERT_NE(::mkdtemp(path), nullptr);
    folder_ = path;
  }
  void TearDown() override {
    ::unlink((folder_ + "/s").c_str());
    ::rmdir(folder_.c_str());
  }

  std::string folder_;
};

// Waits until a connection is ready, or a connect is done.
void Await(int fd, short events) {
  pollfd entry{.fd = fd, .events = events, .revents = 0};
  ASSERT_EQ(::poll(&entry, 1, 2000), 1);
}

bool HasIpv6() {
  return static_cast<bool>(ListenTcp("::1", 0, {}));
}

TEST(Fd, MovesOwnershipAndClosesOnce) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  Fd reader(ends[0]);
  Fd writer(ends[1]);
  Fd moved = std::move(reader);
  EXPECT_FALSE(reader.IsOpen());
  EXPECT_EQ(moved.get(), ends[0]);
  moved = std::move(writer);
  EXPECT_EQ(::fcntl(ends[0], F_GETFD), -1);
  EXPECT_EQ(moved.get(), ends[1]);
  Fd released(moved.Release());
  EXPECT_FALSE(moved.IsOpen());
  released.Reset();
  EXPECT_EQ(::fcntl(ends[1], F_GETFD), -1);
}

TEST(NetError, SpeaksTheSystemsText) {
  EXPECT_EQ(NetError{ECONNREFUSED}.Text(), "Connection refused");
  EXPECT_TRUE(NetError{EAGAIN}.IsWouldBlock());
  EXPECT_TRUE(NetError{EMFILE}.IsOutOfDescriptors());
}

void ExpectTcpRoundTrip(const std::string& address, const std::string& shown) {
  Result<Fd, NetError> listener = ListenTcp(address, 0, {});
  ASSERT_TRUE(listener) << listener.error().Text();
  uint16_t port = LocalPort(listener->get());
  ASSERT_NE(port, 0);
  Result<Fd, NetError> none = Accept(listener->get());
  ASSERT_FALSE(none);
  EXPECT_TRUE(none.error().IsWouldBlock());

  Result<Fd, NetError> client = ConnectTcp(address, port);
  ASSERT_TRUE(client) << client.error().Text();
  Await(listener->get(), POLLIN);
  Result<Fd, NetError> server = Accept(listener->get());
  ASSERT_TRUE(server);
  EXPECT_NE(::fcntl(server->get(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(::fcntl(server->get(), F_GETFD) & FD_CLOEXEC, 0);
  Await(client->get(), POLLOUT);
  EXPECT_EQ(PendingError(client->get()), NetError{});
  EXPECT_EQ(LocalAddressText(server->get()), shown + ":" + std::to_string(port));
  EXPECT_EQ(PeerAddressText(server->get()), LocalAddressText(client->get()));
  EXPECT_EQ(PeerAddressText(client->get()), LocalAddressText(server->get()));
  EXPECT_FALSE(IsUnixSocket(server->get()));
}

TEST_F(SocketTest, Ipv4RoundTripNamesBothEnds) {
  ExpectTcpRoundTrip("127.0.0.1", "127.0.0.1");
}

TEST_F(SocketTest, Ipv6RoundTripNamesBothEnds) {
  if (!HasIpv6()) GTEST_SKIP() << "no IPv6 here";
  ExpectTcpRoundTrip("::1", "[::1]");
}

TEST_F(SocketTest, StarListensOnEveryAddressOfItsFamily) {
  Result<Fd, NetError> all = ListenTcp("*", 0, {});
  ASSERT_TRUE(all);
  EXPECT_EQ(LocalAddressText(all->get()), "0.0.0.0:" + std::to_string(LocalPort(all->get())));
  if (!HasIpv6()) return;
  // IPv6-only, so the same port is still free there.
  Result<Fd, NetError> all6 = ListenTcp("::*", LocalPort(all->get()), {});
  ASSERT_TRUE(all6) << all6.error().Text();
}

TEST_F(SocketTest, PortInUseIsAnErrorUnlessReused) {
  Result<Fd, NetError> first = ListenTcp("127.0.0.1", 0, {.reuse_port = true});
  ASSERT_TRUE(first);
  uint16_t port = LocalPort(first->get());
  EXPECT_EQ(ListenTcp("127.0.0.1", port, {}).error(), NetError{EADDRINUSE});
  EXPECT_TRUE(ListenTcp("127.0.0.1", port, {.reuse_port = true}));
}

TEST_F(SocketTest, AddressThatIsNotOursIsAnError) {
  EXPECT_EQ(ListenTcp("192.0.2.1", 0, {}).error(), NetError{EADDRNOTAVAIL});
  EXPECT_EQ(ConnectTcp("not-an-address", 1).error(), NetError{EADDRNOTAVAIL});
}

TEST_F(SocketTest, RefusedConnectIsSeenInPendingError) {
  uint16_t port = 0;
  {
    Result<Fd, NetError> listener = ListenTcp("127.0.0.1", 0, {});
    port = LocalPort(listener->get());
  }
  Result<Fd, NetError> client = ConnectTcp("127.0.0.1", port);
  if (!client) {
    EXPECT_EQ(client.error(), NetError{ECONNREFUSED});
    return;
  }
  Await(client->get(), POLLOUT);
  EXPECT_EQ(PendingError(client->get()), NetError{ECONNREFUSED});
}

TEST_F(SocketTest, ConnectMayChooseItsSourceAddress) {
  Result<Fd, NetError> listener = ListenTcp("127.0.0.1", 0, {});
  Result<Fd, NetError> client = ConnectTcp("127.0.0.1", LocalPort(listener->get()), "127.0.0.9");
  ASSERT_TRUE(client) << client.error().Text();
  EXPECT_TRUE(LocalAddressText(client->get()).starts_with("127.0.0.9:"));
}

TEST_F(SocketTest, UnixRoundTripIsNamedByItsPath) {
  std::string path = folder_ + "/s";
  Result<Fd, NetError> listener = ListenUnix(path, 0700, {});
  ASSERT_TRUE(listener) << listener.error().Text();
  struct stat status;
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700u);
  Result<Fd, NetError> client = ConnectUnix(path);
  ASSERT_TRUE(client);
  Result<Fd, NetError> server = Accept(listener->get());
  ASSERT_TRUE(server);
  EXPECT_EQ(PeerAddressText(server->get()), path);
  EXPECT_EQ(PeerAddressText(client->get()), "");
  EXPECT_TRUE(IsUnixSocket(server->get()));
  EXPECT_EQ(LocalPort(server->get()), 0);
}

TEST_F(SocketTest, StaleUnixSocketIsReplacedButNoOtherFile) {
  std::string path = folder_ + "/s";
  { ASSERT_TRUE(ListenUnix(path, 0, {})); }
  EXPECT_TRUE(ListenUnix(path, 0, {}));
  ::unlink(path.c_str());
  Fd file(::open(path.c_str(), O_CREAT | O_WRONLY, 0600));
  EXPECT_EQ(ListenUnix(path, 0, {}).error(), NetError{EADDRINUSE});
}

TEST_F(SocketTest, UnixPathHasItsLimits) {
  EXPECT_EQ(ListenUnix(std::string(108, 'x'), 0, {}).error(), NetError{ENAMETOOLONG});
  EXPECT_EQ(ListenUnix("", 0, {}).error(), NetError{EINVAL});
  EXPECT_EQ(ConnectUnix(folder_ + "/none").error(), NetError{ENOENT});
}

TEST_F(SocketTest, KeepAliveAndNoDelayAreSet) {
  Result<Fd, NetError> listener = ListenTcp("127.0.0.1", 0, {});
  Result<Fd, NetError> client = ConnectTcp("127.0.0.1", LocalPort(listener->get()));
  auto option = [&](int level, int name) {
    int value = 0;
    socklen_t size = sizeof value;
    ::getsockopt(client->get(), level, name, &value, &size);
    return value;
  };
  SetKeepAlive(client->get(), 300);
  EXPECT_EQ(option(SOL_SOCKET, SO_KEEPALIVE), 1);
  SetKeepAlive(client->get(), 0);
  EXPECT_EQ(option(SOL_SOCKET, SO_KEEPALIVE), 0);
  SetNoDelay(client->get());
  EXPECT_NE(option(6, 1), 0);  // IPPROTO_TCP, TCP_NODELAY.
}

TEST_F(SocketTest, NamelessSocketSaysSo) {
  EXPECT_EQ(PeerAddressText(-1), "?:0");
}

}  // namespace
}  // namespace kiln
