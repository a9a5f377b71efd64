#include "control/aws/sigv4.h"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <cstdlib>

#include "base/check.h"
#include "base/number.h"
#include "control/aws/iso_time.h"
#include "control/aws/query.h"
#include "control/model/names.h"

namespace kiln {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view kTerminator = "aws4_request";
constexpr std::string_view kSignatureField = "X-Amz-Signature";
constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";
constexpr int64_t kMaxSkewMs = 15 * 60 * 1000;
constexpr int64_t kMaxExpiresSeconds = 7 * 24 * 3600;

std::string Hex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (unsigned char c : bytes) {
    hex += kDigits[c >> 4];
    hex += kDigits[c & 15];
  }
  return hex;
}

std::string HmacSha256(std::string_view key, std::string_view text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  const unsigned char* done = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes,
                                   text.size(), digest, &size);
  KILN_CHECK(done != nullptr);
  return std::string(reinterpret_cast<const char*>(digest), size);
}

bool IsUnreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.' || c == '~';
}

std::string PercentEncode(std::string_view text, std::string_view also_kept = {}) {
  std::string encoded;
  for (char c : text) {
    if (IsUnreserved(c) || also_kept.find(c) != std::string_view::npos) {
      encoded += c;
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

// Calls visit(part) for each part between separators.
template <typename Visit>
void ForEachPart(std::string_view text, char separator, Visit&& visit) {
  while (true) {
    size_t end = text.find(separator);
    visit(text.substr(0, end));
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

// Without "." and "..", double slashes as one, and encoded once more than it was sent.
std::string CanonicalPath(std::string_view path) {
  std::vector<std::string_view> segments;
  ForEachPart(path, '/', [&](std::string_view segment) {
    if (segment == "..") {
      if (!segments.empty()) segments.pop_back();
    } else if (!segment.empty() && segment != ".") {
      segments.push_back(segment);
    }
  });
  std::string canonical;
  for (std::string_view segment : segments) {
    canonical.append("/").append(PercentEncode(segment));
  }
  if (canonical.empty() || path.ends_with('/')) canonical += '/';
  return canonical;
}

// One name or value in the one form that is signed, however it was written.
std::string CanonicalQueryText(std::string_view text) {
  std::optional<std::string> decoded = PercentDecode(text);
  return PercentEncode(decoded ? std::string_view(*decoded) : text);
}

std::string CanonicalQuery(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> fields;
  ForEachPart(query, '&', [&](std::string_view field) {
    if (field.empty()) return;
    size_t equals = std::min(field.find('='), field.size());
    std::string name = CanonicalQueryText(field.substr(0, equals));
    if (name == kSignatureField) return;
    std::string_view value = field.substr(std::min(equals + 1, field.size()));
    fields.emplace_back(std::move(name), CanonicalQueryText(value));
  });
  std::sort(fields.begin(), fields.end());
  std::string canonical;
  for (const auto& [name, value] : fields) {
    canonical.append(canonical.empty() ? "" : "&").append(name).append("=").append(value);
  }
  return canonical;
}

// Without spaces at the ends, and with one where there are several.
std::string CollapseSpaces(std::string_view text) {
  std::string collapsed;
  for (char c : text) {
    if (c == '\t') c = ' ';
    if (c == ' ' && (collapsed.empty() || collapsed.back() == ' ')) continue;
    collapsed += c;
  }
  if (!collapsed.empty() && collapsed.back() == ' ') collapsed.pop_back();
  return collapsed;
}

std::string CanonicalHeader(const HttpRequest& request, const std::string& name) {
  std::string values;
  auto [first, last] = request.headers.equal_range(name);
  for (auto header = first; header != last; ++header) {
    values.append(header == first ? "" : ",").append(CollapseSpaces(header->second));
  }
  return fmt::format("{}:{}\n", name, values);
}

// ---- What a request claims ----

ApiError Incomplete(std::string message) {
  return {Fault::kIncompleteSignature, std::move(message)};
}

ApiError ParseCredential(std::string_view text, SigV4Credential* credential) {
  std::vector<std::string> parts;
  ForEachPart(text, '/', [&](std::string_view part) { parts.emplace_back(part); });
  if (parts.size() != 5) {
    return Incomplete(
        fmt::format("Credential must have exactly 5 slash-delimited elements, e.g. "
                    "keyid/date/region/service/term, got '{}'",
                    text));
  }
  *credential = {parts[0], parts[1], parts[2], parts[3]};
  if (parts[4] != kTerminator) {
    return {Fault::kSignatureDoesNotMatch,
            fmt::format("Credential should be scoped with a valid terminator: '{}', not '{}'.",
                        kTerminator, parts[4])};
  }
  return NoError();
}

void ParseSignedHeaders(std::string_view text, SigV4Claim* claim) {
  ForEachPart(text, ';', [&](std::string_view name) {
    if (!name.empty()) claim->signed_headers.push_back(LowerCase(name));
  });
}

// "AWS4-HMAC-SHA256 Credential=..., SignedHeaders=..., Signature=..."
ApiError ParseHeaderClaim(const HttpRequest& request, std::string_view header, SigV4Claim* claim) {
  header.remove_prefix(std::min(header.find(' '), header.size()));
  std::map<std::string, std::string> parts;
  ForEachPart(header, ',', [&](std::string_view part) {
    std::string collapsed = CollapseSpaces(part);
    size_t equals = std::min(collapsed.find('='), collapsed.size());
    parts[collapsed.substr(0, equals)] = collapsed.substr(std::min(equals + 1, collapsed.size()));
  });
  std::string missing;
  for (const char* name : {"Credential", "Signature", "SignedHeaders"}) {
    if (parts[name].empty()) {
      missing += fmt::format("Authorization header requires '{}' parameter. ", name);
    }
  }
  claim->time = std::string(request.Header("x-amz-date"));
  if (claim->time.empty()) claim->time = std::string(request.Header("date"));
  if (claim->time.empty()) {
    missing +=
        "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ";
  }
  if (!missing.empty()) {
    missing.pop_back();
    return Incomplete(std::move(missing));
  }
  claim->signature = parts["Signature"];
  claim->has_session_token = !request.Header("x-amz-security-token").empty();
  ParseSignedHeaders(parts["SignedHeaders"], claim);
  return ParseCredential(parts["Credential"], &claim->credential);
}

ApiError ParsePresignedClaim(Arguments::Fields fields, SigV4Claim* claim) {
  for (const char* name :
       {"X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders"}) {
    if (fields[name].empty()) {
      return Incomplete(fmt::format("AWS query-string parameters must include '{}'.", name));
    }
  }
  if (fields["X-Amz-Algorithm"] != kAlgorithm) {
    return Incomplete(fmt::format("'X-Amz-Algorithm' must be {}.", kAlgorithm));
  }
  claim->expires_seconds = ParseInt64(fields["X-Amz-Expires"]);
  if (!claim->expires_seconds || *claim->expires_seconds < 1 ||
      *claim->expires_seconds > kMaxExpiresSeconds) {
    return Incomplete(
        fmt::format("'X-Amz-Expires' must be a number from 1 to {}.", kMaxExpiresSeconds));
  }
  claim->time = fields["X-Amz-Date"];
  claim->signature = fields["X-Amz-Signature"];
  claim->has_session_token = fields.count("X-Amz-Security-Token") != 0;
  ParseSignedHeaders(fields["X-Amz-SignedHeaders"], claim);
  return ParseCredential(fields["X-Amz-Credential"], &claim->credential);
}

// ---- Checks of a claim ----

ApiError Mismatch(std::string message) {
  return {Fault::kSignatureDoesNotMatch, std::move(message)};
}

ApiError CheckScope(const SigV4Claim& claim, const SigV4Place& place) {
  const SigV4Credential& credential = claim.credential;
  if (credential.region != place.region) {
    return Mismatch(
        fmt::format("Credential should be scoped to a valid region, not '{}'.", credential.region));
  }
  if (credential.service != place.service) {
    return Mismatch(
        fmt::format("Credential should be scoped to correct service: '{}'.", place.service));
  }
  if (credential.date != claim.time.substr(0, 8)) {
    return Mismatch(
        fmt::format("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of "
                    "date from HTTP: '{}' != '{}', from '{}'.",
                    credential.date, claim.time.substr(0, 8), claim.time));
  }
  return NoError();
}

ApiError CheckTime(const SigV4Claim& claim, int64_t now_ms) {
  std::optional<int64_t> time_ms = ParseBasicTime(claim.time);
  if (!time_ms) {
    return Incomplete(
        fmt::format("Date must be in ISO-8601 'basic format'. Got '{}'. See "
                    "http://en.wikipedia.org/wiki/ISO_8601",
                    claim.time));
  }
  std::string now = FormatBasicTime(now_ms);
  if (*time_ms > now_ms + kMaxSkewMs) {
    return Mismatch(
        fmt::format("Signature not yet current: {} is still later than {} ({} + 15 min.)",
                    claim.time, FormatBasicTime(now_ms + kMaxSkewMs), now));
  }
  if (claim.expires_seconds) {
    if (*time_ms + *claim.expires_seconds * 1000 >= now_ms) return NoError();
    return {Fault::kRequestExpired, "Request has expired."};
  }
  if (*time_ms < now_ms - kMaxSkewMs) {
    return Mismatch(fmt::format("Signature expired: {} is now earlier than {} ({} - 15 min.)",
                                claim.time, FormatBasicTime(now_ms - kMaxSkewMs), now));
  }
  return NoError();
}

// In a time that does not tell how much of it is right.
bool IsSignatureOf(const HttpRequest& request, const SigV4Claim& claim, std::string_view secret,
                   std::string_view payload_hash) {
  std::string right = SigV4Signature(claim, CanonicalRequest(request, claim, payload_hash), secret);
  return right.size() == claim.signature.size() &&
         CRYPTO_memcmp(right.data(), claim.signature.data(), right.size()) == 0;
}

ApiError CheckSignature(const HttpRequest& request, const SigV4Claim& claim,
                        std::string_view secret) {
  const std::vector<std::string>& headers = claim.signed_headers;
  if (std::find(headers.begin(), headers.end(), "host") == headers.end()) {
    return Mismatch("'Host' must be a 'SignedHeader' in the AWS Authorization.");
  }
  bool may_be_unsigned = claim.expires_seconds && request.body.empty();
  if (IsSignatureOf(request, claim, secret, Sha256Hex(request.body)) ||
      (may_be_unsigned && IsSignatureOf(request, claim, secret, kUnsignedPayload))) {
    return NoError();
  }
  return Mismatch(
      "The request signature we calculated does not match the signature you provided. Check your "
      "AWS Secret Access Key and signing method. Consult the service documentation for details.");
}

}  // namespace

std::string Sha256Hex(std::string_view bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  int done = EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_sha256(), nullptr);
  KILN_CHECK(done == 1);
  return Hex(std::string_view(reinterpret_cast<const char*>(digest), size));
}

ApiError ParseSigV4Claim(const HttpRequest& request, SigV4Claim* claim) {
  std::string_view header = request.Header("authorization");
  if (!header.empty()) {
    if (header.substr(0, header.find(' ')) != kAlgorithm) {
      return Incomplete(fmt::format("Authorization must be by {}.", kAlgorithm));
    }
    return ParseHeaderClaim(request, header, claim);
  }
  Arguments::Fields fields;
  if (ApiError error = DecodeForm(request.Query(), &fields)) return error;
  if (fields.count(kSignatureField) != 0) return ParsePresignedClaim(std::move(fields), claim);
  return {Fault::kMissingAuthenticationToken, "Request is missing Authentication Token"};
}

std::string CanonicalRequest(const HttpRequest& request, const SigV4Claim& claim,
                             std::string_view payload_hash) {
  std::string canonical = fmt::format("{}\n{}\n{}\n", request.method, CanonicalPath(request.Path()),
                                      CanonicalQuery(request.Query()));
  for (const std::string& name : claim.signed_headers) {
    canonical += CanonicalHeader(request, name);
  }
  return canonical + fmt::format("\n{}\n{}", fmt::join(claim.signed_headers, ";"), payload_hash);
}

std::string SigV4Signature(const SigV4Claim& claim, std::string_view canonical_request,
                           std::string_view secret) {
  const SigV4Credential& credential = claim.credential;
  std::string text = fmt::format("{}\n{}\n{}\n{}", kAlgorithm, claim.time, credential.Scope(),
                                 Sha256Hex(canonical_request));
  std::string key = HmacSha256(std::string("AWS4").append(secret), credential.date);
  key = HmacSha256(key, credential.region);
  key = HmacSha256(key, credential.service);
  key = HmacSha256(key, kTerminator);
  return Hex(HmacSha256(key, text));
}

ApiError VerifySigV4(const HttpRequest& request, const SigV4Place& place, int64_t now_ms,
                     const CredentialsLookup& credentials) {
  SigV4Claim claim;
  if (ApiError error = ParseSigV4Claim(request, &claim)) return error;
  std::optional<std::string> secret;
  if (!claim.has_session_token) secret = credentials(claim.credential.key_id);
  if (!secret) {
    return {Fault::kInvalidClientTokenId, "The security token included in the request is invalid."};
  }
  if (ApiError error = CheckScope(claim, place)) return error;
  if (ApiError error = CheckTime(claim, now_ms)) return error;
  return CheckSignature(request, claim, *secret);
}

}  // namespace kiln
