#include "protocol/resp/reply.h"

#include <algorithm>

namespace kiln {

void Reply::Simple(std::string_view text) {
  out_.Append("+");
  out_.Append(text);
  out_.Append("\r\n");
}

void Reply::LongBulk(std::string_view bytes) {
  char* at = WriteHeader(out_.Reserve(bytes.size() + 32), '$', static_cast<int64_t>(bytes.size()));
  std::memcpy(at, bytes.data(), bytes.size());
  at += bytes.size();
  std::memcpy(at, "\r\n", 2);
  out_.CommitTo(at + 2);
}

void Reply::SharedBulk(std::string_view bytes, SharedBlock* block) {
  if (block == nullptr) return LongBulk(bytes);
  Header('$', static_cast<int64_t>(bytes.size()));
  out_.AppendShared(bytes, block);
  out_.Append("\r\n");
}

void Reply::BulkInteger(int64_t value) {
  char digits[kMaxInt64Chars];
  size_t size = FormatInt64(value, digits);
  Header('$', static_cast<int64_t>(size));
  char* at = out_.Reserve(size + 2);
  std::memcpy(at, digits, size);
  std::memcpy(at + size, "\r\n", 2);
  out_.Commit(size + 2);
}

void Reply::Double(double value) {
  char text[kMaxDoubleChars];
  size_t size = FormatDouble(value, text);
  if (version_ < 3) return Bulk({text, size});
  char* at = out_.Reserve(kMaxDoubleChars + 3);
  *at++ = ',';
  std::memcpy(at, text, size);
  at += size;
  *at++ = '\r';
  *at++ = '\n';
  out_.CommitTo(at);
}

void Reply::NumberText(std::string_view digits) {
  if (version_ < 3) return Bulk(digits);
  out_.Append(",");
  out_.Append(digits);
  out_.Append("\r\n");
}

void Reply::Boolean(bool value) {
  if (version_ >= 3) {
    out_.Append(value ? "#t\r\n" : "#f\r\n");
  } else {
    Integer(value ? 1 : 0);
  }
}

void Reply::BigNumber(std::string_view digits) {
  if (version_ < 3) return Bulk(digits);
  out_.Append("(");
  out_.Append(digits);
  out_.Append("\r\n");
}

void Reply::Verbatim(std::string_view format, std::string_view text) {
  if (version_ < 3) return Bulk(text);
  Header('=', static_cast<int64_t>(text.size() + 4));
  out_.Append(format.substr(0, 3));
  out_.Append(":");
  out_.Append(text);
  out_.Append("\r\n");
}

void Reply::InsertHeader(size_t at, char sigil, size_t length) {
  char header[32];
  header[0] = sigil;
  size_t size = 1 + FormatInt64(static_cast<int64_t>(length), header + 1);
  header[size++] = '\r';
  header[size++] = '\n';
  out_.Insert(at, {header, size});
}

void Reply::Error(std::string_view text) {
  has_error_ = true;
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  std::string_view code = text.substr(0, std::min(text.find(' '), sizeof(error_code_)));
  error_code_size_ = static_cast<uint8_t>(code.size());
  std::memcpy(error_code_, code.data(), code.size());
  char* at = out_.Reserve(text.size() + 3);
  *at++ = '-';
  for (char c : text) *at++ = c == '\r' || c == '\n' ? ' ' : c;
  *at++ = '\r';
  *at++ = '\n';
  out_.CommitTo(at);
}

}  // namespace kiln
