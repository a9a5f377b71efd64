// Encrypted connections.
#include "params/tables.h"

namespace kiln {
namespace {

// clang-format off
constexpr Parameter kRows[] = {
  // name                       alias  type           initial  allowed            apply        flags                   member  help
  {"tls-auth-clients",          "",    ParameterType::kEnum,   "yes",   "no,yes,optional", Apply::kNow, kNoEffect,              {},     "Whether clients must show a certificate."},
  {"tls-ca-cert-dir",           "",    ParameterType::kString, "",      "",                Apply::kNow, kNoEffect,              {},     "Folder of trusted certificates."},
  {"tls-ca-cert-file",          "",    ParameterType::kString, "",      "",                Apply::kNow, kNoEffect,              {},     "File of trusted certificates."},
  {"tls-cert-file",             "",    ParameterType::kString, "",      "",                Apply::kNow, kNoEffect,              {},     "The server's certificate."},
  {"tls-ciphers",               "",    ParameterType::kString, "",      "",                Apply::kNow, kNoEffect,              {},     "Ciphers for TLS 1.2."},
  {"tls-ciphersuites",          "",    ParameterType::kString, "",      "",                Apply::kNow, kNoEffect,              {},     "Ciphers for TLS 1.3."},
  {"tls-client-cert-file",      "",    ParameterType::kString, "",      "",                Apply::kNow, kNoEffect,              {},     "Certificate shown when Kiln itself connects."},
  {"tls-client-key-file",       "",    ParameterType::kString, "",      "",                Apply::kNow, kNoEffect,              {},     "Key of that certificate."},
  {"tls-client-key-file-pass",  "",    ParameterType::kString, "",      "",                Apply::kNow, kSensitive | kNoEffect, {},     "Passphrase of that key."},
  {"tls-cluster",               "",    ParameterType::kBool,   "no",    "",                Apply::kNow, kNoEffect,              {},     "Use TLS between nodes."},
  {"tls-dh-params-file",        "",    ParameterType::kString, "",      "",                Apply::kNow, kNoEffect,              {},     "Diffie-Hellman parameters."},
  {"tls-key-file",              "",    ParameterType::kString, "",      "",                Apply::kNow, kNoEffect,              {},     "Key of the server's certificate."},
  {"tls-key-file-pass",         "",    ParameterType::kString, "",      "",                Apply::kNow, kSensitive | kNoEffect, {},     "Passphrase of that key."},
  {"tls-port",                  "",    ParameterType::kInt,    "0",     "0..65535",        Apply::kNow, kNoEffect,              {},     "Port for TLS; 0 listens on none."},
  {"tls-prefer-server-ciphers", "",    ParameterType::kBool,   "no",    "",                Apply::kNow, kNoEffect,              {},     "Choose by the server's order of ciphers."},
  {"tls-protocols",             "",    ParameterType::kString, "",      "",                Apply::kNow, kNoEffect,              {},     "Versions of TLS that are allowed."},
  {"tls-replication",           "",    ParameterType::kBool,   "no",    "",                Apply::kNow, kNoEffect,              {},     "Use TLS to the primary."},
  {"tls-session-cache-size",    "",    ParameterType::kInt,    "20480", "0..int",          Apply::kNow, kNoEffect,              {},     "TLS sessions remembered; 0 sets no limit."},
  {"tls-session-cache-timeout", "",    ParameterType::kInt,    "300",   "0..int",          Apply::kNow, kNoEffect,              {},     "Seconds for which they are remembered."},
  {"tls-session-caching",       "",    ParameterType::kBool,   "yes",   "",                Apply::kNow, kNoEffect,              {},     "Let clients resume TLS sessions."},
};
// clang-format on
static_assert(IsSorted(kRows));

}  // namespace

std::span<const Parameter> TlsParameters() {
  return kRows;
}

}  // namespace kiln
