// How clients of memcached's protocols log in, where they have to: by SASL in the binary protocol,
// with a line of its own in the text ones.
//
// SASL has one mechanism here, PLAIN: an identity, which must be empty or the user; the user; and
// the password, with a zero byte before each of these two (RFC 4616). A new attempt ends the login
// before it, whatever comes of it. Until a client has logged in its connection's parser takes
// nothing but what is here. Source: memcached 1.6.18.

#include <algorithm>

#include "engine/commands/groups.h"
#include "engine/commands/memcache_item.h"
#include "engine/commands/memcache_packet.h"
#include "engine/commands/memcache_users.h"
#include "protocol/memcache/binary_parser.h"

namespace kiln {
namespace {

using memcache::BinaryStatus;

// Notes what came of an attempt.
bool LogIn(Call& call, bool is_right) {
  ++Counters(call).logins;
  if (!is_right) ++Counters(call).bad_logins;
  call.client.authenticated = is_right;
  return is_right;
}

constexpr std::string_view kPlain = "PLAIN";

bool IsPlainMechanism(std::string_view name) {
  return std::equal(name.begin(), name.end(), kPlain.begin(), kPlain.end(),
                    [](char c, char upper) { return c == upper || c == (upper | 0x20); });
}

bool CheckPlain(Call& call, std::string_view message) {
  size_t first = message.find('\0');
  if (first == std::string_view::npos) return false;
  size_t second = message.find('\0', first + 1);
  if (second == std::string_view::npos) return false;
  std::string_view user = message.substr(first + 1, second - first - 1);
  std::string_view password = message.substr(second + 1);
  bool is_himself = first == 0 || message.substr(0, first) == user;
  if (!is_himself || user.empty() || password.empty()) return false;
  return call.services.memcache_users->Check(user, password);
}

void AnswerLogin(Call& call, const Packet& request) {
  call.HideArgument(memcache::BinaryParser::kValue);
  if (!LogIn(call, CheckPlain(call, request.value)))
    return AnswerError(call, request, BinaryStatus::kAuthError);
  call.client.is_login_begun = false;
  AnswerDone(call, request, 0, {{}, {}, "Authenticated"});
}

// sasl list mechs
void List(Call& call) {
  call.client.authenticated = false;
  AnswerDone(call, Packet(call), 0, {{}, {}, kPlain});
}

// sasl auth: mechanism, value
// Who sends no value is asked for it, and sends it with the next step.
void Start(Call& call) {
  Packet request(call);
  call.client.authenticated = call.client.is_login_begun = false;
  if (!IsPlainMechanism(call.args.Text())) {
    LogIn(call, false);
    return AnswerError(call, request, BinaryStatus::kAuthError);
  }
  if (!request.value.empty()) return AnswerLogin(call, request);
  call.client.is_login_begun = true;
  Answer(call, request, BinaryStatus::kAuthContinue, 0, {});
}

// sasl step: mechanism, value
void Step(Call& call) {
  Packet request(call);
  if (call.client.is_login_begun) return AnswerLogin(call, request);
  LogIn(call, false);
  AnswerError(call, request, BinaryStatus::kAuthError);
}

// "set key flags exptime bytes" and "user password": the parser's arguments are these two.
void TextLogin(Call& call) {
  std::string_view user = call.args.Text();
  std::string_view password = call.args.Text();
  call.HideArgument(2);
  bool is_in = LogIn(call, call.services.memcache_users->Check(user, password));
  call.reply.Raw(is_in ? "STORED\r\n" : "CLIENT_ERROR authentication failure\r\n");
}

// clang-format off
constexpr Command kMemcacheLoginCommands[] = {
  // name             arity  keys          flags               acl               handler    since    usage              summary
  {"bin sasl_list",   4,     Keys::None(), kFast | kEndsBatch, Acl::kConnection, List,      "1.4.3", "key frame value", "Names the ways to log in."},
  {"bin sasl_start",  4,     Keys::None(), kFast | kEndsBatch, Acl::kConnection, Start,     "1.4.3", "key frame value", "Logs in, or begins to."},
  {"bin sasl_step",   4,     Keys::None(), kFast | kEndsBatch, Acl::kConnection, Step,      "1.4.3", "key frame value", "Goes on with logging in."},
  {"text login",      3,     Keys::None(), kFast | kEndsBatch, Acl::kConnection, TextLogin, "1.5.15", "user password",  "Logs in."},
};
// clang-format on
static_assert(WellFormed(kMemcacheLoginCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> MemcacheLoginCommands() {
  return kMemcacheLoginCommands;
}

}  // namespace kiln
