// Session: one connection, from bytes to requests and from replies to bytes.
//
//   readable -> Read -> Parse (requests go to the worker's batch) -> Dispatcher -> output -> Flush
//
// A session is touched by its worker only. Complete requests are parsed in place; only what is left
// of an incomplete one is copied to `input_`. An idle session holds no buffer.
#pragma once

#include <memory>
#include <string_view>

#include "base/byte_buffer.h"
#include "base/output_buffer.h"
#include "engine/commands/client.h"
#include "engine/server/snapshot_stream.h"
#include "net/event_loop.h"
#include "net/stream.h"
#include "protocol/memcache/binary_parser.h"
#include "protocol/memcache/login_parser.h"
#include "protocol/memcache/request_parser.h"
#include "protocol/resp/request_parser.h"

namespace kiln {

class Worker;
struct OutputLimit;

class Session final : public Handler {
 public:
  // What one turn takes from a connection, so that a deep pipeline cannot starve the others.
  static constexpr size_t kTurnBytes = 16384;
  static constexpr size_t kTurnRequests = 512;
  // Output beyond this is sent before the turn ends.
  static constexpr size_t kFlushBytes = 65536;
  // Unread replies that a client may cause before it has authenticated.
  static constexpr size_t kMaxUnauthenticatedOutput = 1024;

  Session(Worker& worker, std::unique_ptr<PlainStream> stream, uint64_t id);
  ~Session();

  void OnEvents(uint32_t events) override;
  // To be called first, for a connection that speaks memcached's protocols.
  void BeginMemcache();

  Client& client() { return client_; }
  OutputBuffer& output() { return output_; }
  Worker& worker() { return worker_; }

  // Bytes from elsewhere: pub/sub messages, a served wait.
  void Send(std::string_view bytes);
  // To be called after something was written to output().
  void OutputGrew() {
    if (!is_dirty_ || output_.unsent() > kFlushBytes) [[unlikely]]
      OutputGrewMuch();
  }
  void Flush();
  // Closes at once, or after what is in the output was sent. The object lives until the turn ends.
  void Close();
  void CloseAfterOutput();
  bool is_closed() const { return is_closed_; }

  // The wait is over: goes on with requests that came meanwhile. `reply` is what the command
  // answers.
  void Unblock(std::string_view reply);
  // Arms the timer that ends a wait.
  void ArmBlockTimer(uint64_t deadline_ms);
  // Looks again at input that waited.
  void Resume();
  // A pause is over: goes on with the request it held back.
  void EndPause();
  // While its worker serves others in the middle of its requests, nothing may touch it.
  void SetMasked(bool is_masked) { is_masked_ = is_masked; }
  bool is_masked() const { return is_masked_; }
  // Whether output that is not read is too much, or has been for too long; then the session closes.
  // False when there is nothing to look at any more.
  bool CheckOutputLimit();
  // A line for who watches; dropped and counted while too much before it was not read.
  void SendEvent(std::string_view line);
  // Brings the server's sum of clients' memory up to date.
  void CountMemory();
  // The connection is a replica's: it is sent a feed beside replies.
  void BeginFeed(Journal& journal);
  ReplicaFeed* feed() { return feed_.get(); }
  void DropFeed() { feed_.reset(); }
  // Whether too much is kept for it, or nothing moves; then the session closes.
  void CheckFeed();
  // Up to where in the journal it was told of its writes.
  uint64_t told_offset() const { return told_offset_; }
  void NoteTold() {
    told_offset_ = client_.written_offset;
    client_.has_seen_data = false;
  }
  // Seconds since the last request.
  uint64_t IdleSeconds() const;

 private:
  void OnReadable();
  void WriteSource();
  void FinishInput();
  void FlushFeed();
  // Sends what is in the output; false when the session is closed.
  bool SendOutput();
  ssize_t SendPieces();
  void AwaitWritable(bool on);
  void Read();
  void OutputGrewMuch();
  // Parses what there is; returns the bytes used.
  size_t Parse(std::string_view bytes);
  enum class After {
    kGoOn,
    kEmpty,
    kRan,
    kStop
  };  // kRan: the batch was run, things may have changed
  After ParseOne(std::string_view bytes, const RequestLimits& limits, size_t* consumed);
  After ParseOneMemcache(std::string_view bytes, const memcache::RequestLimits& limits,
                         size_t* consumed);
  // memcached's binary protocol, and its text one before the login, until that is done.
  size_t ParseRareDialect(std::string_view bytes);
  template <class Parser>
  After ParseOneRare(Parser& parser, std::string_view bytes, size_t* consumed);
  void ChooseDialect(char first_byte);
  size_t MissingBytes() const;
  // What one turn takes of it.
  size_t MostRequests() const;
  bool CanRun() const;
  bool IsHeldBack(std::span<const std::string_view> arguments);
  void SetHeldBack(bool held_back);
  void KeepRest(std::string_view rest);
  void NoteInput();
  void BreakProtocol(std::string_view error);
  const OutputLimit& Limit() const;
  bool IsOverHardLimit() const;
  bool IsOverOutputLimit();
  void CloseForOutput();
  void OnBlockTimeout();

  Worker& worker_;
  std::unique_ptr<PlainStream> stream_;
  RequestParser parser_;
  memcache::RequestParser memcache_parser_;
  memcache::BinaryParser binary_parser_;
  memcache::LoginParser login_parser_;
  ByteBuffer input_;  // bytes not yet used, and before them some that were
  size_t input_used_ = 0;
  OutputBuffer output_;  // replies not yet sent
  Timer block_timer_;
  // kUsual: RESP, or memcached's text protocols. kUnknown: the first byte will tell.
  enum class Dialect : uint8_t { kUsual, kUnknown, kBinary, kTextLogin };
  Dialect dialect_ = Dialect::kUsual;
  bool is_closed_ = false;
  bool is_masked_ = false;
  bool is_paused_ = false;  // a pause was on when this turn looked
  bool is_dirty_ = false;   // on the worker's flush list
  bool is_writable_armed_ = false;
  bool is_postponed_ = false;  // will be called next turn for input it has
  uint64_t soft_limit_since_ms_ = 0;
  std::unique_ptr<ReplicaFeed> feed_;
  uint64_t told_offset_ = 0;
  uint64_t fed_ms_ = 0;  // when something of it was sent last
  Client client_;
};

}  // namespace kiln
