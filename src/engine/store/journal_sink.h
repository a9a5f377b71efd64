// Where the store and the commands say how a change is replayed, while there is a journal.
//
// Thread safety: each worker has its own; Replay is called under the shard lock of the key that
// changed.
#pragma once

#include <initializer_list>
#include <span>
#include <string_view>

namespace kiln {

class JournalSink {
 public:
  // A command that makes the same change to this database, whatever the time, the random numbers
  // and the settings are when it is replayed.
  virtual void Replay(int db, std::span<const std::string_view> words) = 0;
  void Replay(int db, std::initializer_list<std::string_view> words) {
    Replay(db, std::span<const std::string_view>(words.begin(), words.size()));
  }

 protected:
  ~JournalSink() = default;
};

}  // namespace kiln
