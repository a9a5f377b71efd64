// stall-probe: one serial client that looks for pauses of a server; prints one line of JSON.
//
//   stall-probe PORT [SECONDS]
//
// Sends PING and a GET of one of 4,096 names (so that every shard is met) in turn, one every 200 us
// (twice as many would take a third of its core from the load), until SECONDS are over or a SIGTERM
// comes. Runs with real-time priority where the system allows it, so that the load it shares a core
// with does not count as the server's pause.
#include <signal.h>

#include <algorithm>
#include <cinttypes>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "client_socket.h"
#include "latency_histogram.h"

namespace kiln {
namespace {

constexpr uint64_t kIntervalNs = 200'000;
constexpr size_t kWorst = 5;

volatile sig_atomic_t is_stopped = 0;

struct Stall {
  uint64_t round_trip_ns;
  uint64_t at_ns;  // since the probe's start
};

// The reply to a PING or to a GET of an absent key is one line.
bool RoundTrip(int fd, std::string_view request) {
  if (send(fd, request.data(), request.size(), MSG_NOSIGNAL) != std::ssize(request)) return false;
  char reply[64];
  while (true) {
    ssize_t got = recv(fd, reply, sizeof(reply), 0);
    if (got <= 0) return false;
    if (reply[got - 1] == '\n') return true;
  }
}

void Keep(std::vector<Stall>* worst, Stall stall) {
  worst->push_back(stall);
  std::sort(worst->begin(), worst->end(),
            [](const Stall& a, const Stall& b) { return a.round_trip_ns > b.round_trip_ns; });
  if (worst->size() > kWorst) worst->pop_back();
}

void SleepUntil(uint64_t deadline_ns) {
  timespec deadline = {static_cast<time_t>(deadline_ns / 1'000'000'000),
                       static_cast<long>(deadline_ns % 1'000'000'000)};
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, nullptr);
}

int Probe(int port, double seconds) {
  bool is_realtime = BecomeRealtime();
  int fd = ConnectToPort(port);
  Random random(1);
  LatencyHistogram latencies;
  std::vector<Stall> worst;
  uint64_t start = MonotonicNs();
  uint64_t now = start;
  for (uint64_t i = 0; is_stopped == 0 && now - start < seconds * 1e9; ++i) {
    std::string get = "GET probe:" + std::to_string(random.Below(4096)) + "\r\n";
    uint64_t sent = MonotonicNs();
    if (!RoundTrip(fd, i % 2 == 0 ? "PING\r\n" : get)) return 1;
    now = MonotonicNs();
    latencies.Record(now - sent);
    if (worst.size() < kWorst || now - sent > worst.back().round_trip_ns)
      Keep(&worst, {now - sent, sent - start});
    if (now - sent < kIntervalNs) SleepUntil(sent + kIntervalNs);
  }
  std::printf("{\"count\": %" PRIu64
              ", \"is_realtime\": %s, \"p50_us\": %.1f, \"p99_us\": %.1f, "
              "\"p999_us\": %.1f, \"max_us\": %.1f, \"worst\": [",
              latencies.count(), is_realtime ? "true" : "false", latencies.PercentileUs(0.5),
              latencies.PercentileUs(0.99), latencies.PercentileUs(0.999), latencies.max_us());
  for (size_t i = 0; i < worst.size(); ++i)
    std::printf("%s{\"us\": %.1f, \"at_s\": %.3f}", i == 0 ? "" : ", ",
                worst[i].round_trip_ns / 1e3, worst[i].at_ns / 1e9);
  std::puts("]}");
  return 0;
}

}  // namespace
}  // namespace kiln

int main(int argc, char** argv) {
  int port = argc >= 2 ? std::atoi(argv[1]) : 0;
  if (port <= 0) {
    std::fputs("usage: stall-probe PORT [SECONDS]\n", stderr);
    return 2;
  }
  signal(SIGTERM, [](int) { kiln::is_stopped = 1; });
  return kiln::Probe(port, argc > 2 ? std::atof(argv[2]) : 1e9);
}
