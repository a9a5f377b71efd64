// Fuzz target: no Authorization header, query string or other headers let a request pass that was
// not signed with the secret, and none breaks the check.

#include <cstdint>
#include <string>

#include "base/check.h"
#include "control/aws/sigv4.h"

namespace kiln {
namespace {

// Takes the bytes up to the next zero.
std::string TakeText(std::string_view* bytes) {
  size_t end = std::min(bytes->find('\0'), bytes->size());
  std::string text(bytes->substr(0, end));
  bytes->remove_prefix(std::min(end + 1, bytes->size()));
  return text;
}

}  // namespace
}  // namespace kiln

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr int64_t kNowMs = 1440938160000;  // 20150830T123600Z
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  kiln::HttpRequest request;
  request.method = "POST";
  request.target = "/?" + kiln::TakeText(&bytes);
  std::string authorization = kiln::TakeText(&bytes);
  if (!authorization.empty()) request.headers.emplace("Authorization", authorization);
  request.headers.emplace("X-Amz-Date", kiln::TakeText(&bytes));
  request.headers.emplace("Host", kiln::TakeText(&bytes));
  request.body = bytes;
  auto any_key = [](std::string_view) { return std::optional<std::string>("secret"); };
  KILN_CHECK(kiln::VerifySigV4(request, {"us-east-1", "elasticache"}, kNowMs, any_key));
  return 0;
}
