#include "control/metrics/collector.h"

#include <chrono>
#include <utility>

#include "base/time.h"

namespace kiln {
namespace {

int64_t MonotonicMs() {
  return static_cast<int64_t>(MonotonicUs() / 1000);
}

}  // namespace

void SampleBook::SetNodes(const std::vector<NodeIdentity>& nodes) {
  std::map<std::string, NodeSamples> kept;
  for (const NodeIdentity& node : nodes) {
    NodeSamples& samples = kept[node.key];
    auto known = nodes_.find(node.key);
    if (known != nodes_.end() && known->second.node == node) samples = std::move(known->second);
    samples.node = node;
  }
  nodes_ = std::move(kept);
}

void SampleBook::Add(const std::string& key, int64_t now_ms,
                     std::optional<NodeStatistics> statistics) {
  auto found = nodes_.find(key);
  if (found == nodes_.end()) return;
  NodeSamples& samples = found->second;
  samples.is_up = statistics.has_value();
  if (!statistics) return;
  samples.previous = std::move(samples.latest);
  samples.latest = NodeSample{now_ms, std::move(*statistics)};
}

std::vector<NodeSamples> SampleBook::All() const {
  std::vector<NodeSamples> all;
  all.reserve(nodes_.size());
  for (const auto& [key, samples] : nodes_) all.push_back(samples);
  return all;
}

Collector::Collector(Source source, int64_t interval_ms)
    : source_(std::move(source)), interval_ms_(interval_ms), thread_([this] { Run(); }) {}

Collector::~Collector() {
  {
    std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  ending_.notify_all();
  thread_.join();
}

std::vector<NodeSamples> Collector::Samples() const {
  std::lock_guard lock(mutex_);
  return book_.All();
}

bool Collector::WaitUntil(int64_t time_ms) {
  std::unique_lock lock(mutex_);
  auto wait = std::chrono::milliseconds(time_ms - MonotonicMs());
  return !ending_.wait_for(lock, wait, [this] { return is_ending_; });
}

void Collector::Run() {
  for (int64_t round_ms = MonotonicMs();; round_ms = MonotonicMs()) {
    std::vector<NodeIdentity> nodes = source_.nodes();
    {
      std::lock_guard lock(mutex_);
      book_.SetNodes(nodes);
    }
    auto count = static_cast<int64_t>(nodes.size());
    for (int64_t i = 0; i < count; ++i) {
      if (!WaitUntil(round_ms + interval_ms_ * i / count)) return;
      const std::string& key = nodes[static_cast<size_t>(i)].key;
      std::optional<NodeStatistics> statistics = source_.statistics(key);
      std::lock_guard lock(mutex_);
      book_.Add(key, MonotonicMs(), std::move(statistics));
    }
    if (!WaitUntil(round_ms + interval_ms_)) return;
  }
}

}  // namespace kiln
