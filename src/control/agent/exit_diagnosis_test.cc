#include "control/agent/exit_diagnosis.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <cerrno>

namespace kiln {
namespace {

const NodeFolder kFolder("/data/nodes", "s.0001");

NodeSpec Spec() {
  NodeSpec spec;
  spec.listen = {.address = "127.77.0.5", .port = 6379};
  return spec;
}

Diagnosis OfLog(std::string_view log) {
  return DiagnoseExit({.code = 1, .signal = {}}, log, Spec(), kFolder);
}

TEST(ExitDiagnosis, FindsTheReasonInTheLog) {
  Diagnosis taken = OfLog("x\nCould not bind: Address already in use\nbye\n");
  EXPECT_EQ(taken.problem, NodeProblem::kAddressTaken);
  EXPECT_EQ(taken.text,
            "Another program listens on 127.77.0.5:6379: end it, or choose another port.");
  EXPECT_EQ(OfLog("bind: Cannot assign requested address").problem, NodeProblem::kAddressTaken);
  Diagnosis full = OfLog("write: No space left on device");
  EXPECT_EQ(full.problem, NodeProblem::kDiskFull);
  EXPECT_NE(full.text.find("/data/nodes/s.0001"), std::string::npos);
}

TEST(ExitDiagnosis, QuotesTheLastLineOtherwise) {
  Diagnosis diagnosis = OfLog("first\nBad directive\n");
  EXPECT_EQ(diagnosis.problem, NodeProblem::kExited);
  EXPECT_EQ(diagnosis.text,
            "Its process ended with exit code 1: see the logs in /data/nodes/s.0001, which end "
            "with \"Bad directive\".");
}

TEST(ExitDiagnosis, SaysTheSameOfTheSameEnd) {
  EXPECT_EQ(OfLog("17:M 22 Nov 2026 12:00:00.000 # Cannot read 12: x\n").text,
            OfLog("9:M 23 Nov 2026 13:00:00.000 # Cannot read 12: x\n").text);
  EXPECT_NE(OfLog("17: x\n").text.find("\"17: x\""), std::string::npos);
}

TEST(ExitDiagnosis, NamesTheSignal) {
  auto of_signal = [](int signal) {
    return DiagnoseExit({.code = {}, .signal = signal}, "Ready\n", Spec(), kFolder).text;
  };
  EXPECT_EQ(of_signal(SIGSEGV),
            "Its process was ended by signal 11 (SIGSEGV): see the logs in /data/nodes/s.0001.");
  EXPECT_NE(of_signal(SIGKILL).find("want of memory"), std::string::npos);
}

TEST(ExitDiagnosis, KnowsNothingOfAnAdoptedProcessButItsEnd) {
  EXPECT_EQ(DiagnoseExit({}, "", Spec(), kFolder).text,
            "Its process ended: see the logs in /data/nodes/s.0001.");
}

TEST(ExitDiagnosis, TellsAMissingProgramFromAMachineThatIsFull) {
  EXPECT_EQ(DiagnoseSpawn(ENOENT, "/opt/kiln-server").problem, NodeProblem::kNoProgram);
  EXPECT_EQ(DiagnoseSpawn(EACCES, "/opt/kiln-server").problem, NodeProblem::kNoProgram);
  EXPECT_EQ(DiagnoseSpawn(EAGAIN, "/opt/kiln-server").problem, NodeProblem::kExited);
  EXPECT_EQ(DiagnoseFiles(ENOSPC, kFolder).problem, NodeProblem::kDiskFull);
  EXPECT_EQ(DiagnoseFiles(EACCES, kFolder).text,
            "The files in /data/nodes/s.0001 cannot be written (Permission denied): see to the "
            "rights of the folder.");
}

}  // namespace
}  // namespace kiln
