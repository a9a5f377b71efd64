// The JournalProbe of a server. What is not taken stays in memory: it is for tests alone.
//
// Thread safety: every function needs the Gate alone.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/commands/journal_probe.h"
#include "engine/journal/journal.h"

namespace kiln {

class Server;

class JournalReaderProbe final : public JournalProbe {
 public:
  explicit JournalReaderProbe(Server& server) : server_(server) {}

  void Switch(bool on) override;
  bool is_on() const override { return reader_.has_value(); }
  std::string Take() override;
  void Replay(std::string_view bytes) override;
  std::string Replayed() override { return replayed_; }

 private:
  Server& server_;
  std::optional<Journal::Reader> reader_;
  std::string replayed_;
};

}  // namespace kiln
