#include "engine/replication/snapshot_frame.h"

#include <gtest/gtest.h>

namespace kiln {
namespace {

using Status = SnapshotFrame::Status;

const std::string kMark(40, 'm');

// Feeds pieces of so many bytes until it is done; returns the payload, and what was not used.
std::string ReadAll(SnapshotFrame& frame, std::string_view bytes, size_t piece,
                    std::string_view* rest, Status* status) {
  std::string all;
  *status = Status::kGoesOn;
  while (*status == Status::kGoesOn && !bytes.empty()) {
    std::string_view payload;
    size_t used = 0;
    *status = frame.Feed(bytes.substr(0, piece), &payload, &used);
    all.append(payload);
    bytes.remove_prefix(used);
  }
  *rest = bytes;
  return all;
}

TEST(SnapshotFrame, TakesAsManyBytesAsItWasToldHoweverTheyCome) {
  for (size_t piece : {1, 2, 3, 7, 100}) {
    SnapshotFrame frame;
    std::string_view rest;
    Status status;
    EXPECT_EQ(ReadAll(frame, "\n\n$5\r\nhello*1\r\n", piece, &rest, &status), "hello");
    EXPECT_EQ(status, Status::kDone);
    EXPECT_EQ(rest, "*1\r\n");
    EXPECT_EQ(frame.total_bytes(), 5u);
  }
}

TEST(SnapshotFrame, EndsAtTheMarkHoweverItComes) {
  std::string bytes = "$EOF:" + kMark + "\r\nsome mm bytes" + kMark;
  for (size_t piece : {1, 2, 39, 40, 41, 1000}) {
    SnapshotFrame frame;
    std::string_view rest;
    Status status;
    EXPECT_EQ(ReadAll(frame, bytes, piece, &rest, &status), "some mm bytes");
    EXPECT_EQ(status, Status::kDone);
    EXPECT_EQ(frame.bytes(), 13u);
    EXPECT_EQ(frame.total_bytes(), 0u);
  }
}

TEST(SnapshotFrame, WaitsWhileThePrimaryOnlySaysThatItIsThere) {
  SnapshotFrame frame;
  std::string_view payload;
  size_t used = 0;
  EXPECT_EQ(frame.Feed("\n\n\n", &payload, &used), Status::kGoesOn);
  EXPECT_FALSE(frame.has_begun());
}

TEST(SnapshotFrame, RefusesWhatIsNoHead) {
  for (std::string_view head : {"-ERR no\r\n", "$-1\r\n", "$0\r\n", "$x\r\n", "$EOF:short\r\n"}) {
    SnapshotFrame frame;
    std::string_view payload;
    size_t used = 0;
    EXPECT_EQ(frame.Feed(head, &payload, &used), Status::kBroken) << head;
    EXPECT_FALSE(frame.error().empty());
  }
  SnapshotFrame endless;
  std::string_view payload;
  size_t used = 0;
  EXPECT_EQ(endless.Feed(std::string(1000, '$'), &payload, &used), Status::kBroken);
}

}  // namespace
}  // namespace kiln
