// Encrypted connections.
#include "params/tables.h"

namespace kiln {
namespace {

// clang-format off
constexpr Parameter kRows[] = {
  // name                       alias  type           initial  allowed            apply        flags                   member  help
  {"tls-auth-clients",          "",    Type::kEnum,   "yes",   "no,yes,optional", Apply::kNow, kNoEffect,              {},     "Whether clients must show a certificate."},
  {"tls-ca-cert-dir",           "",    Type::kString, "",      "",                Apply::kNow, kNoEffect,              {},     "Folder of trusted certificates."},
  {"tls-ca-cert-file",          "",    Type::kString, "",      "",                Apply::kNow, kNoEffect,              {},     "File of trusted certificates."},
  {"tls-cert-file",             "",    Type::kString, "",      "",                Apply::kNow, kNoEffect,              {},     "The server's certificate."},
  {"tls-ciphers",               "",    Type::kString, "",      "",                Apply::kNow, kNoEffect,              {},     "Ciphers for TLS 1.2."},
  {"tls-ciphersuites",          "",    Type::kString, "",      "",                Apply::kNow, kNoEffect,              {},     "Ciphers for TLS 1.3."},
  {"tls-client-cert-file",      "",    Type::kString, "",      "",                Apply::kNow, kNoEffect,              {},     "Certificate shown when Kiln itself connects."},
  {"tls-client-key-file",       "",    Type::kString, "",      "",                Apply::kNow, kNoEffect,              {},     "Key of that certificate."},
  {"tls-client-key-file-pass",  "",    Type::kString, "",      "",                Apply::kNow, kSensitive | kNoEffect, {},     "Passphrase of that key."},
  {"tls-cluster",               "",    Type::kBool,   "no",    "",                Apply::kNow, kNoEffect,              {},     "Use TLS between nodes."},
  {"tls-dh-params-file",        "",    Type::kString, "",      "",                Apply::kNow, kNoEffect,              {},     "Diffie-Hellman parameters."},
  {"tls-key-file",              "",    Type::kString, "",      "",                Apply::kNow, kNoEffect,              {},     "Key of the server's certificate."},
  {"tls-key-file-pass",         "",    Type::kString, "",      "",                Apply::kNow, kSensitive | kNoEffect, {},     "Passphrase of that key."},
  {"tls-port",                  "",    Type::kInt,    "0",     "0..65535",        Apply::kNow, kNoEffect,              {},     "Port for TLS; 0 listens on none."},
  {"tls-prefer-server-ciphers", "",    Type::kBool,   "no",    "",                Apply::kNow, kNoEffect,              {},     "Choose by the server's order of ciphers."},
  {"tls-protocols",             "",    Type::kString, "",      "",                Apply::kNow, kNoEffect,              {},     "Versions of TLS that are allowed."},
  {"tls-replication",           "",    Type::kBool,   "no",    "",                Apply::kNow, kNoEffect,              {},     "Use TLS to the primary."},
  {"tls-session-cache-size",    "",    Type::kInt,    "20480", "0..int",          Apply::kNow, kNoEffect,              {},     "TLS sessions remembered; 0 sets no limit."},
  {"tls-session-cache-timeout", "",    Type::kInt,    "300",   "0..int",          Apply::kNow, kNoEffect,              {},     "Seconds for which they are remembered."},
  {"tls-session-caching",       "",    Type::kBool,   "yes",   "",                Apply::kNow, kNoEffect,              {},     "Let clients resume TLS sessions."},
};
// clang-format on
static_assert(IsSorted(kRows));

}  // namespace

std::span<const Parameter> TlsParameters() {
  return kRows;
}

}  // namespace kiln
