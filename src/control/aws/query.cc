#include "control/aws/query.h"

#include <fmt/format.h>

#include <algorithm>

namespace kiln {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// How many bytes a character has that starts with this byte; 0 when none does.
size_t Utf8Length(unsigned char first) {
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return 2;
  if (first >= 0xE0 && first <= 0xEF) return 3;
  if (first >= 0xF0 && first <= 0xF4) return 4;
  return 0;
}

// The second byte also keeps out overlong forms, surrogates and what lies beyond U+10FFFF.
bool IsSecondByte(unsigned char first, unsigned char second) {
  unsigned char low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  unsigned char high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  return second >= low && second <= high;
}

std::optional<std::string> DecodeFormText(std::string_view text) {
  std::string spaced(text);
  std::replace(spaced.begin(), spaced.end(), '+', ' ');
  std::optional<std::string> decoded = PercentDecode(spaced);
  return decoded && IsUtf8(*decoded) ? decoded : std::nullopt;
}

}  // namespace

std::optional<std::string> PercentDecode(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    int high = i + 2 < text.size() ? HexDigit(text[i + 1]) : -1;
    int low = i + 2 < text.size() ? HexDigit(text[i + 2]) : -1;
    if (high < 0 || low < 0) return std::nullopt;
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return decoded;
}

bool IsUtf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    auto byte = [&](size_t k) { return static_cast<unsigned char>(text[i + k]); };
    size_t length = Utf8Length(byte(0));
    if (length == 0 || i + length > text.size()) return false;
    if (length > 1 && !IsSecondByte(byte(0), byte(1))) return false;
    for (size_t k = 2; k < length; ++k) {
      if ((byte(k) & 0xC0) != 0x80) return false;
    }
    i += length;
  }
  return true;
}

ApiError DecodeForm(std::string_view text, Arguments::Fields* fields) {
  while (!text.empty()) {
    size_t end = std::min(text.find('&'), text.size());
    std::string_view field = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (field.empty()) continue;
    size_t equals = std::min(field.find('='), field.size());
    std::optional<std::string> name = DecodeFormText(field.substr(0, equals));
    std::optional<std::string> value =
        DecodeFormText(field.substr(std::min(equals + 1, field.size())));
    if (!name || !value || name->empty()) {
      return {Fault::kMalformedQueryString, "The query string contains a syntax error."};
    }
    (*fields)[*std::move(name)] = *std::move(value);
    if (fields->size() > kMaxFormFields) {
      return {Fault::kMalformedQueryString,
              fmt::format("A call can have at most {} parameters.", kMaxFormFields)};
    }
  }
  return NoError();
}

}  // namespace kiln
