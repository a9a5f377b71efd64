// Replayer: applies a stream of commands, as a journal has them, to the keyspace: an append-only
// file that is read at the start, or what a primary sends.
//
// The commands run as a client's would, through the same locks, batches and handlers, but are
// admitted without a question; and nothing expires, for the stream says itself when a key goes.
// A transaction runs when its EXEC comes.
//
// Thread safety: used by its worker, inside a turn.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/byte_buffer.h"
#include "engine/commands/client.h"
#include "engine/journal/journal.h"
#include "engine/server/request_batch.h"
#include "protocol/resp/request_parser.h"

namespace kiln {

class Worker;

class Replayer {
 public:
  // With `journal`: what is applied is also put there, byte for byte; and commands that do not
  // exist are passed over.
  explicit Replayer(Worker& worker, Journal* journal = nullptr);

  // Runs the complete commands at the front of `bytes`, which goes on where the last call's
  // consumed bytes ended; returns how many bytes they took. Stops at the first that cannot be.
  size_t Feed(std::string_view bytes);
  // Why it stopped; empty: it has not.
  const std::string& error() const { return error_; }
  // Bytes of the stream up to the last command outside of a transaction, and up to the last one.
  uint64_t whole_bytes() const { return whole_bytes_; }
  uint64_t bytes() const { return bytes_; }
  bool in_transaction() const { return client_.transaction.active; }
  uint64_t commands() const { return commands_; }
  void SelectDatabase(int db) { client_.db = db; }
  Client& client() { return client_; }
  // Forgets a transaction whose EXEC will not come.
  void DropTransaction();

 private:
  void RunBatch(std::string_view bytes);
  void Run(const Request& request);
  void LogError(const Command& command) const;
  void RunAndJournal(const Request& request, std::string_view bytes);

  Worker& worker_;
  Journal* journal_;
  std::string pending_;  // of a transaction that has begun, for the journal
  Client client_;
  RequestParser parser_;
  RequestBatch batch_;
  uint64_t ends_[RequestBatch::kMax] = {};  // of the batch's requests in the stream
  ByteBuffer replies_;
  std::string error_;
  uint64_t bytes_ = 0;
  uint64_t whole_bytes_ = 0;
  uint64_t commands_ = 0;
  uint64_t journaled_bytes_ = 0;  // of the stream
};

}  // namespace kiln
