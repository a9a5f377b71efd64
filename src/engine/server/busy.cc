// Serving clients while a script goes on for too long.
//
// The script stands still meanwhile (its worker is inside the Lua hook), and workers serve one
// after another, so whatever runs here runs alone. Only what Redis allows beside a busy script is
// run; everything else is refused with -BUSY. The batch that the worker was in the middle of is put
// aside. What has not begun of it is answered like the rest, except for the session whose request
// runs and the one that is being parsed: these are masked, nothing touches them.

#include "engine/server/admission.h"
#include "engine/server/dispatcher.h"
#include "engine/server/server.h"
#include "engine/server/worker.h"

namespace kiln {
namespace {

constexpr std::string_view kBusy =
    "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.";
constexpr std::string_view kBusyFunction =
    "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.";

}  // namespace

void Worker::ServeWhileBusy() {
  if (is_serving_busy_) return;
  is_serving_busy_ = true;
  auto batch = std::make_unique<RequestBatch>();
  auto read_space = std::make_unique_for_overwrite<char[]>(kReadBytes);
  size_t read_used = std::exchange(read_used_, 0);
  size_t next = dispatcher_->next();
  std::swap(*batch, batch_);
  read_space.swap(read_space_);
  Session* running = next > 0 ? batch->requests[next - 1].session : nullptr;
  Session* active = SetActive(nullptr);
  for (Session* session : {running, active}) {
    if (session != nullptr) session->SetMasked(true);
  }
  dispatcher_->RunBusyBatch(*batch, next);
  loop_.CallReadyNow();
  RunBatch();
  FlushDirty();
  for (Session* session : {running, active}) {
    if (session != nullptr) session->SetMasked(false);
  }
  SetActive(active);
  std::swap(*batch, batch_);
  read_space.swap(read_space_);
  read_used_ = read_used;
  is_serving_busy_ = false;
}

bool Dispatcher::ServeOthers() {
  worker_.ServeWhileBusy();
  server_.gate().LetWaitersServe();
  return worker_.loop().IsStopped();
}

void Dispatcher::RunBusyBatch(RequestBatch& batch, size_t next) {
  uint64_t ticks = ticks_;
  CallEffects effects = std::exchange(effects_, {});
  size_t kept = next;
  for (; next < batch.size; ++next) {
    const Request& request = batch.requests[next];
    Session& session = *request.session;
    if (session.is_masked()) {
      // Its key points at the hint of the place it leaves, where another request's may come.
      batch.requests[kept] = request;
      batch.requests[kept++].first_key.seen = nullptr;
      continue;
    }
    Client& client = session.client();
    if (session.is_closed() || client.close_after_reply) continue;
    worker_.LendOutput(session.output());
    size_t reply_start = session.output().size();
    Reply reply(session.output(), client.protocol_version);
    RunWhileBusy(request, request.arguments, client, reply);
    client.is_plain = client.IsPlain();
    FinishReply(session, reply_start, true);
  }
  batch.size = kept;
  effects_ = std::move(effects);
  ticks_ = ticks;
}

void Dispatcher::RunWhileBusy(const Request& request, Arguments arguments, Client& client,
                              Reply& reply) {
  const Command* command = request.command;
  std::optional<std::string> refusal;
  bool is_sound =
      command != nullptr && command->HasArity(arguments.size()) && !command->Is(kContainer);
  if (!is_sound || !client.authenticated || client.is_limited)
    refusal = Admit(command, arguments, client, worker_);
  if (refusal == kNoPermission) refusal = DenyAccess(*command, arguments, client, server_.access());
  bool is_queued = client.transaction.active && command != nullptr && !command->Is(kImmediate);
  bool is_function = services_.scripts->IsFunctionRunning();
  // Each kind is asked about, and killed, by its own command.
  bool is_other_kind = !refusal && command->name == (is_function ? "SCRIPT|KILL" : "FUNCTION|KILL");
  bool is_stats = !refusal && !is_function && command->name == "FUNCTION|STATS";
  if (!refusal && (is_queued || !command->Is(kAllowBusy) || is_other_kind || is_stats))
    refusal = is_function ? kBusyFunction : kBusy;
  if (refusal) {
    client.transaction.aborted |= client.transaction.active;
    CountRefused(command, *refusal);
    if (command == nullptr || !command->Is(kLocksQueue)) return reply.Error(*refusal);
    DiscardTransaction(client, true);
    return reply.Error("EXECABORT Transaction discarded because of: " + *refusal);
  }
  Call call(*command, ArgumentCursor(arguments, command->words, &request.first_key), reply,
            Db(keyspace_, client.db, context_), client, services_, effects_);
  call.covered = true;
  call.may_block = false;
  command->handler(call);
}

}  // namespace kiln
