#include "protocol/memcache/login_parser.h"

#include <algorithm>

#include "protocol/memcache/number.h"

namespace kiln::memcache {
namespace {

// Takes the first word off the text, and spaces before it; empty when there is none.
std::string_view TakeWord(std::string_view* text) {
  text->remove_prefix(std::min(text->find_first_not_of(' '), text->size()));
  std::string_view word = text->substr(0, text->find(' '));
  text->remove_prefix(word.size());
  return word;
}

// set key flags exptime length
bool ReadLength(std::string_view line, uint32_t* length) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (TakeWord(&line) != "set") return false;
  for (int i = 0; i < 3; ++i) TakeWord(&line);
  std::string_view word = TakeWord(&line);
  return !word.empty() && ReadUint32(word, length);
}

}  // namespace

LoginParser::Status LoginParser::Parse(std::string_view bytes, const BinaryLimits&,
                                       ArgumentList* arguments, size_t* consumed) {
  error_ = {};
  if (skip_bytes_ > 0) {
    *consumed = std::min(skip_bytes_, bytes.size());
    skip_bytes_ -= *consumed;
    return Status::kComplete;
  }
  size_t line_bytes = bytes.find('\n');
  if (line_bytes == std::string_view::npos || line_bytes > kMaxLineBytes)
    return bytes.size() > kMaxLineBytes ? Status::kBroken : Status::kIncomplete;
  size_t head_bytes = line_bytes + 1;
  uint32_t length = 0;
  if (!ReadLength(bytes.substr(0, line_bytes), &length)) {
    *consumed = head_bytes;
    return Refuse("CLIENT_ERROR unauthenticated\r\n");
  }
  size_t block_bytes = size_t{length} + 2;
  if (length > kMaxLoginBytes) {
    *consumed = head_bytes;
    skip_bytes_ = block_bytes;
    return Refuse("CLIENT_ERROR bad authentication token format\r\n");
  }
  if (bytes.size() - head_bytes < block_bytes) return Status::kIncomplete;
  *consumed = head_bytes + block_bytes;
  std::string_view block = bytes.substr(head_bytes, block_bytes);
  if (!block.ends_with("\r\n")) return Refuse("CLIENT_ERROR bad command line termination\r\n");
  block.remove_suffix(2);
  std::string_view user = TakeWord(&block);
  std::string_view password = TakeWord(&block);
  if (password.empty()) return Refuse("CLIENT_ERROR bad authentication token format\r\n");
  arguments->Append(kLoginCommand);
  arguments->Append(user);
  arguments->Append(password);
  return Status::kComplete;
}

LoginParser::Status LoginParser::Refuse(std::string_view error) {
  error_ = error;
  return Status::kRefused;
}

}  // namespace kiln::memcache
