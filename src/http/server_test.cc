#include "http/server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

namespace kiln {
namespace {

// A server on a free port whose handler tells what it was asked.
class HttpServerTest : public testing::Test {
 protected:
  HttpServerTest() : server_([](const HttpRequest& request) { return Tell(request); }) {
    EXPECT_EQ(server_.Listen("127.0.0.1", 0), "");
    thread_ = std::thread([this] { server_.Run(); });
  }
  ~HttpServerTest() override {
    server_.Stop();
    thread_.join();
  }

  static HttpResponse Tell(const HttpRequest& request) {
    HttpResponse response;
    response.status = 203;
    response.content_type = "text/x-told";
    response.headers = {{"X-Told", "yes"}};
    response.body =
        fmt::format("{} {} {} [{}] {}", request.method, request.target, request.body.size(),
                    request.Header("x-two"), request.remote_address);
    return response;
  }

  int Connect() {
    int socket = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(server_.port()));
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    EXPECT_EQ(connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    return socket;
  }

  // Sends the bytes on a connection of their own and reads until the server closes it or `last` has
  // come.
  std::string Exchange(const std::string& bytes, const std::string& last = "never") {
    int socket = Connect();
    std::string reply = ExchangeOn(socket, bytes, last);
    close(socket);
    return reply;
  }

  static std::string ExchangeOn(int socket, const std::string& bytes, const std::string& last) {
    size_t sent = 0;
    while (sent < bytes.size()) {
      ssize_t n = send(socket, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (n <= 0) break;
      sent += static_cast<size_t>(n);
    }
    std::string reply;
    char buffer[4096];
    for (ssize_t n;
         reply.find(last) == std::string::npos && (n = read(socket, buffer, sizeof(buffer))) > 0;) {
      reply.append(buffer, static_cast<size_t>(n));
    }
    return reply;
  }

  HttpServer server_;
  std::thread thread_;
};

TEST_F(HttpServerTest, AnyPathAndMethodReachesTheHandler) {
  for (const char* method : {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}) {
    std::string reply = Exchange(fmt::format(
        "{} /a%20b/c?d=e HTTP/1.1\r\nHost: x\r\nX-Two: 2\r\nConnection: close\r\n\r\n", method));
    EXPECT_NE(reply.find("HTTP/1.1 203"), std::string::npos) << method;
    EXPECT_NE(reply.find(fmt::format("{} /a%20b/c?d=e 0 [2] 127.0.0.1", method)), std::string::npos)
        << reply;
    EXPECT_NE(reply.find("X-Told: yes"), std::string::npos);
    EXPECT_NE(reply.find("Content-Type: text/x-told"), std::string::npos);
  }
}

TEST_F(HttpServerTest, FormsMayBeAsLongAsTheLimit) {
  std::string reply =
      Exchange(fmt::format("POST /long HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: "
                           "application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
                           HttpServer::kMaxBodyBytes) +
               std::string(HttpServer::kMaxBodyBytes, 'a'));
  EXPECT_NE(reply.find("POST /long 1048576 "), std::string::npos) << reply.substr(0, 300);
}

TEST_F(HttpServerTest, LongerBodiesAreRefused) {
  size_t size = HttpServer::kMaxBodyBytes + 1;
  std::string head = "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
  std::string body(size, 'a');
  std::string counted = fmt::format("{}Content-Length: {}\r\n\r\n{}", head, size, body);
  EXPECT_NE(Exchange(counted).find("HTTP/1.1 413"), std::string::npos);
  std::string chunked =
      fmt::format("{}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{}\r\n0\r\n\r\n", head, size, body);
  EXPECT_NE(Exchange(chunked).find("HTTP/1.1 413"), std::string::npos);
}

TEST_F(HttpServerTest, AHugeDeclaredBodyIsNotWaitedFor) {
  std::string reply = Exchange("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n");
  EXPECT_NE(reply.find("HTTP/1.1 413"), std::string::npos);
}

TEST_F(HttpServerTest, AConnectionServesManyRequestsAlsoWhenSentAtOnce) {
  std::string one = "POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc";
  std::string last = "GET /2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  std::string reply = Exchange(one + one + last);
  EXPECT_NE(reply.find("GET /2 0"), std::string::npos) << reply;
  EXPECT_NE(reply.find("POST /1 3"), reply.rfind("POST /1 3"));
}

TEST_F(HttpServerTest, AnEndlessHeadEndsTheConnection) {
  std::string line = "X-Long: " + std::string(1000, 'a') + "\r\n";
  std::string head = "GET / HTTP/1.1\r\nHost: x\r\n";
  while (head.size() <= HttpServer::kMaxHeadBytes) head += line;
  EXPECT_EQ(Exchange(head).find("203"), std::string::npos);
  EXPECT_EQ(Exchange(std::string(HttpServer::kMaxHeadBytes + 1, 'a')).find("203"),
            std::string::npos);
}

TEST_F(HttpServerTest, StoppingDoesNotWaitForIdleConnections) {
  int socket = Connect();
  std::string request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  EXPECT_NE(ExchangeOn(socket, request, "127.0.0.1").find("203"), std::string::npos);
  server_.Stop();
  char byte = 0;
  EXPECT_EQ(read(socket, &byte, 1), 0);
  close(socket);
}

TEST_F(HttpServerTest, MultipartFormsAreRefused) {
  std::string reply = Exchange(
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n"
      "Content-Length: 5\r\n\r\nhello");
  EXPECT_NE(reply.find("HTTP/1.1 415"), std::string::npos) << reply;
}

TEST_F(HttpServerTest, BodiesOfOtherMethodsAreRefused) {
  // Its bytes would be taken for the next request.
  std::string reply = Exchange("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_NE(reply.find("HTTP/1.1 400"), std::string::npos) << reply;
}

TEST_F(HttpServerTest, GarbageIsRefused) {
  EXPECT_NE(Exchange("nonsense\r\n\r\n", "400").find("HTTP/1.1 400"), std::string::npos);
}

TEST(HttpServer, TellsWhyItCannotListen) {
  auto handler = [](const HttpRequest&) { return HttpResponse{}; };
  HttpServer first(handler);
  ASSERT_EQ(first.Listen("127.0.0.1", 0), "");
  std::thread thread([&] { first.Run(); });
  HttpServer second(handler);
  std::string reason = second.Listen("127.0.0.1", first.port());
  EXPECT_EQ(reason,
            fmt::format("Cannot listen on 127.0.0.1:{}: Address already in use.", first.port()));
  first.Stop();
  thread.join();
}

TEST(HttpRequest, SplitsItsTarget) {
  HttpRequest request;
  request.target = "/a?b=c?d";
  EXPECT_EQ(request.Path(), "/a");
  EXPECT_EQ(request.Query(), "b=c?d");
  request.target = "/a";
  EXPECT_EQ(request.Query(), "");
}

TEST(HttpRequest, FindsHeadersInAnyCase) {
  HttpRequest request;
  request.headers.emplace("X-Amz-Date", "1");
  request.headers.emplace("x-amz-date", "2");
  EXPECT_EQ(request.Header("X-AMZ-DATE"), "1");
  EXPECT_EQ(request.Header("X-Amz"), "");
}

}  // namespace
}  // namespace kiln
