// PrimaryLink: a replica's connection to its primary, from the connect to the stream of changes,
// and again when it breaks.
//
//   connect -> handshake -> a snapshot, which is loaded, or none -> changes, applied as they come
//
// Thread safety: worker 0's, but for Abandon and state, which are for whoever has the Gate alone
// too.
#pragma once

#include <memory>
#include <string>
#include <thread>

#include "base/byte_buffer.h"
#include "engine/replication/handshake.h"
#include "engine/replication/snapshot_frame.h"
#include "engine/server/replayer.h"
#include "engine/server/snapshot_receiver.h"
#include "net/event_loop.h"
#include "net/stream.h"

namespace kiln {

class Server;
class Worker;

class PrimaryLink final : public Handler {
 public:
  // `takes_over`: the primary there is to become one just now, for this server hands over to it.
  PrimaryLink(Server& server, std::string host, uint16_t port, bool takes_over);
  ~PrimaryLink();
  PrimaryLink(const PrimaryLink&) = delete;
  PrimaryLink& operator=(const PrimaryLink&) = delete;

  enum class State : uint8_t { kConnect, kConnecting, kHandshake, kSnapshot, kLoading, kStreaming };
  State state() const { return state_; }
  const char* StateName() const;  // as ROLE calls it

  // It has been replaced: nothing more comes of it.
  void Abandon() { is_abandoned_ = true; }
  bool is_abandoned() const { return is_abandoned_; }

  void OnTick();  // ten times a second
  void OnEvents(uint32_t events) override;
  void OnAckWanted() { must_ack_ = true; }

  // Alone: what stands for it in CLIENT LIST, while it streams; otherwise null.
  Client* client();
  // Alone: the primary sees its end at once; this server in worker 0's next turn.
  void Drop();

  // For INFO.
  int64_t last_heard_ms() const { return last_heard_ms_; }
  bool IsSyncing() const { return state_ == State::kSnapshot || state_ == State::kLoading; }
  const SnapshotFrame& frame() const { return frame_; }
  size_t held_bytes() const { return state_ == State::kStreaming ? input_.size() : 0; }

 private:
  void Connect();
  void ConnectTo(const std::string& address);
  void Lose(const std::string& why);
  const char* TimeoutText() const;
  void SetState(State state);
  // Whether what comes on the connection is looked at.
  bool Watch(bool on, uint32_t events = EPOLLIN);
  void Say(std::string_view bytes);
  void WriteOut();
  void Read();
  void Take();  // what lies in input_
  bool TakeLine();
  void OnAnswer(ReplicationHandshake::Outcome outcome);
  void BeginSnapshot();
  bool TakeSnapshot();
  void OnLoaded(const std::string& error, int db);  // alone; replication knows already
  void BeginStream(int db);
  void TakeChanges();
  void SendAck();

  Server& server_;
  Worker& worker_;
  std::string host_;
  uint16_t port_;
  bool takes_over_;
  bool is_abandoned_ = false;
  bool must_ack_ = false;
  bool is_watched_ = false;
  bool wants_everything_ = false;  // going on failed for good
  State state_ = State::kConnect;
  std::unique_ptr<PlainStream> stream_;
  std::unique_ptr<ReplicationHandshake> handshake_;
  SnapshotFrame frame_;
  std::unique_ptr<SnapshotReceiver> receiver_;
  std::unique_ptr<Replayer> replayer_;
  ByteBuffer input_;
  std::string output_;
  std::thread resolver_;
  std::shared_ptr<bool> is_alive_;  // for what is in the mail
  int64_t last_heard_ms_ = 0;
  int64_t next_try_ms_ = 0;
  int64_t next_ack_ms_ = 0;
};

}  // namespace kiln
