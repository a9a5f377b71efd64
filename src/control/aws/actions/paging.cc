#include "control/aws/actions/paging.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <optional>

namespace kiln {
namespace {

constexpr size_t kMaxMarkerBytes = 1024;

std::optional<std::string> KeyOf(const std::string& marker) {
  if (marker.empty() || marker.size() > kMaxMarkerBytes || marker.size() % 4 != 0) {
    return std::nullopt;
  }
  std::string key(marker.size() / 4 * 3, '\0');
  const auto* text = reinterpret_cast<const unsigned char*>(marker.data());
  auto* bytes = reinterpret_cast<unsigned char*>(key.data());
  if (EVP_DecodeBlock(bytes, text, static_cast<int>(marker.size())) < 0) return std::nullopt;
  size_t padding = static_cast<size_t>(std::count(marker.end() - 2, marker.end(), '='));
  key.resize(key.size() - padding);
  return MarkerOf(key) == marker ? std::optional(key) : std::nullopt;
}

}  // namespace

std::string MarkerOf(std::string_view key) {
  std::string marker((key.size() + 2) / 3 * 4 + 1, '\0');  // And the zero that ends it.
  int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(marker.data()),
                             reinterpret_cast<const unsigned char*>(key.data()),
                             static_cast<int>(key.size()));
  marker.resize(static_cast<size_t>(size));
  return marker;
}

PageRequest ReadPageRequest(Arguments& args, int64_t max_items) {
  PageRequest request;
  int64_t limit = args.Integer("MaxRecords", kMinPageItems, max_items).value_or(max_items);
  request.limit = static_cast<size_t>(limit);
  std::string marker = args.StringOr("Marker", "");
  if (marker.empty()) return request;
  std::optional<std::string> key = KeyOf(marker);
  if (!key) args.Fail(Fault::kInvalidParameterValue, fmt::format("Invalid Marker: {}.", marker));
  request.after = key.value_or("");
  return request;
}

}  // namespace kiln
