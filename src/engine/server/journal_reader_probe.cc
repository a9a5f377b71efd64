#include "engine/server/journal_reader_probe.h"

#include "engine/server/replayer.h"
#include "engine/server/server.h"
#include "engine/server/worker.h"

namespace kiln {

void JournalReaderProbe::Switch(bool on) {
  if (on == is_on()) return;
  if (on) {
    server_.journal().ForgetDatabase();
    reader_.emplace(server_.journal());
    server_.SetJournaling(JournalUser::kProbe, true);
  } else {
    server_.SetJournaling(JournalUser::kProbe, false);
    reader_.reset();
  }
}

std::string JournalReaderProbe::Take() {
  std::string taken;
  while (reader_) {
    std::string_view bytes = reader_->Peek();
    if (bytes.empty()) break;
    taken.append(bytes);
    reader_->Skip(bytes.size());
  }
  return taken;
}

// Not now, for commands that run alone cannot do so within another one.
void JournalReaderProbe::Replay(std::string_view bytes) {
  replayed_.clear();
  Worker& worker = server_.worker(0);
  worker.loop().mailbox().Post([this, &worker, bytes = std::string(bytes)] {
    Replayer replayer(worker);
    replayer.Feed(bytes);
    std::string outcome =
        replayer.error().empty() ? std::to_string(replayer.whole_bytes()) : replayer.error();
    server_.gate().Exclusive(worker.index(), [&] { replayed_ = outcome; });
  });
}

}  // namespace kiln
