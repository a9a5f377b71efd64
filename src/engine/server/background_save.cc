#include "engine/server/background_save.h"

#include <sys/resource.h>
#include <unistd.h>

#include <utility>

#include "engine/server/server.h"
#include "engine/server/worker.h"

namespace kiln {

void BackgroundSave::Start(const std::string& path, RdbSaveOptions options,
                           RdbSaveProgress* progress, Done done) {
  constexpr int kNicest = 19;
  Start(
      std::move(options), kNicest,
      [path, progress](const RdbContents& contents, const RdbSaveOptions& how,
                       const ProduceFunction& produce) {
        return SaveRdbFile(path, contents, how, produce, progress);
      },
      std::move(done));
}

void BackgroundSave::Start(RdbSaveOptions options, int niceness, CutSave::Writing write,
                           Done done) {
  save_ = std::make_unique<CutSave>(server_.keyspace(), std::move(options));
  is_waited_for_ = false;
  is_released_ = false;
  server_.worker(0).loop().mailbox().Post([this] { is_released_ = true; });
  server_.gate().SetHelped(true);
  done_ = std::move(done);
  thread_ = std::thread([this, niceness, write = std::move(write)] {
    (void)setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), niceness);
    Gate& gate = server_.gate();
    size_t slot = 2 * server_.workers();  // behind those who load
    bool is_inside = false;
    auto enter = [&] {
      // Whoever waits for this thread with the Gate in hand changes nothing meanwhile.
      is_inside = false;
      while (!is_waited_for_ && !(is_inside = is_released_ && gate.TryEnter(slot))) usleep(100);
    };
    auto leave = [&] {
      if (is_inside) gate.Leave(slot);
    };
    std::string error = save_->Run(write, enter, leave);
    server_.worker(0).loop().mailbox().Post(
        [this, error] { server_.gate().Exclusive(0, [&] { End(error); }); });
  });
}

void BackgroundSave::End(const std::string& error) {
  if (thread_.joinable()) thread_.join();
  server_.gate().SetHelped(false);
  save_.reset();
  std::exchange(done_, nullptr)(error);
}

void BackgroundSave::Abandon() {
  if (save_ != nullptr) save_->Abandon();
}

void BackgroundSave::AbandonAndWait() {
  Abandon();
  is_waited_for_ = true;
  if (thread_.joinable()) thread_.join();
}

void BackgroundSave::Stop() {
  AbandonAndWait();
  save_.reset();
}

}  // namespace kiln
