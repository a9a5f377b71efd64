#include "protocol/resp/request_parser.h"

#include <cstring>

#include "base/number.h"
#include "base/split_args.h"

namespace kiln {
namespace {

constexpr int64_t kMaxUnauthenticatedArguments = 10;
constexpr int64_t kMaxUnauthenticatedBulkBytes = 16384;
constexpr std::string_view kLineEnd = "\r\n";

// The number on the line that starts after the sigil at `start`; false when it is none. `end` is
// where '\r' stands.
bool ReadNumber(std::string_view bytes, size_t start, size_t end, int64_t* number) {
  // Nearly all are one or two digits.
  size_t digits = end - start;
  if (digits >= 1 && digits <= 2) {
    unsigned first = static_cast<unsigned>(bytes[start] - '0');
    if (first <= 9 && digits == 1) {
      *number = first;
      return true;
    }
    unsigned second = digits == 2 ? static_cast<unsigned>(bytes[start + 1] - '0') : 10;
    if (first >= 1 && first <= 9 && second <= 9) {
      *number = first * 10 + second;
      return true;
    }
  }
  auto parsed = ParseInt64(bytes.substr(start, digits));
  if (parsed) *number = *parsed;
  return parsed.has_value();
}

size_t FindLineEnd(std::string_view bytes, size_t from) {
  // Headers are short: look at the next bytes before calling memchr.
  size_t limit = std::min(bytes.size(), from + 4);
  for (size_t i = from; i < limit; ++i) {
    if (bytes[i] == '\r') return i;
  }
  return limit == bytes.size() ? std::string_view::npos : bytes.find('\r', limit);
}

}  // namespace

RequestParser::Status RequestParser::Break(std::string_view why) {
  error_ = "ERR Protocol error: ";
  error_ += why;
  return Status::kBroken;
}

RequestParser::Status RequestParser::ParseAny(std::string_view bytes, const RequestLimits& limits,
                                              ArgumentList* arguments, size_t* consumed) {
  missing_bytes_ = 0;
  if (bytes.empty()) return Status::kIncomplete;
  if (remaining_ == 0) {
    if (bytes[0] != '*') return ParseInline(bytes, arguments, consumed);
    Status status = ParseCount(bytes, limits, consumed);
    if (status != Status::kComplete || remaining_ == 0) return status;
  }
  return ParseMultibulk(bytes, limits, arguments, consumed);
}

RequestParser::Status RequestParser::ParseCount(std::string_view bytes, const RequestLimits& limits,
                                                size_t* consumed) {
  size_t end = FindLineEnd(bytes, 1);
  if (end == std::string_view::npos) {
    if (bytes.size() > kMaxInlineBytes) return Break("too big mbulk count string");
    return Status::kIncomplete;
  }
  if (end + 2 > bytes.size()) return Status::kIncomplete;
  int64_t count = 0;
  if (!ReadNumber(bytes, 1, end, &count) || count >= kMaxArguments) {
    return Break("invalid multibulk length");
  }
  if (!limits.authenticated && count > kMaxUnauthenticatedArguments) {
    return Break("unauthenticated multibulk length");
  }
  if (count <= 0) {
    *consumed = end + 2;
    return Status::kComplete;
  }
  remaining_ = count;
  bulk_bytes_ = -1;
  offset_ = end + 2;
  return Status::kComplete;
}

RequestParser::Status RequestParser::ParseBulkLength(std::string_view bytes,
                                                     const RequestLimits& limits) {
  size_t end = FindLineEnd(bytes, offset_);
  if (end == std::string_view::npos) {
    if (bytes.size() - offset_ > kMaxInlineBytes) return Break("too big bulk count string");
    return Status::kIncomplete;
  }
  if (end + 2 > bytes.size()) return Status::kIncomplete;
  if (bytes[offset_] != '$') {
    return Break(std::string("expected '$', got '") + bytes[offset_] + "'");
  }
  int64_t length = 0;
  if (!ReadNumber(bytes, offset_ + 1, end, &length) || length < 0 ||
      length > limits.max_bulk_bytes) {
    return Break("invalid bulk length");
  }
  if (!limits.authenticated && length > kMaxUnauthenticatedBulkBytes) {
    return Break("unauthenticated bulk length");
  }
  bulk_bytes_ = length;
  offset_ = end + 2;
  return Status::kComplete;
}

RequestParser::Status RequestParser::ParseMultibulk(std::string_view bytes,
                                                    const RequestLimits& limits,
                                                    ArgumentList* arguments, size_t* consumed) {
  size_t first_new = arguments->size();
  for (const Span& span : done_) arguments->Append(bytes.substr(span.offset, span.length));
  Status status = Status::kComplete;
  while (remaining_ > 0) {
    if (bulk_bytes_ < 0) {
      status = ParseBulkLength(bytes, limits);
      if (status != Status::kComplete) break;
    }
    auto length = static_cast<size_t>(bulk_bytes_);
    if (bytes.size() - offset_ < length + kLineEnd.size()) {
      missing_bytes_ = length + kLineEnd.size() - (bytes.size() - offset_);
      status = Status::kIncomplete;
      break;
    }
    arguments->Append(bytes.substr(offset_, length));
    offset_ += length + kLineEnd.size();
    bulk_bytes_ = -1;
    --remaining_;
  }
  if (status == Status::kComplete) {
    *consumed = offset_;
    if (!done_.empty()) std::vector<Span>().swap(done_);
    return status;
  }
  for (size_t i = first_new + done_.size(); i < arguments->size(); ++i) {
    std::string_view argument = (*arguments)[i];
    done_.push_back({static_cast<size_t>(argument.data() - bytes.data()), argument.size()});
  }
  arguments->Truncate(first_new);
  return status;
}

RequestParser::Status RequestParser::ParseInline(std::string_view bytes, ArgumentList* arguments,
                                                 size_t* consumed) {
  size_t end = bytes.find('\n');
  if (end == std::string_view::npos) {
    if (bytes.size() > kMaxInlineBytes) return Break("too big inline request");
    return Status::kIncomplete;
  }
  std::string_view line = bytes.substr(0, end);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  auto words = SplitArgs(line);
  if (!words) return Break("unbalanced quotes in request");
  inline_arguments_ = std::move(*words);
  for (const std::string& word : inline_arguments_) arguments->Append(word);
  *consumed = end + 1;
  return Status::kComplete;
}

}  // namespace kiln
