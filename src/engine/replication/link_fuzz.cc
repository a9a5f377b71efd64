// What a primary says to a replica, whole and in pieces: lines of the handshake, and a snapshot.

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "engine/replication/handshake.h"
#include "engine/replication/snapshot_frame.h"

namespace kiln {
namespace {

struct Received {
  std::string payload;
  SnapshotFrame::Status status = SnapshotFrame::Status::kGoesOn;
  size_t used = 0;
};

Received Receive(std::string_view bytes, size_t piece) {
  SnapshotFrame frame;
  Received received;
  while (received.status == SnapshotFrame::Status::kGoesOn && received.used < bytes.size()) {
    std::string_view payload;
    size_t used = 0;
    received.status = frame.Feed(bytes.substr(received.used, piece), &payload, &used);
    received.payload.append(payload);
    received.used += used;
    KILN_CHECK(used > 0);
  }
  KILN_CHECK((received.status == SnapshotFrame::Status::kBroken) == !frame.error().empty());
  return received;
}

void Talk(std::string_view lines) {
  ReplicationHandshake handshake({.user = "u", .password = "p", .port = 1, .zone = "z"});
  (void)handshake.Begin();
  while (!lines.empty()) {
    size_t end = std::min(lines.find('\n'), lines.size());
    std::string to_send;
    auto outcome = handshake.OnLine(lines.substr(0, end), &to_send);
    KILN_CHECK((outcome == ReplicationHandshake::Outcome::kFailed) == !handshake.error().empty());
    if (outcome != ReplicationHandshake::Outcome::kGoesOn) return;
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
}

}  // namespace
}  // namespace kiln

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  kiln::Talk(bytes);
  kiln::Received whole = kiln::Receive(bytes, size + 1);
  // A mark ends the snapshot where bytes end with it, so pieces may find one that the whole has not
  // at its end; a length does not.
  if (whole.status == kiln::SnapshotFrame::Status::kDone && !bytes.starts_with("$EOF")) {
    kiln::Received pieces = kiln::Receive(bytes, 3);
    KILN_CHECK(pieces.status == whole.status && pieces.payload == whole.payload);
    KILN_CHECK(pieces.used == whole.used);
  } else {
    (void)kiln::Receive(bytes, 3);
  }
  return 0;
}
