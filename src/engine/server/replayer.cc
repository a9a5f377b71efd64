#include "engine/server/replayer.h"

#include <utility>

#include "base/log.h"
#include "engine/commands/command_table.h"
#include "engine/server/dispatcher.h"
#include "engine/server/server.h"
#include "engine/server/worker.h"

namespace kiln {
namespace {

// A primary sends changes; it does not end, save or redirect its replicas.
bool IsForOperators(const Command& command) {
  return command.Is(kAdmin) && command.name != "REPLCONF";
}

}  // namespace

Replayer::Replayer(Worker& worker, Journal* journal) : worker_(worker), journal_(journal) {
  client_.handle = {worker.index(), 0};
  client_.is_admin = true;
  client_.is_primary = journal != nullptr;
}

void Replayer::DropTransaction() {
  client_.transaction = Transaction{};
}

size_t Replayer::Feed(std::string_view bytes) {
  size_t used = 0;
  RequestLimits limits{INT64_MAX, true};
  while (error_.empty() && used < bytes.size()) {
    if (bytes[used] == '#' && !parser_.in_request()) {
      // A note between commands, such as the time.
      size_t end = bytes.find('\n', used);
      if (end == std::string_view::npos) break;
      RunBatch(bytes);
      used = end + 1;
      if (!in_transaction()) whole_bytes_ = bytes_ + used;
      continue;
    }
    size_t first = batch_.arguments.size();
    size_t consumed = 0;
    auto status = parser_.Parse(bytes.substr(used), limits, &batch_.arguments, &consumed);
    if (status == RequestParser::Status::kIncomplete) break;
    // Whoever writes journals writes no inline commands.
    if (status == RequestParser::Status::kBroken || bytes[used] != '*') {
      error_ = "Bad file format";
      break;
    }
    used += consumed;
    Arguments arguments{batch_.arguments.data() + first, batch_.arguments.size() - first};
    if (arguments.empty()) continue;
    Request& request = batch_.requests[batch_.size];
    ends_[batch_.size++] = bytes_ + used;
    request.session = nullptr;
    request.arguments = arguments;
    request.command = worker_.server().commands().FindFor(true, arguments);
    request.hint.home = nullptr;
    request.first_key = {};
    const Command* command = request.command;
    if (command != nullptr && command->first_key != 0 && command->first_key < arguments.size()) {
      request.first_key = HashKey(arguments[command->first_key]);
      request.hint = worker_.server()
                         .keyspace()
                         .table(client_.db, request.first_key.shard())
                         .records.PrefetchBucket(request.first_key.table_hash(),
                                                 static_cast<uint16_t>(client_.db));
      request.first_key.seen = &request.hint;
    }
    if (batch_.size == RequestBatch::kMax || (command != nullptr && command->Is(kEndsBatch)))
      RunBatch(bytes);
  }
  RunBatch(bytes);
  bytes_ += used;
  return used;
}

void Replayer::RunBatch(std::string_view bytes) {
  for (size_t i = 0; i < batch_.size; ++i)
    Table<RecordPolicy>::PrefetchEntry(&batch_.requests[i].hint);
  Dispatcher& dispatcher = worker_.dispatcher();
  dispatcher.BeginReplay(journal_ != nullptr);
  for (size_t i = 0; i < batch_.size && error_.empty(); ++i) {
    if (journal_ == nullptr) {
      Run(batch_.requests[i]);
    } else {
      uint64_t start = std::exchange(journaled_bytes_, ends_[i]);
      RunAndJournal(batch_.requests[i], bytes.substr(start - bytes_, ends_[i] - start));
    }
    if (error_.empty() && !in_transaction()) whole_bytes_ = ends_[i];
  }
  dispatcher.EndReplay();
  batch_.Clear();
}

void Replayer::RunAndJournal(const Request& request, std::string_view bytes) {
  const Command* command = request.command;
  if (command == nullptr || !command->HasArity(request.arguments.size()) ||
      command->Is(kContainer) || IsForOperators(*command)) {
    Log(LogLevel::kWarning, "== CRITICAL == The primary sent a command that cannot be run here: " +
                                std::string(request.arguments[0].substr(0, 64)));
    journal_->AppendVerbatim(bytes, client_.db);
    return;
  }
  if (!pending_.empty()) bytes = pending_.append(bytes);
  ++commands_;
  Reply reply(replies_);
  bool is_journaled = worker_.dispatcher().RunReplayed(request, client_, reply, bytes);
  if (replies_.view().starts_with('-')) LogError(*command);
  if (replies_.size() > 0) replies_.Truncate(0);
  if (in_transaction()) {
    if (pending_.empty()) pending_ = bytes;
    return;
  }
  if (!is_journaled) journal_->AppendVerbatim(bytes, client_.db);
  pending_.clear();
}

// The databases here and there differ.
void Replayer::LogError(const Command& command) const {
  std::string_view error = replies_.view().substr(1);
  std::string name(command.name);
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  Log(LogLevel::kWarning, "== CRITICAL == This replica is sending an error to its master: '" +
                              std::string(error.substr(0, error.find('\r'))) +
                              "' after processing the command '" + name + "'");
}

void Replayer::Run(const Request& request) {
  const Command* command = request.command;
  if (command == nullptr || !command->HasArity(request.arguments.size()) ||
      command->Is(kContainer)) {
    error_ = "Unknown command '" + std::string(request.arguments[0].substr(0, 64)) +
             "' reading the append only file";
    return;
  }
  ++commands_;
  Reply reply(replies_);
  (void)worker_.dispatcher().RunReplayed(request, client_, reply, {});
  if (replies_.size() > 0) replies_.Truncate(0);
}

}  // namespace kiln
