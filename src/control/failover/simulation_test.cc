// A shard in a world that exists in memory alone: nodes, their replication, the agent's questions
// and orders, and whoever decides, on a clock of its own.
//
// Everything that is by chance comes from one seed: nodes are killed and stopped, messages take
// their time, links between nodes and to the agent break, and whoever decides dies and comes back
// knowing only what was written down. The world itself watches what must stay true (decision.h) and
// notes what was broken.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/number.h"
#include "control/failover/decision.h"

namespace kiln {
namespace {

constexpr int64_t kTickMs = 5;
constexpr int64_t kAskEveryMs = 100;
constexpr int64_t kLeaseMs = 1000;
constexpr int64_t kLeaseMarginMs = 100;
constexpr int64_t kSilentMs = 500;
constexpr int64_t kWordMs = 200;   // Who has not answered for so long is granted no lease.
constexpr int64_t kHoldMs = 2000;  // A replica that was asked to holds still for so long.
constexpr int64_t kRestartMs = 200;
constexpr int64_t kCopyMs = 100;  // A whole snapshot takes so long.
constexpr size_t kMaxBroken = 3;

struct SimulationOptions {
  uint32_t seed = 1;
  int nodes = 3;
  // Processes can be ended by whoever decides. Otherwise leases are in force, and the agents may be
  // cut off, too.
  bool can_end = true;
};

class Simulation {
 public:
  explicit Simulation(const SimulationOptions& options);

  // Things go wrong for so long, then nothing does for long enough to recover.
  void Run(int64_t faulty_ms, int64_t quiet_ms);

  // What was broken, a sentence each.
  const std::vector<std::string>& broken() const { return broken_; }
  int promotions() const { return promotions_; }
  size_t writes() const { return next_write_ - 1; }

 private:
  struct Node {
    bool is_alive = false;
    bool is_stopped = false;  // As by SIGSTOP.
    bool is_cut_off = false;  // From the agent.
    int64_t incarnation = 0;
    int follows = -1;  // -1: it is a primary.
    std::vector<int64_t> log;
    std::string history, previous_history;
    size_t previous_end = 0;
    bool is_link_up = false, is_syncing = false, has_synced = false;
    int64_t synced_at_ms = 0;
    int64_t lease_end_ms = 0;
    int64_t held_until_ms = 0;
    int64_t start_at_ms = 0;  // Dead: not before.

    bool Runs() const { return is_alive && !is_stopped; }
  };
  // What is known of a node by whoever decides.
  struct Known {
    bool is_heard = false;
    MemberObservation said;
    int64_t incarnation = 0;
    int64_t heard_ms = 0;
    int64_t ended_ms = -1;  // -1: it runs, as far as is known.
    int64_t lease_end_ms = 0;
    int64_t hold_asked_ms = 0;
  };
  struct Message {
    int64_t due_ms;
    int node;
    int64_t incarnation;
    enum class Kind { kAnswer, kBecomePrimary, kFollow, kHold, kLease } kind;
    Known answer = {};
    int follow = -1;
    int64_t lease_end_ms = 0;
  };

  std::string IdOf(int node) const { return std::string(1, static_cast<char>('a' + node)); }
  int Chance(int below) { return static_cast<int>(random_() % static_cast<uint32_t>(below)); }
  int64_t Delay() { return 1 + Chance(40); }
  void Break(const std::string& what);

  void Tick();
  void Fault();
  void Heal();
  void Write();
  void Replicate(int node);
  void Sync(Node& own, const Node& primary);
  void Ask(int node);
  void Answer(int node);
  void Forget(int node, int64_t ended_ms);
  void Deliver();
  void Take(const Message& message);
  void Obey(const Message& message);
  void DecideAndAct();
  void Appoint(int node);
  void Hold(int node);
  void GiveWord(bool is_appointed_now);
  ShardObservation See() const;
  void Order(int node);
  void Start(int node, int follows);
  void Kill(int node);
  void CheckAppointed(int node);
  void CheckColdStart();
  void CheckRecovered();

  SimulationOptions options_;
  std::mt19937 random_;
  FailoverLimits limits_;
  int64_t now_ms_ = 0;
  std::vector<Node> nodes_;
  std::set<std::pair<int, int>> cut_links_;  // The lower number first.
  std::deque<Message> messages_;
  int64_t next_write_ = 1;
  int64_t next_history_ = 1;
  // Written down.
  int primary_ = 0;
  std::vector<std::string> histories_;
  // Of whoever decides; gone when it dies.
  std::vector<Known> known_;
  int64_t decides_from_ms_ = 0;

  int promotions_ = 0;
  std::vector<std::string> broken_;
};

Simulation::Simulation(const SimulationOptions& options)
    : options_(options),
      random_(options.seed),
      limits_{.silent_ms = kSilentMs, .can_end = options.can_end},
      nodes_(static_cast<size_t>(options.nodes)),
      known_(static_cast<size_t>(options.nodes)) {
  for (int i = 0; i < options.nodes; ++i) Start(i, i == primary_ ? -1 : primary_);
}

void Simulation::Run(int64_t faulty_ms, int64_t quiet_ms) {
  // Nobody fails before all have come up.
  while (now_ms_ < 2000) Tick();
  for (int64_t end = now_ms_ + faulty_ms; now_ms_ < end;) {
    if (Chance(60) == 0) Fault();
    Tick();
  }
  Heal();
  for (int64_t end = now_ms_ + quiet_ms; now_ms_ < end;) Tick();
  CheckRecovered();
}

void Simulation::Break(const std::string& what) {
  if (broken_.size() < kMaxBroken) broken_.push_back(std::to_string(now_ms_) + " ms: " + what);
}

void Simulation::Tick() {
  now_ms_ += kTickMs;
  Deliver();
  Write();
  for (int i = 0; i < options_.nodes; ++i) {
    Replicate(i);
    if (now_ms_ % kAskEveryMs == 0) Ask(i);
  }
  DecideAndAct();
}

// ---- What goes wrong ----

void Simulation::Fault() {
  int node = Chance(options_.nodes);
  Node& one = nodes_[static_cast<size_t>(node)];
  int other = Chance(options_.nodes);
  std::pair<int, int> link{std::min(node, other), std::max(node, other)};
  switch (Chance(options_.can_end ? 5 : 7)) {
    case 0:
      return Kill(node);
    case 1:
      one.is_stopped = one.is_alive;
      return;
    case 2:
      one.is_stopped = false;
      return;
    case 3:
      if (cut_links_.erase(link) == 0) cut_links_.insert(link);
      return;
    case 4:  // Whoever decides dies; the next one knows nothing.
      known_.assign(nodes_.size(), Known{});
      // Orders may lie in sockets, and are read from there.
      std::erase_if(messages_, [](const Message& m) { return m.kind == Message::Kind::kAnswer; });
      decides_from_ms_ = now_ms_ + Chance(500);
      for (Known& known : known_) known.lease_end_ms = decides_from_ms_ + kLeaseMs + kLeaseMarginMs;
      return;
    case 5:
      one.is_cut_off = true;
      return;
    default:
      one.is_cut_off = false;
  }
}

void Simulation::Heal() {
  cut_links_.clear();
  for (Node& node : nodes_) node.is_stopped = node.is_cut_off = false;
}

void Simulation::Kill(int node) {
  Node& one = nodes_[static_cast<size_t>(node)];
  if (!one.is_alive) return;
  int64_t incarnation = one.incarnation;
  bool is_cut_off = one.is_cut_off;
  one = {};
  one.incarnation = incarnation;
  one.is_cut_off = is_cut_off;
  one.start_at_ms = now_ms_ + kRestartMs;
}

void Simulation::Start(int node, int follows) {
  Node& one = nodes_[static_cast<size_t>(node)];
  ++one.incarnation;
  one.is_alive = true;
  one.follows = follows;
  one.history = "history-" + std::to_string(next_history_++);
}

// ---- The nodes ----

// Clients write to whoever takes it.
void Simulation::Write() {
  int takers = 0;
  for (Node& node : nodes_) {
    bool has_right = options_.can_end || now_ms_ < node.lease_end_ms;
    if (!node.Runs() || node.follows >= 0 || !has_right) continue;
    node.log.push_back(next_write_++);
    ++takers;
  }
  if (takers > 1) Break("two primaries acknowledge");
}

void Simulation::Replicate(int node) {
  Node& own = nodes_[static_cast<size_t>(node)];
  if (own.follows < 0 || !own.Runs()) return;
  if (now_ms_ < own.held_until_ms) return;
  const Node& primary = nodes_[static_cast<size_t>(own.follows)];
  std::pair<int, int> link{std::min(node, own.follows), std::max(node, own.follows)};
  if (!primary.Runs() || primary.follows >= 0 || cut_links_.contains(link)) {
    own.is_link_up = own.is_syncing = false;
    return;
  }
  if (!own.is_link_up) return Sync(own, primary);
  size_t lag = static_cast<size_t>(Chance(3));
  size_t end = primary.log.size() > lag ? primary.log.size() - lag : 0;
  for (size_t at = own.log.size(); at < end; ++at) own.log.push_back(primary.log[at]);
}

// It goes on where it was, or gets everything, and loses what it had when that begins.
void Simulation::Sync(Node& own, const Node& primary) {
  bool goes_on = own.history == primary.history && own.log.size() <= primary.log.size();
  goes_on |= own.history == primary.previous_history && own.log.size() <= primary.previous_end;
  if (!goes_on && !own.is_syncing) {
    own.is_syncing = true;
    own.has_synced = false;
    own.log.clear();
    own.history = "history-" + std::to_string(next_history_++);
    own.synced_at_ms = now_ms_ + kCopyMs;
  }
  if (!goes_on && now_ms_ < own.synced_at_ms) return;
  if (!goes_on) own.log = primary.log;
  own.history = primary.history;
  own.previous_history = primary.previous_history;
  own.previous_end = primary.previous_end;
  own.is_syncing = false;
  own.is_link_up = own.has_synced = true;
}

// ---- The agent ----

// What its process said is of no use any more.
void Simulation::Forget(int node, int64_t ended_ms) {
  Known next;
  next.ended_ms = ended_ms;
  next.incarnation = known_[static_cast<size_t>(node)].incarnation;
  next.lease_end_ms = known_[static_cast<size_t>(node)].lease_end_ms;
  known_[static_cast<size_t>(node)] = next;
}

void Simulation::Ask(int node) {
  Node& one = nodes_[static_cast<size_t>(node)];
  Known& known = known_[static_cast<size_t>(node)];
  if (now_ms_ < decides_from_ms_ || one.is_cut_off) return;
  if (!one.is_alive) {
    if (known.ended_ms < 0) Forget(node, now_ms_);
    return;
  }
  if (!one.is_stopped) Answer(node);
}

void Simulation::Answer(int node) {
  const Node& one = nodes_[static_cast<size_t>(node)];
  Message answer{now_ms_ + Delay(), node, one.incarnation, Message::Kind::kAnswer};
  MemberObservation& said = answer.answer.said;
  said.is_primary = one.follows < 0;
  said.follows = one.follows < 0 ? "" : IdOf(one.follows);
  said.is_link_up = one.is_link_up;
  said.is_syncing = one.is_syncing;
  said.is_held = now_ms_ < one.held_until_ms;
  said.has_synced = one.has_synced;
  said.history = one.history;
  said.offset = static_cast<int64_t>(one.log.size());
  answer.answer.heard_ms = now_ms_;
  messages_.push_back(answer);
}

void Simulation::Deliver() {
  for (size_t i = 0; i < messages_.size();) {
    if (messages_[i].due_ms > now_ms_) {
      ++i;
      continue;
    }
    Message message = messages_[i];
    messages_.erase(messages_.begin() + static_cast<std::ptrdiff_t>(i));
    Take(message);
  }
}

void Simulation::Take(const Message& message) {
  Node& node = nodes_[static_cast<size_t>(message.node)];
  Known& known = known_[static_cast<size_t>(message.node)];
  if (message.kind == Message::Kind::kAnswer) {
    bool is_old = known.is_heard && known.heard_ms > message.answer.heard_ms;
    if (is_old || (known.ended_ms >= 0 && known.incarnation == message.incarnation)) return;
    int64_t lease_end_ms = known.lease_end_ms;
    int64_t hold_asked_ms = known.hold_asked_ms;
    known = message.answer;
    known.is_heard = true;
    known.incarnation = message.incarnation;
    known.lease_end_ms = lease_end_ms;
    known.hold_asked_ms = hold_asked_ms;
    return;
  }
  // An order comes on the connection of a process, and does not outlive it. While the process
  // stands still, or nothing gets through, it lies there.
  if (!node.is_alive || node.incarnation != message.incarnation) return;
  if (node.Runs() && !node.is_cut_off) return Obey(message);
  messages_.push_back(message);
  messages_.back().due_ms = now_ms_ + kTickMs;
}

void Simulation::Obey(const Message& message) {
  Node& node = nodes_[static_cast<size_t>(message.node)];
  switch (message.kind) {
    case Message::Kind::kAnswer:
      return;
    case Message::Kind::kBecomePrimary:
      if (node.follows < 0 || node.is_syncing) return;
      node.previous_history = node.history;
      node.previous_end = node.log.size();
      node.history = "history-" + std::to_string(next_history_++);
      node.follows = -1;
      break;
    case Message::Kind::kFollow:
      if (node.follows == message.follow && now_ms_ >= node.held_until_ms) return;
      node.follows = message.follow;
      node.lease_end_ms = 0;
      break;
    case Message::Kind::kHold:
      if (node.follows < 0 || node.is_syncing) return;
      node.held_until_ms = now_ms_ + kHoldMs;
      node.is_link_up = false;
      return Answer(message.node);
    case Message::Kind::kLease:
      node.lease_end_ms = message.lease_end_ms;
      return;
  }
  node.is_link_up = node.is_syncing = false;
  node.held_until_ms = 0;
}

// ---- Whoever decides ----

ShardObservation Simulation::See() const {
  ShardObservation shard;
  shard.primary = IdOf(primary_);
  shard.histories = histories_;
  shard.is_automatic = true;
  for (int i = 0; i < options_.nodes; ++i) {
    const Known& known = known_[static_cast<size_t>(i)];
    MemberObservation member = known.said;
    member.id = IdOf(i);
    member.life = known.is_heard ? MemberLife::kRunning : MemberLife::kStarting;
    if (known.ended_ms >= 0) member.life = MemberLife::kEnded;
    member.silent_ms = known.is_heard ? now_ms_ - known.heard_ms : 0;
    member.ended_ms = known.ended_ms >= 0 ? now_ms_ - known.ended_ms : 0;
    member.lease_left_ms = known.lease_end_ms - now_ms_;
    shard.members.push_back(member);
  }
  return shard;
}

void Simulation::DecideAndAct() {
  if (now_ms_ < decides_from_ms_) return;
  ShardObservation shard = See();
  const MemberObservation& primary = shard.members[static_cast<size_t>(primary_)];
  if (primary.life == MemberLife::kRunning && primary.is_primary && !primary.history.empty() &&
      (histories_.empty() || histories_.front() != primary.history)) {
    histories_.insert(histories_.begin(), primary.history);
    histories_.resize(std::min<size_t>(histories_.size(), 2));
    shard.histories = histories_;
  }
  Decision decision = Decide(shard, limits_);
  int meant = decision.member.empty() ? -1 : decision.member[0] - 'a';
  bool is_appointed =
      decision.kind == Decision::Kind::kPromote || decision.kind == Decision::Kind::kHandedOver;
  if (decision.kind == Decision::Kind::kEnd) Kill(meant);
  if (decision.kind == Decision::Kind::kHold) Hold(meant);
  if (is_appointed) Appoint(meant);
  if (!options_.can_end && now_ms_ % kAskEveryMs == 0) GiveWord(is_appointed);
  bool is_cold = decision.kind == Decision::Kind::kStartCold;
  for (int i = 0; i < options_.nodes; ++i) {
    Node& node = nodes_[static_cast<size_t>(i)];
    bool may_start = i != primary_ || is_cold;
    bool is_due = !node.is_alive && !node.is_cut_off && now_ms_ >= node.start_at_ms &&
                  known_[static_cast<size_t>(i)].ended_ms >= 0;
    if (is_due && may_start) {
      if (i == primary_) CheckColdStart();
      Start(i, i == primary_ ? -1 : primary_);
      Forget(i, -1);
    }
    if (now_ms_ % kAskEveryMs == 0) Order(i);
  }
}

void Simulation::Appoint(int node) {
  CheckAppointed(node);
  primary_ = node;
  ++promotions_;
}

void Simulation::Hold(int node) {
  Known& known = known_[static_cast<size_t>(node)];
  if (now_ms_ - known.hold_asked_ms < kAskEveryMs) return;
  known.hold_asked_ms = now_ms_;
  messages_.push_back({now_ms_ + Delay(), node, known.incarnation, Message::Kind::kHold});
}

// The one appointed may acknowledge for a while, from now.
void Simulation::GiveWord(bool is_appointed_now) {
  Known& known = known_[static_cast<size_t>(primary_)];
  bool is_heard = known.is_heard && known.ended_ms < 0 && now_ms_ - known.heard_ms < kWordMs;
  bool is_it = known.said.is_primary || known.said.is_held || is_appointed_now;
  if (!is_heard || !is_it) return;
  known.lease_end_ms = std::max(known.lease_end_ms, now_ms_ + kLeaseMs + kLeaseMarginMs);
  Message word{now_ms_ + Delay(), primary_, known.incarnation, Message::Kind::kLease};
  word.lease_end_ms = now_ms_ + kLeaseMs;
  messages_.push_back(word);
}

// Who is not what was written down is told.
void Simulation::Order(int node) {
  const Known& known = known_[static_cast<size_t>(node)];
  bool is_silent = now_ms_ - known.heard_ms >= kSilentMs;
  if (!known.is_heard || known.ended_ms >= 0 || is_silent) return;
  using Kind = Message::Kind;
  Message order{now_ms_ + Delay(), node, known.incarnation, Kind::kFollow, {}, primary_};
  if (node == primary_) order.kind = Kind::kBecomePrimary;
  bool is_so = node == primary_ ? known.said.is_primary : known.said.follows == IdOf(primary_);
  if (!is_so) messages_.push_back(order);
}

// ---- What must stay true ----

void Simulation::CheckAppointed(int node) {
  const Node& next = nodes_[static_cast<size_t>(node)];
  bool is_lost = std::any_of(nodes_.begin(), nodes_.end(), [&](const Node& other) {
    bool is_of_shard =
        std::find(histories_.begin(), histories_.end(), other.history) != histories_.end();
    return is_of_shard && !other.log.empty();
  });
  if (next.is_alive && next.log.empty() && is_lost) Break("an empty one is appointed");
  if (!options_.can_end) return;
  // Where the end is known for sure, so is who has most.
  for (size_t i = 0; i < nodes_.size(); ++i) {
    const Node& other = nodes_[i];
    if (!known_[i].is_heard || now_ms_ - known_[i].heard_ms >= kSilentMs) continue;  // Hung so far.
    bool counts = other.Runs() && !other.is_syncing && other.history == next.history;
    if (next.is_alive && counts && other.log.size() > next.log.size() + 200)
      Break("one with more is passed over");
  }
}

void Simulation::CheckColdStart() {
  for (const Node& node : nodes_) {
    if (node.is_alive && node.has_synced && !node.log.empty())
      Break("an empty primary starts though another has the data");
  }
}

void Simulation::CheckRecovered() {
  int primaries = 0;
  for (const Node& node : nodes_) {
    if (!node.is_alive) Break("a node is not back");
    primaries += node.follows < 0;
    if (node.follows >= 0 && !node.is_link_up) Break("a replica does not follow");
  }
  if (primaries != 1) Break(std::to_string(primaries) + " primaries in the end");
  if (nodes_[static_cast<size_t>(primary_)].follows >= 0) Break("the wrong one is the primary");
}

// KILN_FAILOVER_SEEDS: how many lives of each kind; more by night.
uint32_t Seeds() {
  const char* text = std::getenv("KILN_FAILOVER_SEEDS");
  return static_cast<uint32_t>(text == nullptr ? 250 : ParseInt64(text).value_or(250));
}

void RunSeeds(const SimulationOptions& like, uint32_t first) {
  uint32_t count = Seeds();
  int promotions = 0;
  for (uint32_t seed = first; seed < first + count; ++seed) {
    SimulationOptions options = like;
    options.seed = seed;
    options.nodes = 2 + static_cast<int>(seed % 3);
    Simulation simulation(options);
    simulation.Run(15'000, 10'000);
    EXPECT_GT(simulation.writes(), 100u) << "seed " << seed;
    EXPECT_EQ(simulation.broken(), std::vector<std::string>()) << "seed " << seed;
    promotions += simulation.promotions();
  }
  EXPECT_GT(promotions, static_cast<int>(count)) << "too little happens";
}

TEST(FailoverSimulation, NothingBreaksWhereProcessesCanBeEnded) {
  RunSeeds({.can_end = true}, 1);
}

TEST(FailoverSimulation, NothingBreaksWhereOnlyLeasesEnd) {
  RunSeeds({.can_end = false}, 1'000'001);
}

}  // namespace
}  // namespace kiln
