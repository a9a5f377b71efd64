#include "engine/replication/history.h"

#include <sys/random.h>

#include <algorithm>

namespace kiln {

std::string NewReplicationId() {
  constexpr char kDigits[] = "0123456789abcdef";
  unsigned char bytes[20];
  while (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes)) {
  }
  std::string id;
  for (unsigned char byte : bytes) {
    id += kDigits[byte >> 4];
    id += kDigits[byte & 15];
  }
  return id;
}

bool IsReplicationId(std::string_view text) {
  return text.size() == kNoReplicationId.size() &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

void ReplicationHistory::Join(std::string_view id) {
  id_ = id;
  previous_id_ = kNoReplicationId;
  previous_end_ = -1;
}

void ReplicationHistory::ContinueAs(std::string_view id, uint64_t offset) {
  if (id == id_) return;
  previous_id_ = id_;
  previous_end_ = static_cast<int64_t>(offset);
  id_ = id;
}

void ReplicationHistory::BeginAnew() {
  Join(NewReplicationId());
}

void ReplicationHistory::Restore(std::string_view id, uint64_t offset) {
  Join(id);
  BecomePrimary(offset);
}

}  // namespace kiln
