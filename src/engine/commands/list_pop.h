// Taking elements out of lists, with the reply and the events: what LPOP and its relatives,
// blocking or not, share.
#pragma once

#include <vector>

#include "engine/commands/call.h"
#include "engine/store/types/list.h"

namespace kiln {

void ReplyElement(Call& call, const Element& element);

// Elements were taken from an end: the event, and the key goes when nothing is left. The list may
// be gone afterwards.
void ElementsPopped(Call& call, const Key& key, const List& list, End end, size_t count);

// Both reply with what they pop: the element of a list that has one, or an array of up to `count`.
void PopOne(Call& call, const Key& key, List& list, End end);
void PopSeveral(Call& call, const Key& key, List& list, End end, size_t count);

// What PopSeveral did, for whom several keys were named: LPOP or RPOP of this one.
void ReplayPop(Call& call, const Key& key, End end, size_t count);

// The ends that LMOVE and its relatives name.
struct Move {
  End from;
  End to;
};
// Moves an element from a list that has one to another list, or the same one, and replies with it.
void MoveElement(Call& call, const Key& source_key, List& source, const Key& target_key,
                 const Move& move);

// LEFT or RIGHT; a syntax error otherwise.
End TakeEnd(ArgumentCursor& args);

// What LMPOP and BLMPOP ask for.
struct MultiPop {
  std::vector<Key> keys;
  End end = End::kHead;
  size_t count = 1;
};
// Reads "numkeys key [key ...] LEFT|RIGHT [COUNT count]". False when an error is replied.
bool ReadMultiPop(Call& call, MultiPop* pop);

// Finds the first of several keys that holds a list. A key of another type before it is an error,
// which is replied; but to whoever waits already such a key is as good as none, until there is a
// list.
struct FoundList {
  const Key* key = nullptr;  // null when there is none
  List* list = nullptr;
  bool has_failed = false;
};
FoundList FindFirstList(Call& call, const std::vector<Key>& keys);

}  // namespace kiln
