// An HTTP/1.1 server that hands every request to one handler.
//
// A thin wrapper over cpp-httplib, which gives each connection a thread for as long as it lasts: at
// most kThreads requests run at once, further connections wait. Connections are kept alive; one
// that is silent for kIdleSeconds, or in the middle of a request for kIoSeconds, is closed. A body
// over kMaxBodyBytes is answered with 413 and never held in memory; the library limits the request
// line and each header line to 8 KiB. It decodes %XX in header values, so a header that must be
// read as sent cannot hold a percent sign. Requests may not be pipelined: the next one is to be
// sent after the reply.
//
// Thread safety: the handler is called from many threads at once. Listen and Run belong to one
// thread; Stop may be called from any.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace httplib {
class Server;
}

namespace kiln {

struct HeaderNameLess {
  using is_transparent = void;
  bool operator()(std::string_view left, std::string_view right) const;
};

struct HttpRequest {
  std::string method;
  std::string target;  // As sent: "/path?query".
  // Those of one name are in the order sent.
  std::multimap<std::string, std::string, HeaderNameLess> headers;
  std::string body;
  std::string remote_address;

  // The first of that name; empty when there is none.
  std::string_view Header(std::string_view name) const;
  std::string_view Path() const;   // Still encoded.
  std::string_view Query() const;  // Without the question mark.
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "text/plain";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};

class HttpServer {
 public:
  using Handler = std::function<HttpResponse(const HttpRequest&)>;

  static constexpr int kThreads = 64;
  static constexpr int kIdleSeconds = 5;
  static constexpr int kIoSeconds = 10;
  static constexpr size_t kMaxBodyBytes = 1 << 20;

  explicit HttpServer(Handler handler);
  ~HttpServer();

  // Port 0 takes any free one. Empty when it worked, otherwise the reason, as a sentence.
  std::string Listen(const std::string& address, int port);
  int port() const { return port_; }
  // Serves until Stop, then returns when the last reply is sent.
  void Run();
  void Stop();

 private:
  Handler handler_;
  std::unique_ptr<httplib::Server> server_;
  int port_ = 0;
  std::atomic<bool> is_stopped_{false};
  std::atomic<bool> has_returned_{false};
};

}  // namespace kiln
