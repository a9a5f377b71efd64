// Where clients connect, and how connections are kept.
#include "params/tables.h"

namespace kiln {
namespace {

// clang-format off
constexpr Parameter kRows[] = {
  // name              alias  type              initial   allowed     apply          flags       member                      help
  {"admin-socket",     "",    ParameterType::kString,    "",       "",         Apply::kStart, kHidden,    &Settings::admin_socket,    "Path of a unix socket, for this user only, on which every command may be run: no password, no limit of clients, nothing refused by managed-node."},
  {"bind",             "",    ParameterType::kAddresses, "* -::*", "",         Apply::kNow,   kMultiWord, &Settings::bind,            "Addresses to listen on; one with a leading '-' may be missing."},
  {"bind-source-addr", "",    ParameterType::kString,    "",       "",         Apply::kNow,   kNoEffect,  {},                         "Address that outgoing connections come from."},
  {"endpoints",        "",    ParameterType::kEndpoints, "",       "",         Apply::kNow,   kMultiWord, &Settings::endpoints,       "Further addresses to listen on, as address:port; several processes of one user may hold the same one."},
  {"memcached-bind",   "",    ParameterType::kAddresses, "",       "",         Apply::kStart, kMultiWord | kHidden, &Settings::memcached_bind,  "Addresses of memcached-port; without any, those of bind."},
  {"memcached-port",   "",    ParameterType::kInt,       "0",      "0..65535", Apply::kStart, kHidden,    &Settings::memcached_port,  "TCP port on which memcached's protocols are spoken, over database 0; 0 is none."},
  {"port",             "",    ParameterType::kInt,       "6379",   "0..65535", Apply::kNow,   0,          &Settings::port,            "TCP port; 0 listens on none."},
  {"protected-mode",   "",    ParameterType::kBool,      "yes",    "",         Apply::kNow,   0,          &Settings::protected_mode,  "Without a password and with default addresses, serve only local clients."},
  {"socket-mark-id",   "",    ParameterType::kInt,       "0",      "0..uint",  Apply::kStart, kNoEffect,  {},                         "Mark put on listening sockets for packet filters."},
  {"tcp-backlog",      "",    ParameterType::kInt,       "511",    "0..int",   Apply::kStart, 0,          &Settings::tcp_backlog,     "Connections that may wait to be accepted."},
  {"tcp-keepalive",    "",    ParameterType::kInt,       "300",    "0..int",   Apply::kNow,   0,          &Settings::tcp_keepalive_s, "Seconds between probes of silent connections; 0 sends none."},
  {"timeout",          "",    ParameterType::kInt,       "0",      "0..int",   Apply::kNow,   0,          &Settings::timeout_s,       "Seconds after which an idle client is closed; 0 never closes."},
  {"unixsocket",       "",    ParameterType::kString,    "",       "",         Apply::kStart, 0,          &Settings::unixsocket,      "Path of a unix socket to listen on as well."},
  {"unixsocketperm",   "",    ParameterType::kOctal,     "0",      "0..777",   Apply::kStart, 0,          &Settings::unixsocketperm,  "Mode bits of the unix socket, in octal."},
};
// clang-format on
static_assert(IsSorted(kRows));

}  // namespace

std::span<const Parameter> NetworkParameters() {
  return kRows;
}

}  // namespace kiln
