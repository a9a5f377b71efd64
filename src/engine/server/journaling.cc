// What commands change, put into the journal while there is one: under the locks of the keys, as
// the command itself, or as what its handler says replays it.

#include <array>
#include <cstring>
#include <utility>

#include "base/number.h"
#include "engine/commands/command_table.h"
#include "engine/journal/unit.h"
#include "engine/server/dispatcher.h"
#include "engine/server/replication.h"
#include "engine/server/server.h"
#include "engine/server/worker.h"

namespace kiln {
namespace {

bool IsLineEnd(const char* at) {
  return std::memcmp(at, "\r\n", 2) == 0;
}

// Whoever parses a request takes two bytes for a line end without looking at them, as Redis does.
// Readers of journals look.
bool HasLineEnds(Arguments words) {
  const char* first = words[0].data() - 3;
  while (*first != '$') --first;
  if (!IsLineEnd(first - 2)) return false;
  for (std::string_view word : words) {
    if (!IsLineEnd(word.data() - 2) || !IsLineEnd(word.data() + word.size())) return false;
  }
  return true;
}

}  // namespace

void Server::SetJournaling(JournalUser user, bool on) {
  auto bit = static_cast<uint8_t>(user);
  bool was_on = journal_users_ != 0;
  journal_users_ = static_cast<uint8_t>(on ? journal_users_ | bit : journal_users_ & ~bit);
  if (was_on && journal_users_ == 0) replication_->OnJournalOff();
  UpdateJournaling();
}

void Server::UpdateJournaling(bool stands_still) {
  bool is_on = journal_users_ != 0 && !stands_still && !replication_->IsReplica();
  for (auto& worker : workers_)
    worker->context().journal = is_on ? &worker->journal_unit() : nullptr;
  journal_.SetBacklog(IsJournaling(JournalUser::kReplicas)
                          ? static_cast<uint64_t>(settings().repl_backlog_bytes)
                          : 0);
}

// What a primary sent stands in this server's journal byte for byte: under the locks of what the
// command changes, so that a cut finds both or neither.
void Dispatcher::InvokeVerbatim(Call& call) {
  JournalSink* sink = std::exchange(context_.journal, nullptr);
  call.command.handler(call);
  context_.journal = sink;
  if (!verbatim_.empty())
    server_.journal().AppendVerbatim(std::exchange(verbatim_, {}), call.client.db);
}

void Dispatcher::InvokeJournaled(Call& call) {
  // Of this command alone, not of those that it runs.
  const char* start = std::exchange(request_start_, nullptr);
  if (is_replaying_verbatim_) [[unlikely]]
    return InvokeVerbatim(call);
  // What expires as it goes from shard to shard is appended while that shard is locked.
  if (call.command.Is(kWalksShards) && !call.covered) return call.command.handler(call);
  JournalUnit& unit = worker_.journal_unit();
  unit.Begin();
  uint64_t changes = context_.stats.changes;
  call.command.handler(call);
  bool has_changed = context_.stats.changes != changes;
  bool replays = has_changed && call.command.Is(kWrite) && !call.replays_itself;
  if (replays && !call.client.is_memcache) {
    Arguments words = call.args.all();
    bool is_written = start != nullptr && HasLineEnds(words);
    is_written ? unit.End(call.db.index(), {start, words.back().data() + words.back().size() + 2})
               : unit.End(call.db.index(), words);
  } else {
    if (replays) ReplayItems(call);
    unit.End();
  }
  if (has_changed) call.client.written_offset = server_.journal().end();
}

// A memcached verb is replayed as what it left behind. Client flags and CAS numbers are not: Redis
// knows none.
void Dispatcher::ReplayItems(Call& call) {
  key_positions_.clear();
  if (!KeyPositions(call.command, call.args.all(), &key_positions_)) return;
  int db = call.db.index();
  for (uint32_t position : key_positions_) {
    std::string_view name = call.args.all()[position];
    const Record* record = call.db.Peek(HashKey(name));
    if (record == nullptr) {
      context_.journal->Replay(db, {"DEL", name});
      continue;
    }
    if (record->type() != Type::kString) continue;
    char scratch[kMaxInt64Chars];
    char digits[kMaxInt64Chars];
    std::string_view value = Db::StringOf(record, scratch);
    if (record->expiry_ms() == kNoExpiry) {
      context_.journal->Replay(db, {"SET", name, value});
    } else {
      size_t length = FormatInt64(static_cast<int64_t>(record->expiry_ms()), digits);
      context_.journal->Replay(db, {"SET", name, value, "PXAT", {digits, length}});
    }
  }
}

}  // namespace kiln
