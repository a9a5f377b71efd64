#include "engine/server/snapshot_receiver.h"

#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "base/log.h"
#include "base/number.h"
#include "engine/persist/cipher_file.h"
#include "engine/persist/rdb_file.h"
#include "engine/server/append_only.h"
#include "engine/server/background_save.h"
#include "engine/server/persistence.h"
#include "engine/server/server.h"

namespace kiln {
namespace {

int StreamDatabase(const RdbFacts& facts) {
  auto db = ParseInt64(facts.Aux("repl-stream-db"));
  return static_cast<int>(db.value_or(0));
}

// ---- By way of a file ----

class FileReceiver final : public SnapshotReceiver {
 public:
  explicit FileReceiver(Server& server)
      : server_(server),
        file_(server.settings().dbfilename, server.settings().rdb_save_incremental_fsync) {
    const AtRestKeys& keys = server.persistence().keys();
    error_ = file_.Open();
    if (error_.empty() && keys.current)
      cipher_ = std::make_unique<CipherSink>(file_, *keys.current);
  }

  std::string Take(std::string_view bytes) override {
    if (error_.empty()) error_ = cipher_ != nullptr ? cipher_->Write(bytes) : file_.Write(bytes);
    return error_;
  }

  void Finish(Done done) override {
    if (error_.empty() && cipher_ != nullptr) error_ = cipher_->Finish();
    if (error_.empty()) error_ = file_.Commit();
    Log(LogLevel::kNotice, "MASTER <-> REPLICA sync: Loading DB in memory");
    server_.gate().Exclusive(0, [&] {
      if (!error_.empty()) return done(error_, 0);
      server_.append_only().PauseForLoad();
      server_.persistence().LoadInPlace([done = std::move(done)](const RdbLoadResult& result) {
        done(result.error, StreamDatabase(result.facts));
      });
    });
  }

 private:
  Server& server_;
  RdbFile file_;
  std::unique_ptr<CipherSink> cipher_;
  std::string error_;
};

// ---- Beside what is served ----

// The bytes on their way from the connection to the thread that loads.
class BytePipe final : public ByteSource {
 public:
  static constexpr size_t kMaxBytes = size_t{16} << 20;

  explicit BytePipe(std::function<void()> on_room) : on_room_(std::move(on_room)) {}

  void Write(std::string_view bytes) {
    std::lock_guard<std::mutex> lock(mutex_);
    bytes_ += bytes.size();
    pieces_.emplace_back(bytes);
    changed_.notify_one();
  }
  // No more comes; what is there is still read, unless the rest is missing.
  void Close(bool is_complete) {
    std::lock_guard<std::mutex> lock(mutex_);
    is_closed_ = true;
    is_cut_ = is_cut_ || !is_complete;
    changed_.notify_one();
  }
  bool IsFull() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return bytes_ >= kMaxBytes;
  }

  [[nodiscard]] std::string Read(char* to, size_t bytes, size_t* got) override {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return !pieces_.empty() || is_closed_; });
    *got = 0;
    if (is_cut_) return "The connection was lost";
    if (pieces_.empty()) return {};
    std::string& piece = pieces_.front();
    *got = std::min(bytes, piece.size() - used_);
    std::memcpy(to, piece.data() + used_, *got);
    used_ += *got;
    bool was_full = bytes_ >= kMaxBytes;
    bytes_ -= *got;
    if (used_ == piece.size()) {
      pieces_.pop_front();
      used_ = 0;
    }
    bool has_room = was_full && bytes_ < kMaxBytes;
    lock.unlock();
    if (has_room) on_room_();
    return {};
  }
  uint64_t total_bytes() const override { return kUnknown; }

 private:
  std::function<void()> on_room_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> pieces_;
  size_t bytes_ = 0;
  size_t used_ = 0;  // of the first piece
  bool is_closed_ = false;
  bool is_cut_ = false;
};

// What the thread that loads has of its own, and outlives the receiver with.
struct BesideLoad {
  BesideLoad(Server& server, std::function<void()> on_room)
      : settings(server.settings()),
        options(server.persistence().LoadOptionsBeside()),
        keyspace(server.keyspace().databases()),
        pipe(std::move(on_room)) {}
  // Alone in its thread: what was loaded, or what it replaced.
  void Free() {
    StoreContext context(settings, 1);
    keyspace.Clear(context);
  }

  const Settings settings;  // of its own: the server's may change
  RdbLoadOptions options;
  RdbLoadProgress progress;
  Keyspace keyspace;
  BytePipe pipe;
  RdbLoadResult result;
};

class BesideReceiver final : public SnapshotReceiver {
 public:
  BesideReceiver(Server& server, bool is_same, std::function<void()> on_room) : server_(server) {
    server_.gate().Exclusive(0, [&] {
      server_.background_save().Bar(true);
      server_.persistence().SetBeside(is_same ? Persistence::Beside::kServed
                                              : Persistence::Beside::kHidden);
    });
    Log(LogLevel::kNotice, "MASTER <-> REPLICA sync: Loading DB in memory");
    Mailbox& mailbox = server.worker(0).loop().mailbox();
    load_ = std::make_unique<BesideLoad>(server, [&mailbox, on_room = std::move(on_room)] {
      mailbox.Post([on_room] { on_room(); });
    });
    thread_ = std::thread([this, &mailbox, alive = is_alive_] {
      load_->result =
          LoadRdb(load_->pipe, load_->keyspace, load_->settings, load_->options, &load_->progress);
      mailbox.Post([this, alive] {
        if (*alive) OnEnd();
      });
    });
  }

  ~BesideReceiver() override {
    *is_alive_ = false;
    load_->progress.is_stopped = true;
    load_->pipe.Close(false);
    thread_.join();
    // What is left takes its time to be freed; nobody waits for that.
    std::thread([load = std::move(load_)] { load->Free(); }).detach();
    server_.gate().Exclusive(0, [&] { Unbar(); });
  }

  std::string Take(std::string_view bytes) override {
    load_->pipe.Write(bytes);
    return has_ended_ ? load_->result.error : "";
  }
  bool IsFull() const override { return !has_ended_ && load_->pipe.IsFull(); }

  void Finish(Done done) override {
    load_->pipe.Close(true);
    done_ = std::move(done);
    if (has_ended_) Report();
  }

 private:
  void Unbar() {
    server_.background_save().Bar(false);
    server_.persistence().SetBeside(Persistence::Beside::kNone);
  }

  void OnEnd() {
    has_ended_ = true;
    if (done_) Report();
  }

  void Report() {
    server_.gate().Exclusive(0, [&] {
      std::string error = load_->result.error;
      if (error.empty()) {
        server_.append_only().PauseForLoad();
        error = server_.persistence().Replace(load_->keyspace, load_->result, load_->progress);
      }
      Unbar();
      std::exchange(done_, nullptr)(error, StreamDatabase(load_->result.facts));
    });
  }

  Server& server_;
  std::unique_ptr<BesideLoad> load_;
  std::shared_ptr<bool> is_alive_ = std::make_shared<bool>(true);
  std::thread thread_;
  Done done_;
  bool has_ended_ = false;
};

}  // namespace

std::unique_ptr<SnapshotReceiver> SnapshotReceiver::Make(Server& server, bool is_same,
                                                         std::function<void()> on_room) {
  DisklessLoad how = server.settings().repl_diskless_load;
  bool is_empty = true;
  for (int db = 0; db < server.keyspace().databases(); ++db)
    server.gate().Exclusive(0, [&] { is_empty = is_empty && server.keyspace().KeyCount(db) == 0; });
  bool is_beside = how == DisklessLoad::kBeside || (how == DisklessLoad::kWhenEmpty && is_empty);
  // Two cuts at a time would mix up what was met.
  if (is_beside && !server.background_save().is_running())
    return std::make_unique<BesideReceiver>(server, is_same, std::move(on_room));
  return std::make_unique<FileReceiver>(server);
}

}  // namespace kiln
