// An HTTP/1.1 server that hands every request to one handler.
//
// A thin wrapper over cpp-httplib. Each connection has a thread for as long as it lasts: at most
// kThreads are served at once, further ones wait. Connections are kept alive; one that is silent
// for kIdleMs, or whose request and reply together take longer than kRequestMs, is closed. A head
// over kMaxHeadBytes ends the connection; a body over kMaxBodyBytes is answered with 413 and never
// held in memory. The library decodes %XX in header values, so a header that must be read as sent
// cannot hold a percent sign.
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
  static constexpr int kIdleMs = 5 * 1000;
  static constexpr int kRequestMs = 30 * 1000;
  static constexpr size_t kMaxHeadBytes = 64 * 1024;
  static constexpr size_t kMaxBodyBytes = 1 << 20;

  explicit HttpServer(Handler handler);
  ~HttpServer();

  // Port 0 takes any free one. Empty when it worked, otherwise the reason, as a sentence.
  std::string Listen(const std::string& address, int port);
  int port() const { return port_; }
  // Serves until Stop, then returns when requests under way are answered.
  void Run();
  void Stop();

 private:
  class Library;

  Handler handler_;
  std::unique_ptr<Library> server_;
  int port_ = 0;
  std::atomic<bool> is_stopped_{false};
  std::atomic<bool> has_returned_{false};
};

}  // namespace kiln
