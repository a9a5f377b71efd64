// trace-client: replays a cache's day against a memcached server; prints one line of JSON.
//
//   trace-client --port P --requests R [--keys K] [--first-key F] [--alpha A] [--value-bytes B]
//                [--scan-percent S] [--ttl-percent T --ttl-s X] [--rate N] [--connections C]
//                [--pipeline D] [--measure-from M] [--count-held 1]
//
// Each request is a get of a key drawn by Zipf's law (rank r with weight r^-A), or, S percent of
// them, of a key that nobody has asked for and nobody will again. What is missed is set before the
// connection's next batch. The same arguments make the same requests in the same order. Hits and
// misses count from request M on. T percent of the keys are stored for X seconds. One thread;
// connections take turns, each with a batch of D gets. At the end it can ask for each of the K keys
// once, to count how many are held.
#include <array>
#include <cinttypes>
#include <cmath>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "client_socket.h"

namespace kiln {
namespace {

struct Options {
  double port = 0, requests = 0, keys = 1'000'000, first_key = 0, alpha = 0.9, value_bytes = 100;
  double scan_percent = 0, ttl_percent = 0, ttl_s = 0, rate = 0, connections = 4, pipeline = 32;
  double measure_from = 0, count_held = 0;
};

class ZipfRanks {
 public:
  ZipfRanks(size_t ranks, double alpha) : sums_(ranks) {
    double sum = 0;
    for (size_t i = 0; i < ranks; ++i) sums_[i] = sum += std::pow(i + 1, -alpha);
    for (double& share : sums_) share /= sum;
  }
  size_t Draw(Random& random) const {
    double wanted = (random.Next() >> 11) * 0x1p-53;
    return std::min<size_t>(std::lower_bound(sums_.begin(), sums_.end(), wanted) - sums_.begin(),
                            sums_.size() - 1);
  }

 private:
  std::vector<double> sums_;
};

struct Asked {
  uint64_t key;
  bool is_scan;
  bool is_measured;
};

struct Connection {
  int fd = -1;
  std::string unsent;
  std::vector<Asked> asked;
  std::string input;
  size_t read = 0;  // of input
};

struct Counts {
  uint64_t gets = 0;
  uint64_t misses = 0;
};

class TraceClient {
 public:
  explicit TraceClient(const Options& options)
      : options_(options),
        ranks_(static_cast<size_t>(options.keys), options.alpha),
        value_(static_cast<size_t>(options.value_bytes), 'v'),
        next_scan_(static_cast<uint64_t>(options.first_key + options.keys)) {
    for (int i = 0; i < options.connections; ++i) {
      connections_.push_back({});
      connections_.back().fd = ConnectToPort(static_cast<int>(options.port));
    }
  }

  // False when a connection broke or the server answered with an error.
  bool Run() {
    uint64_t start_ns = MonotonicNs();
    while (asked_ < options_.requests) {
      for (Connection& connection : connections_) Ask(connection);
      for (Connection& connection : connections_) {
        for (const Asked& asked : connection.asked) {
          if (!TakeReply(connection, asked)) return false;
        }
        connection.asked.clear();
      }
      Pace(start_ns);
    }
    for (Connection& connection : connections_) {  // what was missed last
      connection.unsent += "mn\r\n";
      if (!Flush(connection) || !ReadLine(connection)) return false;
    }
    seconds_ = (MonotonicNs() - start_ns) / 1e9;
    return options_.count_held == 0 || CountHeld();
  }

  void Print() const {
    std::printf("{\"gets\": %" PRIu64 ", \"misses\": %" PRIu64 ", \"scan_gets\": %" PRIu64
                ", \"scan_misses\": %" PRIu64 ", \"seconds\": %.3f, \"held\": %" PRIu64 "}\n",
                popular_.gets, popular_.misses, scanned_.gets, scanned_.misses, seconds_, held_);
  }

 private:
  bool CountHeld() {
    Connection& connection = connections_[0];
    auto first = static_cast<uint64_t>(options_.first_key);
    auto end = static_cast<uint64_t>(options_.first_key + options_.keys);
    for (uint64_t key = first; key < end;) {
      uint64_t asked = 0;
      for (; asked < 64 && key < end; ++asked) connection.unsent += "get " + NameOf(key++) + "\r\n";
      if (!Flush(connection)) return false;
      for (; asked > 0; --asked) {
        bool is_hit = false;
        if (!ReadAnswer(connection, &is_hit)) return false;
        held_ += is_hit;
      }
    }
    return true;
  }

  void Ask(Connection& connection) {
    for (int i = 0; i < options_.pipeline && asked_ < options_.requests; ++i, ++asked_) {
      Asked asked;
      asked.is_measured = asked_ >= options_.measure_from;
      asked.is_scan = random_.Below(100) < options_.scan_percent;
      asked.key = asked.is_scan ? next_scan_++
                                : static_cast<uint64_t>(options_.first_key) + ranks_.Draw(random_);
      connection.unsent += "get " + NameOf(asked.key) + "\r\n";
      connection.asked.push_back(asked);
    }
    (void)Flush(connection);
  }

  static std::string NameOf(uint64_t key) {
    char name[32];
    return {name, static_cast<size_t>(std::snprintf(name, sizeof(name), "key:%012" PRIu64, key))};
  }

  bool TakeReply(Connection& connection, const Asked& asked) {
    bool is_hit = false;
    if (!ReadAnswer(connection, &is_hit)) return false;
    Counts& counts = asked.is_scan ? scanned_ : popular_;
    counts.gets += asked.is_measured;
    counts.misses += asked.is_measured && !is_hit;
    if (is_hit) return true;
    bool has_ttl = asked.key * 2654435761u % 100 < options_.ttl_percent;
    connection.unsent += "set " + NameOf(asked.key) + " 0 " +
                         std::to_string(has_ttl ? static_cast<int>(options_.ttl_s) : 0) + " " +
                         std::to_string(value_.size()) + " noreply\r\n" + value_ + "\r\n";
    return true;
  }

  bool ReadAnswer(Connection& connection, bool* is_hit) {
    if (!ReadLine(connection)) return false;
    *is_hit = line_.starts_with("VALUE ");
    if (*is_hit) {
      size_t bytes = std::strtoull(line_.substr(line_.rfind(' ')).c_str(), nullptr, 10) + 2;
      if (!Skip(connection, bytes) || !ReadLine(connection)) return false;
    }
    return line_ == "END" || Fail(line_);
  }

  bool Flush(Connection& connection) {
    std::string_view rest = connection.unsent;
    while (!rest.empty()) {
      ssize_t sent = send(connection.fd, rest.data(), rest.size(), MSG_NOSIGNAL);
      if (sent <= 0) return Fail("send failed");
      rest.remove_prefix(static_cast<size_t>(sent));
    }
    connection.unsent.clear();
    return true;
  }

  bool Fill(Connection& connection) {
    if (connection.read > 0) connection.input.erase(0, connection.read);
    connection.read = 0;
    size_t before = connection.input.size();
    connection.input.resize(before + 65536);
    ssize_t got = recv(connection.fd, connection.input.data() + before, 65536, 0);
    connection.input.resize(before + static_cast<size_t>(std::max<ssize_t>(got, 0)));
    return got > 0 || Fail("the connection ended");
  }

  bool ReadLine(Connection& connection) {
    size_t end;
    while ((end = connection.input.find("\r\n", connection.read)) == std::string::npos) {
      if (!Fill(connection)) return false;
    }
    line_.assign(connection.input, connection.read, end - connection.read);
    connection.read = end + 2;
    return true;
  }

  bool Skip(Connection& connection, size_t bytes) {
    while (connection.input.size() - connection.read < bytes) {
      if (!Fill(connection)) return false;
    }
    connection.read += bytes;
    return true;
  }

  void Pace(uint64_t start_ns) const {
    if (options_.rate == 0) return;
    uint64_t due_ns = start_ns + static_cast<uint64_t>(asked_ / options_.rate * 1e9);
    uint64_t now_ns = MonotonicNs();
    if (now_ns < due_ns) usleep(static_cast<useconds_t>((due_ns - now_ns) / 1000));
  }

  static bool Fail(std::string_view text) {
    std::fprintf(stderr, "%.*s\n", static_cast<int>(text.size()), text.data());
    return false;
  }

  Options options_;
  ZipfRanks ranks_;
  std::string value_;
  uint64_t next_scan_;
  std::vector<Connection> connections_;
  Random random_{20260101};
  uint64_t asked_ = 0;
  std::string line_;
  Counts popular_, scanned_;
  double seconds_ = 0;
  uint64_t held_ = 0;
};

bool ReadOptions(int argc, char** argv, Options* options) {
  const std::map<std::string_view, double*> numbers = {{"--port", &options->port},
                                                       {"--requests", &options->requests},
                                                       {"--keys", &options->keys},
                                                       {"--first-key", &options->first_key},
                                                       {"--alpha", &options->alpha},
                                                       {"--value-bytes", &options->value_bytes},
                                                       {"--scan-percent", &options->scan_percent},
                                                       {"--ttl-percent", &options->ttl_percent},
                                                       {"--ttl-s", &options->ttl_s},
                                                       {"--rate", &options->rate},
                                                       {"--connections", &options->connections},
                                                       {"--pipeline", &options->pipeline},
                                                       {"--measure-from", &options->measure_from},
                                                       {"--count-held", &options->count_held}};
  for (int i = 1; i + 1 < argc; i += 2) {
    auto found = numbers.find(argv[i]);
    if (found == numbers.end()) return false;
    *found->second = std::strtod(argv[i + 1], nullptr);
  }
  return argc % 2 == 1 && options->port > 0 && options->requests > 0;
}

}  // namespace
}  // namespace kiln

int main(int argc, char** argv) {
  kiln::Options options;
  if (!kiln::ReadOptions(argc, argv, &options)) {
    std::fprintf(stderr, "usage: see the first lines of bench/trace_client.cc\n");
    return 2;
  }
  kiln::TraceClient client(options);
  if (!client.Run()) return 1;
  client.Print();
  return 0;
}
