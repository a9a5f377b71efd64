// Dispatcher: takes a request from admission to reply. One per worker.
//
//   Run: admit -> queue (MULTI) or plan locks -> lock -> handler -> serve waiters -> unlock ->
//   account
//
// Locks are taken here and nowhere else: from the keys that the command's row names, in ascending
// shard order, or the Gate alone. A handler runs to its end under them.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/commands/access_control.h"
#include "engine/commands/call.h"
#include "engine/commands/services.h"
#include "engine/server/command_stats.h"
#include "engine/server/lock_plan.h"
#include "engine/server/request_batch.h"

namespace kiln {

class Server;
class Session;
class Worker;

class Dispatcher final : public NestedRunner {
 public:
  Dispatcher(Server& server, Worker& worker);

  // Runs the requests in order. Looks at the time, at memory and at monitors once for all of them.
  void RunBatch(const RequestBatch& batch);

  // Requests of a journal, between the two: nothing is due then. See Replayer. `is_verbatim`: they
  // are put into this server's journal as they came, which RunReplayed is given; true: it has been.
  void BeginReplay(bool is_verbatim);
  bool RunReplayed(const Request& request, Client& client, Reply& reply, std::string_view verbatim);
  // They come from within a command that runs alone, or do so no more.
  void SetAlone(bool is_alone) { is_alone_ = is_alone; }
  void EndReplay();

  void RunNested(Call& outer, const Command& command, Arguments arguments, Reply& reply) override;
  bool MakeRoom() override;
  bool ServeOthers() override;
  void CountRefused(const Command* command, std::string_view error) override;
  void DiscardTransaction(Client& client, bool covered) override;

  // The same for requests that come while a script runs for too long: from the next one on that has
  // not begun yet, but for masked sessions; they are struck off the batch.
  void RunBusyBatch(RequestBatch& batch, size_t next);
  // The place in the batch behind the request that runs.
  size_t next() const { return next_; }

  // The client's wait is over without a reply from a writer: sends `reply`, or the one it asked for
  // on timeout.
  void EndWait(Session& session);
  // The same for a wait for replicas that has come to its end, if it is still this one.
  void EndReplicationWait(Session& session, uint64_t ticket, std::string_view reply);
  // The same for somebody who holds the Gate alone; the owner learns by mail. False when it was not
  // waiting.
  bool EndWaitAlone(Client& client, std::string_view reply);
  // The client is about to be closed: it leaves all lines now. For somebody who holds the Gate
  // alone.
  void ForgetAlone(Client& client);
  // The connection is gone: takes it out of all lines and lists.
  void Forget(Session& session);

 private:
  friend class AdmissionTest;

  void ReadSettings();
  void Run(const Request& request, Arguments arguments);
  void RefuseHttp(Session& session);
  // For a client that tracks. False when it is closed.
  bool PrepareTracking(Session& session);
  void RunSpecial(const Request& request, Arguments arguments, Client& client, Reply& reply);
  void Refuse(const Command* command, std::string_view refusal, Client& client, Reply& reply);
  void RunMemcache(const Request& request, Arguments arguments, Client& client, Reply& reply);
  // The usual way knows that there are no monitors, and that the client does not track.
  template <bool kIsSpecial>
  void RunAdmitted(const Request& request, Arguments arguments, Client& client, Reply& reply);
  // The usual case, one key in one shard with nobody waiting; false when it takes more.
  template <bool kIsSpecial>
  bool RunWithOneShard(const Request& request, Call& call);
  void RunWithPlan(const Command& command, Call& call);
  void PlanLocks(const Command& command, Arguments arguments, const Client& client);
  void PlanQueue(const Client& client);
  // Whether a script that would run alone may do with the locks of its keys.
  bool SharesKeyspace(const Command& command, Arguments arguments, const Client& client);
  void RunWithKeys(const Command& command, Call& call);
  // Whether the locks of the script that runs cover this command of it. Finds its first key.
  bool CoversNested(const Command& command, Arguments arguments, Key* first_key);
  void Handle(const Command& command, Call& call);
  // Runs the handler, and puts what it changes into the journal if there is one.
  void Invoke(Call& call) {
    if (context_.journal == nullptr) [[likely]]
      return call.command.handler(call);
    InvokeJournaled(call);
  }
  void InvokeJournaled(Call& call);
  void InvokeVerbatim(Call& call);
  void ReplayItems(Call& call);
  // Under the locks of the call's keys: whoever tracks what it reads has read them.
  void RememberRead(const Command& command, const Call& call);
  void RunWhileBusy(const Request& request, Arguments arguments, Client& client, Reply& reply);
  void Queue(const Command& command, Arguments arguments, Client& client, Reply& reply);

  // Under the locks of all the call's shards.
  void StartWait(Call& call, const Command& command);
  void ServeReady(std::vector<DbKey> ready);
  // False when the client still has to wait.
  bool ServeWaiter(const std::shared_ptr<BlockedRequest>& waiter, std::vector<DbKey>* ready);
  bool RefuseWaiter(const std::shared_ptr<BlockedRequest>& waiter, Denial denial);
  void LeaveLines(const Waiter& waiter);

  void Account(const Command& command, const Call& call, uint64_t started_ticks);
  void CountError(std::string_view reply_line);
  void FinishReply(Session& session, size_t reply_start, bool is_reply);

  Server& server_;
  Worker& worker_;
  Keyspace& keyspace_;
  StoreContext& context_;
  LockPlan plan_;
  const LockPlan* script_plan_ = nullptr;  // of a script that does not run alone
  std::vector<uint32_t> key_positions_;
  uint64_t slow_ticks_ = 0;  // commands that take longer are looked at
  Services services_;
  CallEffects effects_;  // of the call that runs
  size_t next_ = 0;
  uint64_t ticks_ = 0;  // when the last command ended, or the batch began
  // Flags of commands that cannot take the short way now.
  // Flags of the commands that do not run in the usual way, and of those that may be refused.
  uint32_t special_flags_ = 0;
  uint32_t checked_flags_ = 0;
  bool marks_data_ = false;  // who sees data is to be known
  bool is_replaying_verbatim_ = false;
  const char* request_start_ = nullptr;  // as Request has it, of the command that runs
  std::string_view verbatim_;            // that is to be journaled with the command that runs
  bool has_monitors_ = false;
  bool is_paused_ = false;
  bool is_alone_ = false;  // replays within a command that runs alone
  bool tracks_latency_ = false;
  CommandStats* command_stats_ = nullptr;  // the worker's, by command number
  Client retry_client_;                    // stands in for the client whose wait is being served
};

}  // namespace kiln
