// Collects the statistics of all nodes, again and again, and keeps the last two of each.
//
// One thread asks one node after the other, spread over the interval, so that many nodes cost
// nothing at once. Where nodes and statistics come from is given: this layer knows no agent.
// Any thread may call anything.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "control/metrics/node_metrics.h"

namespace kiln {

struct NodeIdentity {
  std::string key;  // For asking.
  std::string cluster_id;
  std::string node_id;
  std::string engine;

  bool operator==(const NodeIdentity&) const = default;
};

struct NodeSamples {
  NodeIdentity node;
  bool is_up = false;  // It answered last time.
  // Of the last times that it answered.
  std::optional<NodeSample> previous;
  std::optional<NodeSample> latest;
};

// What the collector keeps. Thread safety: none.
class SampleBook {
 public:
  // Forgets nodes that are not among these. New ones are not up.
  void SetNodes(const std::vector<NodeIdentity>& nodes);
  // Nullopt when it did not answer. A node that is not in the book stays out of it.
  void Add(const std::string& key, int64_t now_ms, std::optional<NodeStatistics> statistics);
  std::vector<NodeSamples> All() const;  // By key.

 private:
  std::map<std::string, NodeSamples> nodes_;
};

class Collector {
 public:
  struct Source {
    std::function<std::vector<NodeIdentity>()> nodes;
    // May block for a second.
    std::function<std::optional<NodeStatistics>(const std::string& key)> statistics;
  };

  Collector(Source source, int64_t interval_ms = 5000);
  ~Collector();  // Waits for the node that is being asked.
  Collector(const Collector&) = delete;
  Collector& operator=(const Collector&) = delete;

  std::vector<NodeSamples> Samples() const;

 private:
  void Run();
  // False when the collector is to end.
  bool WaitUntil(int64_t time_ms);

  const Source source_;
  const int64_t interval_ms_;

  mutable std::mutex mutex_;
  std::condition_variable ending_;
  SampleBook book_;         // Under mutex_.
  bool is_ending_ = false;  // Under mutex_.

  std::thread thread_;
};

}  // namespace kiln
