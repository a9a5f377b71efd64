// Checks who sent a request: AWS Signature Version 4, in the Authorization header or in the query
// string ("presigned").
//
// The request must name its host among the signed headers, be at most 15 minutes away from the
// clock (presigned: within the seconds it gives itself), and be scoped to this region and service.
// What it signs is the body as received. A presigned request may leave its body unsigned only when
// it has none. Temporary credentials are not known yet. Source: AWS General Reference, "Signature
// Version 4 signing process".
//
// Pure functions of their arguments; any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/aws/fault.h"
#include "http/server.h"

namespace kiln {

// The secret of an access key id; nullopt for one that is not known. Called from many threads.
using CredentialsLookup = std::function<std::optional<std::string>(std::string_view)>;

struct SigV4Place {
  std::string_view region;
  std::string_view service;  // "elasticache"
};

ApiError VerifySigV4(const HttpRequest& request, const SigV4Place& place, int64_t now_ms,
                     const CredentialsLookup& credentials);

// The parts of a signature, for the check and for tests.

struct SigV4Credential {
  std::string key_id;
  std::string date;  // "20150830"
  std::string region;
  std::string service;

  std::string Scope() const { return date + "/" + region + "/" + service + "/aws4_request"; }
};

struct SigV4Claim {
  SigV4Credential credential;
  std::vector<std::string> signed_headers;  // In lower case.
  std::string signature;                    // 64 hexadecimal digits.
  std::string time;                         // "20150830T123600Z"
  std::optional<int64_t> expires_seconds;   // Presigned requests only.
  bool has_session_token = false;
};

// What the request says of its signature.
ApiError ParseSigV4Claim(const HttpRequest& request, SigV4Claim* claim);

// `payload_hash`: hexadecimal SHA-256 of the body, or "UNSIGNED-PAYLOAD".
std::string CanonicalRequest(const HttpRequest& request, const SigV4Claim& claim,
                             std::string_view payload_hash);
std::string SigV4Signature(const SigV4Claim& claim, std::string_view canonical_request,
                           std::string_view secret);
std::string Sha256Hex(std::string_view bytes);

}  // namespace kiln
