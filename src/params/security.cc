// Who may do what.
#include "params/tables.h"

namespace kiln {
namespace {

// clang-format off
constexpr Parameter kRows[] = {
  // name                      alias  type           initial          allowed                      apply          flags       member                               help
  {"acl-pubsub-default",       "",    ParameterType::kEnum,   "resetchannels", "allchannels,resetchannels", Apply::kNow,   0,          &Settings::acl_pubsub_default,       "Channels that new users may use."},
  {"aclfile",                  "",    ParameterType::kString, "",              "",                          Apply::kStart, 0,          &Settings::aclfile,                  "File with the users."},
  {"acllog-max-len",           "",    ParameterType::kInt,    "128",           "0..long",                   Apply::kNow,   0,          &Settings::acllog_max_len,           "Entries of the ACL log."},
  {"enable-debug-command",     "",    ParameterType::kEnum,   "no",            "no,yes,local",              Apply::kStart, 0,          &Settings::enable_debug_command,     "Who may use DEBUG."},
  {"enable-module-command",    "",    ParameterType::kEnum,   "no",            "no,yes,local",              Apply::kStart, kNoEffect,  &Settings::enable_module_command,    "Who may use MODULE."},
  {"enable-protected-configs", "",    ParameterType::kEnum,   "no",            "no,yes,local",              Apply::kStart, 0,          &Settings::enable_protected_configs, "Who may change protected parameters."},
  {"managed-node",             "",    ParameterType::kBool,   "no",            "",                          Apply::kStart, kHidden,    &Settings::managed_node,             "Refuse what a managed service keeps to itself (CONFIG SET, REPLICAOF, SHUTDOWN ...) and mask secrets, but on the admin socket."},
  {"requirepass",              "",    ParameterType::kString, "",              "",                          Apply::kNow,   kSensitive, &Settings::requirepass,              "Password of the default user."},
};
// clang-format on
static_assert(IsSorted(kRows));

}  // namespace

std::span<const Parameter> SecurityParameters() {
  return kRows;
}

}  // namespace kiln
