// load-generator: closed-loop clients of one server; prints one line of JSON.
//
//   load-generator --port P [--protocol resp|memcache|binary] [--connections C] [--pipeline N]
//                  (--requests R | --seconds S) [--keys K] [--value-bytes B]
//                  [--due-ms T --due-window-ms W] [--realtime 1] PATTERN...
//
// Each connection sends N requests at once and waits for their N replies before it sends again.
// Patterns are explained in request_template.h; several take turns at random. A request's latency
// ends when its batch's last reply has come: with N = 1 it is the round trip. One thread, epoll.
#include <fcntl.h>
#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <cinttypes>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client_socket.h"
#include "latency_histogram.h"
#include "reply_counter.h"
#include "request_template.h"

namespace kiln {
namespace {

struct Options {
  int port = 0;
  size_t connections = 50;
  uint64_t pipeline = 1;
  uint64_t requests = 0;  // 0: until `seconds` are over
  double seconds = 0;
  bool is_realtime = false;
  RequestOptions request;
  std::vector<std::string> patterns;
};

struct Connection {
  explicit Connection(Protocol protocol) : counter(protocol) {}

  int fd = -1;
  std::string unsent;
  uint64_t sent_at_ns = 0;
  uint64_t batch = 0;      // requests of the batch under way
  int64_t unanswered = 0;  // of them; below 0 where a server answers one request twice
  ReplyCounts counts;
  ReplyCounter counter;
  bool waits_to_write = false;
};

class LoadGenerator {
 public:
  explicit LoadGenerator(const Options& options)
      : options_(options), source_(options.patterns, options.request), epoll_(epoll_create1(0)) {
    for (size_t i = 0; i < options.connections; ++i) {
      auto connection = std::make_unique<Connection>(options.request.protocol);
      connection->fd = ConnectToPort(options.port);
      fcntl(connection->fd, F_SETFL, O_NONBLOCK);
      Watch(EPOLL_CTL_ADD, EPOLLIN, connection.get());
      connections_.push_back(std::move(connection));
    }
  }

  // False when a connection broke.
  bool Run() {
    start_ns_ = MonotonicNs();
    for (auto& connection : connections_) SendBatch(connection.get());
    std::array<epoll_event, 256> events;
    while (busy_connections_ > 0) {
      int ready = epoll_wait(epoll_, events.data(), events.size(), -1);
      for (const epoll_event& event : std::span(events).first(std::max(ready, 0))) {
        auto* connection = static_cast<Connection*>(event.data.ptr);
        if (connection->waits_to_write) Flush(connection);
        if ((event.events & EPOLLIN) != 0 && !Receive(connection)) return false;
        if ((event.events & (EPOLLERR | EPOLLHUP)) != 0) return false;
      }
    }
    end_ns_ = MonotonicNs();
    return true;
  }

  void Print() const {
    ReplyCounts all;
    for (auto& connection : connections_) {
      all.replies += connection->counts.replies;
      all.errors += connection->counts.errors;
      all.misses += connection->counts.misses;
      if (all.first_error.empty()) all.first_error = connection->counts.first_error;
    }
    for (char& c : all.first_error) c = c == '"' || c == '\\' ? '\'' : c;
    std::printf("{\"requests\": %" PRIu64 ", \"seconds\": %.6f, \"errors\": %" PRIu64
                ", \"misses\": %" PRIu64
                ", \"first_error\": \"%s\", \"p50_us\": %.1f, "
                "\"p99_us\": %.1f, \"p999_us\": %.1f, \"max_us\": %.1f}\n",
                all.replies, (end_ns_ - start_ns_) / 1e9, all.errors, all.misses,
                all.first_error.c_str(), latencies_.PercentileUs(0.5),
                latencies_.PercentileUs(0.99), latencies_.PercentileUs(0.999), latencies_.max_us());
  }

 private:
  void Watch(int operation, uint32_t events, Connection* connection) {
    epoll_event event = {};
    event.events = events;
    event.data.ptr = connection;
    epoll_ctl(epoll_, operation, connection->fd, &event);
  }

  uint64_t NextBatch(uint64_t now_ns) const {
    if (options_.requests > 0) return std::min(options_.pipeline, options_.requests - sent_);
    return now_ns - start_ns_ < options_.seconds * 1e9 ? options_.pipeline : 0;
  }

  void SendBatch(Connection* connection) {
    connection->sent_at_ns = MonotonicNs();
    connection->batch = NextBatch(connection->sent_at_ns);
    connection->unanswered = static_cast<int64_t>(connection->batch);
    if (connection->batch == 0) return;
    for (uint64_t i = 0; i < connection->batch; ++i) source_.AppendNext(&connection->unsent);
    sent_ += connection->batch;
    ++busy_connections_;
    Flush(connection);
  }

  void Flush(Connection* connection) {
    ssize_t sent =
        send(connection->fd, connection->unsent.data(), connection->unsent.size(), MSG_NOSIGNAL);
    connection->unsent.erase(0, std::max<ssize_t>(sent, 0));
    bool must_wait = !connection->unsent.empty();
    if (must_wait == connection->waits_to_write) return;
    connection->waits_to_write = must_wait;
    Watch(EPOLL_CTL_MOD, must_wait ? EPOLLIN | EPOLLOUT : EPOLLIN, connection);
  }

  bool Receive(Connection* connection) {
    ssize_t got = recv(connection->fd, input_.data(), input_.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return true;
    if (got <= 0) return false;
    uint64_t before = connection->counts.replies;
    connection->counter.Consume(std::string_view(input_.data(), got), &connection->counts);
    connection->unanswered -= static_cast<int64_t>(connection->counts.replies - before);
    if (connection->unanswered > 0 || connection->batch == 0) return true;
    latencies_.Record(MonotonicNs() - connection->sent_at_ns, connection->batch);
    --busy_connections_;
    SendBatch(connection);
    return true;
  }

  Options options_;
  RequestSource source_;
  int epoll_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::array<char, 256 << 10> input_;
  LatencyHistogram latencies_;
  size_t busy_connections_ = 0;
  uint64_t sent_ = 0;
  uint64_t start_ns_ = 0;
  uint64_t end_ns_ = 0;
};

bool Apply(std::string_view name, const char* value, Options* options) {
  const std::map<std::string_view, uint64_t*> numbers = {
      {"--pipeline", &options->pipeline},
      {"--requests", &options->requests},
      {"--keys", &options->request.keys},
      {"--due-ms", &options->request.due_ms},
      {"--due-window-ms", &options->request.due_window_ms}};
  if (auto found = numbers.find(name); found != numbers.end()) {
    *found->second = std::strtoull(value, nullptr, 10);
  } else if (name == "--port") {
    options->port = std::atoi(value);
  } else if (name == "--connections") {
    options->connections = std::strtoull(value, nullptr, 10);
  } else if (name == "--value-bytes") {
    options->request.value_bytes = std::strtoull(value, nullptr, 10);
  } else if (name == "--seconds") {
    options->seconds = std::atof(value);
  } else if (name == "--realtime") {
    options->is_realtime = value[0] == '1';
  } else if (name == "--protocol") {
    std::string_view word = value;
    options->request.protocol = word == "memcache" ? Protocol::kMemcache
                                : word == "binary" ? Protocol::kMemcacheBinary
                                                   : Protocol::kResp;
  } else {
    return false;
  }
  return true;
}

bool ReadOptions(int argc, char** argv, Options* options) {
  for (int i = 1; i < argc; ++i) {
    std::string_view word = argv[i];
    if (!word.starts_with("--")) {
      options->patterns.emplace_back(word);
    } else if (++i == argc || !Apply(word, argv[i], options)) {
      return false;
    }
  }
  const RequestOptions& request = options->request;
  bool has_end = options->requests > 0 || options->seconds > 0;
  return options->port > 0 && has_end && !options->patterns.empty() && options->connections > 0 &&
         options->pipeline > 0 && request.keys > 0 && request.due_window_ms > 0;
}

}  // namespace
}  // namespace kiln

int main(int argc, char** argv) {
  kiln::Options options;
  if (!kiln::ReadOptions(argc, argv, &options)) {
    std::fputs("usage: load-generator --port P --requests R PATTERN... (see the source)\n", stderr);
    return 2;
  }
  if (options.is_realtime) kiln::BecomeRealtime();
  auto generator = std::make_unique<kiln::LoadGenerator>(options);
  if (!generator->Run()) {
    std::fputs("load-generator: the server closed a connection\n", stderr);
    return 1;
  }
  generator->Print();
  return 0;
}
