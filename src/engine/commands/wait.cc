// WAIT and WAITAOF: wait until replicas and the append-only file have what the client wrote. There
// are neither yet, so who asks for none is answered at once, and anybody else when the timeout
// passes.

#include <limits>

#include "base/number.h"
#include "engine/commands/call.h"
#include "engine/commands/groups.h"

namespace kiln {
namespace {

// The next argument, as a deadline in Unix ms; 0 is none.
uint64_t ReadDeadline(Call& call) {
  constexpr int64_t kForever = std::numeric_limits<int64_t>::max();
  int64_t timeout_ms = call.args.Integer(Error::kTimeoutNotInteger);
  if (!call.args.ok() || timeout_ms == 0) return 0;
  auto now = static_cast<int64_t>(call.now_ms());
  if (timeout_ms < 0) call.args.Fail(Error::kTimeoutNegative);
  if (timeout_ms > kForever - now) call.args.Fail(Error::kTimeoutOutOfRange);
  return static_cast<uint64_t>(now) + static_cast<uint64_t>(timeout_ms);
}

// WAIT numreplicas timeout
void Wait(Call& call) {
  int64_t replicas = call.args.Integer();
  uint64_t deadline_ms = ReadDeadline(call);
  if (!call.args.Done()) return call.Fail(call.args.error());
  if (replicas <= 0) return call.reply.Integer(0);
  call.Block({}, deadline_ms, ":0\r\n");
}

// WAITAOF numlocal numreplicas timeout
void WaitAof(Call& call) {
  int64_t local = call.args.Integer();
  if (!call.args.ok()) return call.Fail(call.args.error());
  if (local < 0 || local > 1)
    return call.FailText("ERR value is out of range, value must between 0 and 1");
  int64_t replicas = call.args.Integer();
  if (replicas < 0) call.args.Fail(Error::kNotPositive);
  uint64_t deadline_ms = ReadDeadline(call);
  if (!call.args.Done()) return call.Fail(call.args.error());
  if (local > 0) {
    return call.FailText(
        "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.");
  }
  constexpr std::string_view kNobody = "*2\r\n:0\r\n:0\r\n";
  if (replicas == 0) return call.reply.Raw(kNobody);
  call.Block({}, deadline_ms, kNobody);
}

// clang-format off
constexpr Command kWaitCommands[] = {
  // name     arity  keys          flags      acl               handler  since    usage                           summary
  {"WAIT",    3,     Keys::None(), 0,         Acl::kConnection, Wait,    "3.0.0", "numreplicas timeout",          "Waits until so many replicas have all that the client wrote."},
  {"WAITAOF", 4,     Keys::None(), kNoScript, Acl::kConnection, WaitAof, "7.2.0", "numlocal numreplicas timeout", "Waits until all that the client wrote is in the append-only files here and on replicas."},
};
// clang-format on
static_assert(WellFormed(kWaitCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> WaitCommands() {
  return kWaitCommands;
}

}  // namespace kiln
