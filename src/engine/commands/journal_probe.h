// JournalProbe: what DEBUG JOURNAL shows of the journal, for tests. Implemented in engine/server.
//
// Thread safety: every function needs the Gate alone.
#pragma once

#include <string>
#include <string_view>

namespace kiln {

class JournalProbe {
 public:
  virtual ~JournalProbe() = default;
  // Reads along from now on, and makes changes go to the journal if they do not; or ends that.
  virtual void Switch(bool on) = 0;
  virtual bool is_on() const = 0;
  // What came since the last time, in RESP.
  virtual std::string Take() = 0;
  // Applies a journal soon; Replayed() tells how many bytes of it, or what was wrong with it,
  // and nothing before it is done.
  virtual void Replay(std::string_view bytes) = 0;
  virtual std::string Replayed() = 0;
};

}  // namespace kiln
