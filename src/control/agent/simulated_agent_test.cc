#include "control/agent/simulated_agent.h"

#include <gtest/gtest.h>

namespace kiln {
namespace {

NodeSpec Spec() {
  NodeSpec spec;
  spec.cluster_id = "s";
  spec.node_id = "0001";
  spec.engine = "redis";
  return spec;
}

TEST(SimulatedAgent, IsReadyAtOnce) {
  SimulatedAgent agent;
  int changes = 0;
  agent.OnChange([&] { ++changes; });
  EXPECT_FALSE(agent.Statistics("s.0001"));
  agent.Start(Spec());
  agent.Start(Spec());
  EXPECT_EQ(changes, 1);
  ASSERT_EQ(agent.Observe().size(), 1u);
  EXPECT_EQ(agent.Observe()[0].state, NodeState::kReady);
  EXPECT_TRUE(agent.Statistics("s.0001"));
  agent.Remove("s.0001");
  EXPECT_TRUE(agent.Observe().empty());
}

TEST(SimulatedAgent, TakesAsManyObservationsAsItIsTold) {
  SimulatedAgent agent(2);
  agent.Start(Spec());
  EXPECT_EQ(agent.Observe()[0].state, NodeState::kStarting);
  EXPECT_EQ(agent.Observe()[0].state, NodeState::kReady);
  agent.Remove("s.0001");
  EXPECT_EQ(agent.Observe()[0].state, NodeState::kStopping);
  EXPECT_TRUE(agent.Observe().empty());
}

TEST(SimulatedAgent, RestartsForAHigherBootOnly) {
  SimulatedAgent agent;
  agent.Start(Spec());
  int64_t pid = agent.Observe()[0].pid;
  NodeSpec next = Spec();
  agent.Restart(next);
  EXPECT_EQ(agent.Observe()[0].pid, pid);
  next.boot = 2;
  agent.Restart(next);
  EXPECT_NE(agent.Observe()[0].pid, pid);
  EXPECT_EQ(agent.Observe()[0].running.boot, 2);
  EXPECT_EQ(agent.Observe()[0].exits, 0);
}

TEST(SimulatedAgent, FailsAsItIsTold) {
  SimulatedAgent agent;
  agent.FailStarts("s.0001", NodeProblem::kAddressTaken);
  agent.Start(Spec());
  EXPECT_EQ(agent.Observe()[0].state, NodeState::kFailed);
  EXPECT_EQ(agent.Observe()[0].problem, NodeProblem::kAddressTaken);
  agent.FailStarts("s.0001", NodeProblem::kNone);
  agent.Start(Spec());
  EXPECT_EQ(agent.Observe()[0].state, NodeState::kReady);
  agent.EndNode("s.0001");
  EXPECT_EQ(agent.Observe()[0].state, NodeState::kFailed);
  EXPECT_EQ(agent.Observe()[0].exits, 1);
}

TEST(SimulatedAgent, TakesParametersUnlessTheyAreRefused) {
  SimulatedAgent agent;
  agent.Start(Spec());
  NodeSpec next = Spec();
  next.live_parameters["maxmemory"] = "1";
  agent.RefuseConfigure(true);
  agent.Configure(next);
  EXPECT_EQ(agent.Observe()[0].running, Spec());
  EXPECT_NE(agent.Observe()[0].problem_text, "");
  agent.RefuseConfigure(false);
  agent.Configure(next);
  EXPECT_EQ(agent.Observe()[0].running, next);
}

}  // namespace
}  // namespace kiln
