// What the files of sorted set commands share: replies with members and scores, storing a result.
#pragma once

#include <string_view>

#include "engine/commands/call.h"
#include "engine/store/types/sorted_set.h"

namespace kiln {

// Replies with members, or with members and scores: then RESP2 gets one flat array, RESP3 an array
// of pairs.
class MemberReply {
 public:
  MemberReply(Reply& reply, bool with_scores)
      : reply_(reply), with_scores_(with_scores), in_pairs_(with_scores && reply.version() >= 3) {}

  // The head, before the members.
  void Begin(size_t members) { reply_.Array(with_scores_ && !in_pairs_ ? members * 2 : members); }
  void operator()(std::string_view member, double score) {
    if (in_pairs_) reply_.Array(2);
    reply_.Bulk(member);
    if (with_scores_) reply_.Double(score);
  }

 private:
  Reply& reply_;
  bool with_scores_;
  bool in_pairs_;
};

// Says that `count` members went, and that the key goes with the last one.
void MembersRemoved(Call& call, const Key& key, const SortedSet& set, size_t count,
                    std::string_view event);

// Puts a result in place of what is at the key, or deletes the key where the result is empty.
// Replies with its size.
void StoreSortedSet(Call& call, const Key& key, SortedSet result, std::string_view event);

}  // namespace kiln
