// The program that is run is /bin/sh, which takes kiln.conf for a script: a start parameter is a
// command. What it answers on the admin socket, the test answers.
#include "control/agent/process_agent.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <optional>

#include "control/agent/temporary_folder.h"

namespace kiln {
namespace {

class ProcessAgentTest : public testing::Test {
 protected:
  ProcessAgentTest() { EXPECT_EQ(::mkfifo(data_.Of("never").c_str(), 0600), 0); }
  ~ProcessAgentTest() override { agent_.reset(); }

  void OpenAgent(bool keep_nodes_on_exit = false) {
    agent_.reset();
    ProcessAgentOptions options;
    options.data_path = data_.path();
    options.node.server_path = "/bin/sh";
    options.node.back_off.first_ms = 10;
    options.keep_nodes_on_exit = keep_nodes_on_exit;
    agent_ = std::make_unique<ProcessAgent>(options);
    agent_->OnChange([this] {
      std::lock_guard lock(mutex_);
      changed_.notify_all();
    });
  }

  static NodeSpec Spec(const std::string& command, const std::string& value) {
    NodeSpec spec;
    spec.cluster_id = "s";
    spec.node_id = "0001";
    spec.engine = "redis";
    spec.listen = {.address = "127.77.0.5", .port = 6379};
    spec.start_parameters[command] = value;
    return spec;
  }
  // A node that runs until it is ended: opening a pipe that nobody writes to waits.
  NodeSpec LastingSpec() const { return Spec("read nothing <", data_.Of("never")); }

  std::optional<NodeReport> Report() {
    std::vector<NodeReport> reports = agent_->Observe();
    return reports.empty() ? std::nullopt : std::optional(reports[0]);
  }
  template <typename Condition>
  bool WaitUntil(Condition condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return condition(Report()); });
  }
  bool WaitFor(NodeState state) {
    return WaitUntil([&](const auto& report) { return report && report->state == state; });
  }
  bool WaitUntilGone() {
    return WaitUntil([](const auto& report) { return !report; });
  }

  TemporaryFolder data_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::unique_ptr<ProcessAgent> agent_;
};

// Answers requests on a node's admin socket.
class Answers {
 public:
  explicit Answers(const std::string& path) : thread_([this, path] { Run(path); }) {}
  ~Answers() {
    is_done_ = true;
    thread_.join();
  }

 private:
  static std::string_view ReplyTo(std::string_view request) {
    if (request.find("INFO") != std::string_view::npos) return "$8\r\nkeys:7\r\n\r\n";
    if (request.find("bad") != std::string_view::npos) return "-ERR bad value\r\n";
    return request.find("PING") != std::string_view::npos ? "+PONG\r\n" : "+OK\r\n";
  }

  void Run(const std::string& path) {
    Result<Fd, NetError> listener = ListenUnix(path, 0, {});
    ASSERT_TRUE(listener);
    std::vector<Fd> clients;
    while (!is_done_) {
      std::vector<pollfd> ready = {{.fd = listener->get(), .events = POLLIN, .revents = 0}};
      for (const Fd& client : clients)
        ready.push_back({.fd = client.get(), .events = POLLIN, .revents = 0});
      ::poll(ready.data(), ready.size(), 5);
      if (Result<Fd, NetError> client = Accept(listener->get()))
        clients.push_back(std::move(*client));
      for (const Fd& client : clients) {
        std::array<char, 1024> room;
        ssize_t got = ::recv(client.get(), room.data(), room.size(), 0);
        if (got <= 0) continue;
        std::string_view reply = ReplyTo({room.data(), static_cast<size_t>(got)});
        EXPECT_GT(::send(client.get(), reply.data(), reply.size(), MSG_NOSIGNAL), 0);
      }
    }
  }

  std::atomic<bool> is_done_{false};
  std::thread thread_;
};

TEST_F(ProcessAgentTest, StartsAndRemovesANode) {
  OpenAgent();
  agent_->Start(LastingSpec());
  ASSERT_TRUE(WaitFor(NodeState::kStarting));
  EXPECT_GT(Report()->pid, 0);
  EXPECT_EQ(Report()->running, LastingSpec());
  agent_->Remove("s.0001");
  ASSERT_TRUE(WaitUntilGone());
  EXPECT_FALSE(std::filesystem::exists(data_.Of("nodes/s.0001")));
}

TEST_F(ProcessAgentTest, IsReadyWhenItAnswers) {
  OpenAgent();
  agent_->Start(LastingSpec());
  ASSERT_TRUE(WaitFor(NodeState::kStarting));
  EXPECT_FALSE(agent_->Statistics("s.0001"));
  Answers answers(data_.Of("nodes/s.0001/admin.sock"));
  ASSERT_TRUE(WaitFor(NodeState::kReady));
  auto statistics = agent_->Statistics("s.0001");
  ASSERT_TRUE(statistics);
  EXPECT_EQ(statistics->at("keys"), "7");
  EXPECT_TRUE(statistics->contains("process_cpu_seconds"));
  EXPECT_FALSE(agent_->Statistics("unknown"));
}

TEST_F(ProcessAgentTest, TellsAReadyNodeItsParameters) {
  OpenAgent();
  agent_->Start(LastingSpec());
  ASSERT_TRUE(WaitFor(NodeState::kStarting));
  Answers answers(data_.Of("nodes/s.0001/admin.sock"));
  ASSERT_TRUE(WaitFor(NodeState::kReady));
  NodeSpec spec = LastingSpec();
  spec.live_parameters["maxmemory"] = "bad";
  agent_->Configure(spec);
  EXPECT_TRUE(WaitUntil([](const auto& report) { return !report->problem_text.empty(); }));
  EXPECT_EQ(Report()->problem_text, "It refused its parameters: ERR bad value");
  EXPECT_EQ(Report()->running, LastingSpec());
  spec.live_parameters["maxmemory"] = "1";
  agent_->Configure(spec);
  EXPECT_TRUE(WaitUntil([&](const auto& report) { return report->running == spec; }));
  EXPECT_EQ(Report()->problem_text, "");
}

TEST_F(ProcessAgentTest, SaysWhyANodeEndedAndStartsItAgainWhenAsked) {
  OpenAgent();
  agent_->Start(Spec("echo Address already in use; exit", "1"));
  ASSERT_TRUE(WaitFor(NodeState::kFailed));
  EXPECT_EQ(Report()->problem, NodeProblem::kAddressTaken);
  EXPECT_EQ(Report()->exits, 0);
  agent_->Start(LastingSpec());
  ASSERT_TRUE(WaitFor(NodeState::kStarting));
  EXPECT_EQ(Report()->running, LastingSpec());
}

TEST_F(ProcessAgentTest, CountsOnlyEndsThatWereNotAskedFor) {
  OpenAgent();
  agent_->Start(LastingSpec());
  ASSERT_TRUE(WaitFor(NodeState::kStarting));
  Answers answers(data_.Of("nodes/s.0001/admin.sock"));
  ASSERT_TRUE(WaitFor(NodeState::kReady));
  NodeSpec next = LastingSpec();
  next.boot = 2;
  agent_->Restart(next);
  agent_->Restart(next);
  ASSERT_TRUE(WaitUntil([](const auto& report) {
    return report->state == NodeState::kReady && report->running.boot == 2;
  }));
  EXPECT_EQ(Report()->exits, 0);
  ::kill(static_cast<pid_t>(Report()->pid), SIGKILL);
  ASSERT_TRUE(WaitFor(NodeState::kFailed));
  EXPECT_EQ(Report()->exits, 1);
  OpenAgent();
  EXPECT_EQ(Report()->exits, 1);
}

TEST_F(ProcessAgentTest, AdoptsWhatAnEarlierOneLeftRunning) {
  OpenAgent(true);
  agent_->Start(LastingSpec());
  ASSERT_TRUE(WaitFor(NodeState::kStarting));
  int64_t pid = Report()->pid;
  OpenAgent();
  ASSERT_TRUE(Report());
  EXPECT_EQ(Report()->pid, pid);
  EXPECT_EQ(Report()->state, NodeState::kStarting);
  EXPECT_EQ(Report()->running, LastingSpec());
}

TEST_F(ProcessAgentTest, EndsAProcessOfWhichNothingIsKnown) {
  OpenAgent(true);
  agent_->Start(LastingSpec());
  ASSERT_TRUE(WaitFor(NodeState::kStarting));
  data_.Write("nodes/s.0001/node.json", "{");
  OpenAgent();
  EXPECT_FALSE(Report());
  agent_->Start(LastingSpec());  // Waits for the end of the other.
  ASSERT_TRUE(WaitFor(NodeState::kStarting));
  EXPECT_EQ(Report()->exits, 0);
}

TEST_F(ProcessAgentTest, TellsOfANodeThatEndedMeanwhile) {
  OpenAgent();
  agent_->Start(LastingSpec());
  ASSERT_TRUE(WaitFor(NodeState::kStarting));
  OpenAgent();  // The first one has ended its node.
  ASSERT_TRUE(Report());
  EXPECT_EQ(Report()->state, NodeState::kFailed);
  EXPECT_EQ(Report()->problem, NodeProblem::kNone);
  agent_->Start(LastingSpec());
  EXPECT_TRUE(WaitFor(NodeState::kStarting));
}

}  // namespace
}  // namespace kiln
