// A unit: what one request, script or transaction changes, gathered and appended to the journal as
// one before the locks are let go.
//
// What is replayed outside of a unit (a key that a background task finds expired) is appended at
// once. Thread safety: none; each worker has one.
#pragma once

#include <string>
#include <vector>

#include "engine/journal/journal.h"
#include "engine/store/journal_sink.h"

namespace kiln {

class JournalUnit final : public JournalSink {
 public:
  explicit JournalUnit(Journal& journal) : journal_(journal) {}

  // Units nest; the outermost End appends.
  void Begin() { ++depth_; }
  void End() {
    if (--depth_ == 0 && !entries_.empty()) Append();
  }
  // The same, and this comes last: a command, or one in RESP.
  void End(int db, std::span<const std::string_view> words);
  void End(int db, std::string_view bytes);
  // Whether something was gathered that is not in the journal yet.
  bool HasEntries() const { return !entries_.empty(); }
  void Replay(int db, std::span<const std::string_view> words) override;
  using JournalSink::Replay;

 private:
  struct Entry {
    int db;
    size_t end;  // in bytes_
  };

  void Append();

  Journal& journal_;
  int depth_ = 0;
  std::string bytes_;
  std::vector<Entry> entries_;
};

}  // namespace kiln
