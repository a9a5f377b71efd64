#include "http/server.h"

#include <fmt/format.h>
#include <httplib.h>
#include <netinet/in.h>
#include <strings.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <thread>

#include "base/number.h"

namespace kiln {
namespace {

// A longer body is not even read and thrown away: the connection is closed.
constexpr uint64_t kMaxDiscardedBytes = 16 << 20;
constexpr size_t kMaxRequestsPerConnection = 1000;

// The library puts these among the headers of every request.
bool IsMadeUpHeader(std::string_view name) {
  return name == "REMOTE_ADDR" || name == "REMOTE_PORT" || name == "LOCAL_ADDR" ||
         name == "LOCAL_PORT";
}

HttpRequest FromLibrary(const httplib::Request& request) {
  HttpRequest result;
  result.method = request.method;
  result.target = request.target;
  for (const auto& [name, value] : request.headers) {
    if (!IsMadeUpHeader(name)) result.headers.emplace(name, value);
  }
  result.remote_address = request.remote_addr;
  return result;
}

void ToLibrary(HttpResponse response, httplib::Response* out) {
  out->status = response.status;
  for (const auto& [name, value] : response.headers) out->set_header(name, value);
  out->set_content(std::move(response.body), response.content_type);
}

constexpr std::string_view kTooLargeText = "The body of a request is limited to 1 MiB.\n";

// What is left of the request is not read: the connection ends after the reply.
void RefuseAndClose(httplib::Response* out, int status, std::string_view text) {
  out->status = status;
  out->set_header("Connection", "close");
  out->set_content_provider("text/plain", [text](size_t, httplib::DataSink& sink) {
    sink.write(text.data(), text.size());
    return false;
  });
}

// Reads what the client sends, keeping no more than the limit. False: `out` holds the refusal.
bool ReadBody(const httplib::ContentReader& read, std::string* body, httplib::Response* out) {
  uint64_t size = 0;
  bool is_whole = read([&](const char* data, size_t length) {
    size += length;
    if (size <= HttpServer::kMaxBodyBytes) body->append(data, length);
    return size <= kMaxDiscardedBytes;
  });
  if (size > HttpServer::kMaxBodyBytes) {
    if (!is_whole) {
      RefuseAndClose(out, 413, kTooLargeText);
    } else {
      out->status = 413;
      out->set_content(std::string(kTooLargeText), "text/plain");
    }
    return false;
  }
  if (!is_whole && out->status == -1) out->status = 400;
  return is_whole;
}

// As it declares itself.
bool HasBody(const httplib::Request& request) {
  std::string length = request.get_header_value("Content-Length");
  return (!length.empty() && length != "0") || request.has_header("Transfer-Encoding");
}

bool MayHaveBody(std::string_view method) {
  return method == "POST" || method == "PUT" || method == "PATCH" || method == "DELETE";
}

// The library's routes are regular expressions of the path, which costs a recursion a character.
// Its router only ever sees this path; ours is the target.
constexpr const char* kOnlyRoute = "/";

void Route(httplib::Server* server, const HttpServer::Handler& handler) {
  auto with_body = [&handler](const httplib::Request& request, httplib::Response& out,
                              const httplib::ContentReader& read) {
    HttpRequest ours = FromLibrary(request);
    if (ReadBody(read, &ours.body, &out)) ToLibrary(handler(ours), &out);
  };
  server->Post(kOnlyRoute, with_body);
  server->Put(kOnlyRoute, with_body);
  server->Patch(kOnlyRoute, with_body);
  server->Delete(kOnlyRoute, with_body);
  server->set_pre_routing_handler(
      [&handler](const httplib::Request& request, httplib::Response& out) {
        using Outcome = httplib::Server::HandlerResponse;
        if (!HasBody(request)) {
          ToLibrary(handler(FromLibrary(request)), &out);
          return Outcome::Handled;
        }
        // The library reads the body of no other method, and takes such forms apart.
        uint64_t length = ParseUint64(request.get_header_value("Content-Length")).value_or(0);
        if (!MayHaveBody(request.method)) {
          RefuseAndClose(&out, 400, "A request of this method has no body.\n");
          return Outcome::Handled;
        }
        if (request.is_multipart_form_data()) {
          RefuseAndClose(&out, 415, "Multipart forms are not understood.\n");
          return Outcome::Handled;
        }
        if (length > kMaxDiscardedBytes) {
          RefuseAndClose(&out, 413, kTooLargeText);
          return Outcome::Handled;
        }
        const_cast<httplib::Request&>(request).path = std::string(kOnlyRoute);  // See kOnlyRoute.
        return Outcome::Unhandled;
      });
}

// The library's connections wait for another request until they have been idle for long enough,
// and it does not tell which they are. No more requests come in through those of our port; replies
// still go out.
void EndRequests(int port) {
  std::error_code error;
  for (std::filesystem::directory_iterator entry("/proc/self/fd", error), end;
       !error && entry != end; entry.increment(error)) {
    int fd = static_cast<int>(ParseInt64(entry->path().filename().string()).value_or(-1));
    sockaddr_storage own = {};
    socklen_t size = sizeof(own);
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&own), &size) != 0) continue;
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(own);  // IPv6 has its port there, too.
    bool is_ours = own.ss_family == AF_INET || own.ss_family == AF_INET6;
    if (is_ours && ntohs(v4.sin_port) == port) ::shutdown(fd, SHUT_RD);
  }
}

}  // namespace

bool HeaderNameLess::operator()(std::string_view left, std::string_view right) const {
  int order = strncasecmp(left.data(), right.data(), std::min(left.size(), right.size()));
  return order != 0 ? order < 0 : left.size() < right.size();
}

std::string_view HttpRequest::Header(std::string_view name) const {
  auto found = headers.lower_bound(name);
  bool is_there = found != headers.end() && !headers.key_comp()(name, found->first);
  return is_there ? std::string_view(found->second) : std::string_view();
}

std::string_view HttpRequest::Path() const {
  return std::string_view(target).substr(0, target.find('?'));
}

std::string_view HttpRequest::Query() const {
  size_t mark = target.find('?');
  return mark == std::string::npos ? std::string_view() : std::string_view(target).substr(mark + 1);
}

HttpServer::HttpServer(Handler handler)
    : handler_(std::move(handler)), server_(std::make_unique<httplib::Server>()) {
  server_->new_task_queue = [] {
    return std::make_unique<httplib::ThreadPool>(kThreads).release();  // The library deletes it.
  };
  // The library's default would let a second server share the port.
  server_->set_socket_options([](int socket) {
    int on = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  });
  server_->set_tcp_nodelay(true);
  server_->set_keep_alive_max_count(kMaxRequestsPerConnection);
  server_->set_keep_alive_timeout(kIdleSeconds);
  server_->set_read_timeout(kIoSeconds);
  server_->set_write_timeout(kIoSeconds);
  server_->set_payload_max_length(kMaxDiscardedBytes);
  Route(server_.get(), handler_);
}

HttpServer::~HttpServer() = default;

std::string HttpServer::Listen(const std::string& address, int port) {
  errno = 0;
  if (port == 0) {
    port_ = server_->bind_to_any_port(address);
  } else {
    port_ = server_->bind_to_port(address, port) ? port : -1;
  }
  if (port_ > 0) return "";
  std::string reason = errno != 0 ? std::strerror(errno) : "no such address";
  return fmt::format("Cannot listen on {}:{}: {}.", address, port, reason);
}

void HttpServer::Run() {
  if (!is_stopped_.load()) server_->listen_after_bind();
  has_returned_.store(true);
}

void HttpServer::Stop() {
  is_stopped_.store(true);
  // Between Run's look at the flag and its loop there is a moment in which the library forgets a
  // stop. A server that was never run has nothing to stop.
  constexpr int kMostTries = 1000;
  for (int i = 0; i < kMostTries && !has_returned_.load() && !server_->is_running(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  server_->stop();
  EndRequests(port_);
}

}  // namespace kiln
