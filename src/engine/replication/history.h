// ReplicationHistory: which history of changes a server's data is of, and whether somebody who has
// a part of it can go on from there.
//
// A history has an id, and a place in it is an offset: how many bytes of its journal came before. A
// server whose data began as another's (a replica that became a primary) knows that history's id as
// well, and up to which offset it is its own. Source: Redis's PSYNC2.
//
// Thread safety: none.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace kiln {

// 40 hexadecimal digits, as Redis has them.
std::string NewReplicationId();
bool IsReplicationId(std::string_view text);
inline constexpr std::string_view kNoReplicationId = "0000000000000000000000000000000000000000";

class ReplicationHistory {
 public:
  ReplicationHistory() : id_(NewReplicationId()) {}

  const std::string& id() const { return id_; }
  // The history that this one was up to previous_end(); kNoReplicationId and -1: none.
  const std::string& previous_id() const { return previous_id_; }
  int64_t previous_end() const { return previous_end_; }

  // The data are a primary's from now on.
  void Join(std::string_view id);
  // The primary has changed its id at this offset, or this server is the primary from here on.
  void ContinueAs(std::string_view id, uint64_t offset);
  void BecomePrimary(uint64_t offset) { ContinueAs(NewReplicationId(), offset); }
  // Nobody can go on from here: changes were made that the journal has not.
  void BeginAnew();
  // A snapshot told which place of which history it is: who has that can go on.
  void Restore(std::string_view id, uint64_t offset);

  // Whether somebody who has all of history `id` before `offset` has nothing that this one has not.
  bool Includes(std::string_view id, uint64_t offset) const {
    return id == id_ || (id == previous_id_ && previous_end_ >= 0 &&
                         offset <= static_cast<uint64_t>(previous_end_));
  }

 private:
  std::string id_;
  std::string previous_id_{kNoReplicationId};
  int64_t previous_end_ = -1;
};

}  // namespace kiln
