#include "engine/server/replica_sync.h"

#include <stdio.h>

#include <cerrno>
#include <cstring>

#include "engine/replication/history.h"

namespace kiln {
namespace {

// A file without a name.
class Spool final : public ByteSink {
 public:
  Spool() : file_(tmpfile()) {}
  ~Spool() override {
    if (file_ != nullptr) fclose(file_);
  }
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  [[nodiscard]] std::string Write(std::string_view bytes) override {
    bool is_written =
        file_ != nullptr && fwrite(bytes.data(), 1, bytes.size(), file_) == bytes.size();
    bytes_ += bytes.size();
    return is_written ? "" : std::string("Can't write a temporary file: ") + std::strerror(errno);
  }

  std::string SendTo(ByteSink& sink) {
    constexpr size_t kPieceBytes = 64 << 10;
    std::string piece(kPieceBytes, '\0');
    std::string error = sink.Write("$" + std::to_string(bytes_) + "\r\n");
    rewind(file_);
    while (error.empty()) {
      size_t got = fread(piece.data(), 1, piece.size(), file_);
      if (got == 0) break;
      error = sink.Write({piece.data(), got});
    }
    return error;
  }

 private:
  FILE* file_;
  uint64_t bytes_ = 0;
};

}  // namespace

std::string SnapshotSending::Run(const RdbContents& contents, const RdbSaveOptions& options,
                                 const ProduceFunction& produce) const {
  std::string error =
      is_marked ? SendMarked(contents, options, produce) : SendCounted(contents, options, produce);
  error.empty() ? stream->Complete() : stream->Fail();
  return error;
}

std::string SnapshotSending::Write(ByteSink& sink, const RdbContents& contents,
                                   const RdbSaveOptions& options,
                                   const ProduceFunction& produce) const {
  if (!has_functions_only) return WriteRdb(sink, contents, options, produce, progress);
  return WriteRdb(
      sink, {}, options, [](RdbProducer&) {}, progress);
}

std::string SnapshotSending::SendMarked(const RdbContents& contents, const RdbSaveOptions& options,
                                        const ProduceFunction& produce) const {
  std::string mark = NewReplicationId();
  std::string error = stream->Write("$EOF:" + mark + "\r\n");
  if (error.empty()) error = Write(*stream, contents, options, produce);
  return error.empty() ? stream->Write(mark) : error;
}

std::string SnapshotSending::SendCounted(const RdbContents& contents, const RdbSaveOptions& options,
                                         const ProduceFunction& produce) const {
  Spool spool;
  std::string error = Write(spool, contents, options, produce);
  return error.empty() ? spool.SendTo(*stream) : error;
}

}  // namespace kiln
