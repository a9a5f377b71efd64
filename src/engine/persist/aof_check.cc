#include "engine/persist/aof_check.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/byte_buffer.h"
#include "base/number.h"
#include "engine/commands/argument_cursor.h"
#include "engine/persist/cipher_log.h"
#include "protocol/resp/request_parser.h"

namespace kiln {
namespace {

constexpr size_t kReadBytes = size_t{1} << 20;
constexpr std::string_view kStamp = "#TS:";

class AofChecker {
 public:
  AofChecker(StoredFile& source, const AofCheckOptions& options)
      : source_(source), options_(options) {
    at_ = result_.whole_bytes = options.commands_at;
  }

  AofCheckResult Run() {
    while (!is_over_ && Fill()) {
      size_t used = 0;
      while (!is_over_ && used < input_.size() && Step(input_.view().substr(used), &used)) {
      }
      input_.Consume(used);
      if (options_.progress) options_.progress(result_.bytes, result_.commands);
    }
    if (!is_over_) End();
    return result_;
  }

 private:
  // More of the file; false at its end.
  bool Fill() {
    size_t got = 0;
    uint64_t before = options_.commands_at - std::min(result_.bytes, options_.commands_at);
    size_t wanted = before > 0 ? std::min<uint64_t>(before, kReadBytes) : kReadBytes;
    std::string error = source_.Read(input_.Reserve(kReadBytes), wanted, &got);
    result_.bytes += got;
    if (before == 0) input_.Commit(got);
    if (!error.empty()) Fail(error, result_.bytes);
    return got > 0;
  }

  // Takes what begins here. False: more of the file is needed, or it is over.
  bool Step(std::string_view bytes, size_t* used) {
    size_t consumed = 0;
    arguments_.Clear();
    if (bytes[0] == '#' && !parser_.in_request()) {
      consumed = bytes.find('\n') + 1;  // 0 where there is none
      if (consumed == 0 || !TakeNote(bytes.substr(0, consumed))) return false;
    } else {
      auto status = parser_.Parse(bytes, {INT64_MAX, true}, &arguments_, &consumed);
      if (status == RequestParser::Status::kIncomplete && bytes[0] == '*') return false;
      if (status != RequestParser::Status::kComplete || bytes[0] != '*')
        return Fail("This is no command", at_), false;
      if (!TakeCommand()) return false;
    }
    at_ += consumed;
    *used += consumed;
    if (!in_transaction_) result_.whole_bytes = at_;
    return true;
  }

  bool TakeNote(std::string_view note) {
    if (!options_.until_s || !note.starts_with(kStamp)) return true;
    note.remove_prefix(kStamp.size());
    while (note.ends_with('\n') || note.ends_with('\r')) note.remove_suffix(1);
    auto time_s = ParseInt64(note);
    if (!time_s) return Fail("This is no time stamp", at_), false;
    result_.is_too_late = is_over_ = *time_s > *options_.until_s;
    return !is_over_;
  }

  bool TakeCommand() {
    if (arguments_.size() == 0) return true;
    std::string_view name = arguments_[0];
    bool is_multi = EqualsWord(name, "MULTI");
    bool is_exec = EqualsWord(name, "EXEC");
    if (is_multi && in_transaction_) return Fail("MULTI within a transaction", at_), false;
    if (is_exec && !in_transaction_) return Fail("EXEC without MULTI", at_), false;
    if (is_multi || is_exec) in_transaction_ = is_multi;
    ++result_.commands;
    return true;
  }

  void End() {
    result_.is_cut = source_.cut_bytes() > 0 || at_ < result_.bytes || in_transaction_;
    if (!result_.is_cut) return;
    Fail(source_.cut_bytes() > 0 ? "The file ends in the middle of an encrypted chunk"
         : at_ < result_.bytes   ? "The file ends in the middle of a command"
                                 : "The file ends before the EXEC of a transaction",
         at_);
  }

  void Fail(std::string_view text, uint64_t offset) {
    is_over_ = true;
    result_.error = text;
    result_.error_offset = offset;
  }

  StoredFile& source_;
  const AofCheckOptions& options_;
  AofCheckResult result_;
  ByteBuffer input_;
  RequestParser parser_;
  ArgumentList arguments_;
  uint64_t at_ = 0;
  bool in_transaction_ = false;
  bool is_over_ = false;
};

}  // namespace

AofCheckResult CheckAof(StoredFile& source, const AofCheckOptions& options) {
  return AofChecker(source, options).Run();
}

std::string CutAof(const std::string& path, const StoredFile& source, uint64_t bytes,
                   uint64_t whole_bytes, const AtRestKeys& keys) {
  // A chunk that goes by half has to be written anew.
  if (source.is_encrypted() && whole_bytes < bytes) return CutCipherLog(path, &keys, whole_bytes);
  auto length = static_cast<off_t>(source.is_encrypted() ? source.whole_bytes() : whole_bytes);
  int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  bool is_cut = fd >= 0 && ftruncate(fd, length) == 0 && fsync(fd) == 0;
  std::string error = is_cut ? "" : std::strerror(errno);
  if (fd >= 0) close(fd);
  return error;
}

}  // namespace kiln
