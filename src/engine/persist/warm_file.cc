#include "engine/persist/warm_file.h"

#include <endian.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/log.h"
#include "base/number.h"
#include "base/time.h"
#include "engine/persist/crc64.h"
#include "engine/persist/rdb_input.h"
#include "engine/persist/rdb_output.h"
#include "engine/store/db.h"

namespace kiln {
namespace {

constexpr std::string_view kMagic = "KILNITEM";
constexpr uint32_t kVersion = 1;
constexpr size_t kFrameBytes = size_t{1} << 20;  // a frame ends with the item that passes this
constexpr size_t kFrameHeadBytes = 16;
constexpr int64_t kProgressMs = 5000;

// Which of an item's optional fields follow.
constexpr uint8_t kHasExpiry = 1;
constexpr uint8_t kHasFlags = 2;
constexpr uint8_t kHasCas = 4;

template <class Number>
void AppendNumber(std::string* out, Number number) {
  out->append(reinterpret_cast<const char*>(&number), sizeof(number));
}

std::string FrameHead(std::string_view payload, uint32_t number) {
  std::string head;
  AppendNumber(&head, htole32(static_cast<uint32_t>(payload.size())));
  AppendNumber(&head, htole32(number));
  AppendNumber(&head, htole64(Crc64(Crc64(0, head), payload)));
  return head;
}

std::string FileHead() {
  std::string head(kMagic);
  AppendNumber(&head, htole32(kVersion));
  return head;
}

// Says now and then how far it has come.
class Progress {
 public:
  explicit Progress(std::string_view doing) : doing_(doing), last_ms_(NowMs()) {}
  void Say(const WarmResult& result) {
    if (NowMs() - last_ms_ < kProgressMs) return;
    last_ms_ = NowMs();
    Log(LogLevel::kNotice,
        fmt::format("{}: {} items, {} MB", doing_, result.items, result.bytes >> 20));
  }

 private:
  std::string_view doing_;
  int64_t last_ms_;
};

std::string Why(std::string_view what) {
  return fmt::format("{}: {}", what, std::strerror(errno));
}

// ---- Saving ----

class Saver {
 public:
  Saver(Keyspace& keyspace, StoreContext& context)
      : keyspace_(keyspace), db_(keyspace, 0, context) {}

  WarmResult Run(WarmState state, const std::string& path) {
    std::string temporary = path + ".XXXXXX";
    fd_ = mkostemp(temporary.data(), O_CLOEXEC);
    if (fd_ < 0) return {Why("can't create " + temporary), 0, 0};
    Write(FileHead());
    RdbOutput(&payload_, false).Length(state.last_cas);
    RdbOutput(&payload_, false).Length(state.flush_at_ms);
    WriteFrame();
    for (size_t shard = 0; shard < kShardCount; ++shard) WriteShard(shard);
    if (!payload_.empty()) WriteFrame();
    WriteFrame();  // an empty one: the end
    Finish(temporary, path);
    return result_;
  }

 private:
  void WriteShard(size_t shard) {
    keyspace_.table(0, shard).records.ForEach([&](Record* record) {
      bool is_wanted = record->type() == Type::kString && record->expiry_ms() > db_.now_ms();
      if (!is_wanted || !result_.error.empty()) return;
      WriteItem(*record);
      ++result_.items;
      if (payload_.size() >= kFrameBytes) WriteFrame();
    });
  }

  void WriteItem(const Record& record) {
    RdbOutput out(&payload_, false);
    bool has_expiry = record.expiry_ms() != kNoExpiry;
    out.Byte(static_cast<uint8_t>((has_expiry ? kHasExpiry : 0) |
                                  (record.client_flags() != 0 ? kHasFlags : 0) |
                                  (record.cas() != 0 ? kHasCas : 0)));
    out.Byte(record.use_flags());
    out.Length(db_.IdleSeconds(&record));
    if (has_expiry) out.Length(record.expiry_ms());
    if (record.client_flags() != 0) out.Length(record.client_flags());
    if (record.cas() != 0) out.Length(record.cas());
    char scratch[kMaxInt64Chars];
    for (std::string_view text : {record.key(), Db::StringOf(&record, scratch)}) {
      out.Length(text.size());
      out.Bytes(text);
    }
  }

  void WriteFrame() {
    Write(FrameHead(payload_, frames_++));
    Write(payload_);
    payload_.clear();
    progress_.Say(result_);
  }

  void Write(std::string_view bytes) {
    while (!bytes.empty() && result_.error.empty()) {
      ssize_t size = write(fd_, bytes.data(), bytes.size());
      if (size < 0 && errno != EINTR) result_.error = Why("can't write");
      if (size <= 0) continue;
      bytes.remove_prefix(static_cast<size_t>(size));
      result_.bytes += static_cast<uint64_t>(size);
    }
  }

  void Finish(const std::string& temporary, const std::string& path) {
    if (result_.error.empty() && fsync(fd_) != 0) result_.error = Why("can't sync");
    close(fd_);
    if (result_.error.empty() && rename(temporary.c_str(), path.c_str()) != 0)
      result_.error = Why("can't rename");
    if (!result_.error.empty()) return (void)unlink(temporary.c_str());
    std::string folder = std::filesystem::path(path).parent_path();
    int folder_fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder_fd < 0 || fsync(folder_fd) != 0) result_.error = Why("can't sync " + folder);
    if (folder_fd >= 0) close(folder_fd);
  }

  Keyspace& keyspace_;
  Db db_;
  int fd_ = -1;
  std::string payload_;
  uint32_t frames_ = 0;
  WarmResult result_;
  Progress progress_{"Saving the memory file"};
};

// ---- Loading ----

class Loader {
 public:
  Loader(Keyspace& keyspace, StoreContext& context, const std::function<bool()>& make_room)
      : db_(keyspace, 0, context), make_room_(make_room) {}

  WarmResult Run(int fd, WarmState* state) {
    fd_ = fd;
    struct stat status;
    if (fstat(fd_, &status) != 0) return {Why("can't read"), 0, 0};
    left_ = static_cast<uint64_t>(status.st_size);
    ReadHead();
    ReadState(state);
    while (result_.error.empty() && ReadFrame() && !payload_.empty()) ReadItems();
    if (result_.error.empty() && left_ > 0) Fail("there is something behind its end");
    return result_;
  }
  uint64_t most_cas() const { return most_cas_; }

 private:
  void Fail(std::string_view text) {
    if (result_.error.empty()) result_.error = text;
  }

  // The next bytes, as many as are asked for; empty when the file is too short.
  bool Read(size_t bytes, std::string* out) {
    out->clear();
    if (bytes > left_) return Fail("it is cut off"), false;
    left_ -= bytes;
    out->resize(bytes);
    for (size_t got = 0; got < bytes;) {
      ssize_t size = read(fd_, out->data() + got, bytes - got);
      if (size == 0 || (size < 0 && errno != EINTR))
        return Fail(size == 0 ? "it is cut off" : Why("can't read")), false;
      if (size > 0) got += static_cast<size_t>(size);
    }
    result_.bytes += bytes;
    return true;
  }

  void ReadHead() {
    std::string head;
    std::string wanted = FileHead();
    if (left_ < wanted.size()) return Fail("it is no memory file");
    if (!Read(wanted.size(), &head)) return;
    if (!head.starts_with(kMagic)) return Fail("it is no memory file");
    if (head != wanted) Fail("it was written by another version");
  }

  bool ReadFrame() {
    std::string head;
    if (!result_.error.empty() || !Read(kFrameHeadBytes, &head)) return false;
    uint32_t bytes = 0;
    std::memcpy(&bytes, head.data(), sizeof(bytes));
    if (!Read(le32toh(bytes), &payload_)) return false;
    if (head != FrameHead(payload_, frames_++)) Fail("its checksum is wrong");
    progress_.Say(result_);
    return result_.error.empty();
  }

  void ReadState(WarmState* state) {
    if (!ReadFrame()) return;
    RdbInput in(payload_);
    state->last_cas = in.Length();
    state->flush_at_ms = in.Length();
    if (in.is_broken() || !in.AtEnd()) Fail("its first frame makes no sense");
  }

  void ReadItems() {
    RdbInput in(payload_);
    while (!in.AtEnd() && result_.error.empty()) ReadItem(in);
  }

  void ReadItem(RdbInput& in) {
    uint8_t fields = in.Byte();
    uint8_t use_flags = in.Byte();
    uint64_t idle_seconds = in.Length();
    Db::StringOptions options;
    if (fields & kHasExpiry) options.expiry_ms = in.Length();
    if (fields & kHasFlags) options.client_flags = static_cast<uint32_t>(in.Length());
    if (fields & kHasCas) options.cas = in.Length();
    std::string_view key = in.Bytes(in.Length());
    std::string_view value = in.Bytes(in.Length());
    if (in.is_broken()) return Fail("an item makes no sense");
    most_cas_ = std::max(most_cas_, CasCountOf(options.cas));
    if (options.expiry_ms <= db_.now_ms() || is_full_) return;
    is_full_ = !make_room_();
    if (is_full_) return;
    Record* record = db_.SetString(HashKey(key), value, options);
    record->set_use_flags(use_flags);
    db_.SetIdleSeconds(record, idle_seconds);
    ++result_.items;
  }

  Db db_;
  const std::function<bool()>& make_room_;
  int fd_ = -1;
  uint64_t left_ = 0;
  std::string payload_;
  uint32_t frames_ = 0;
  uint64_t most_cas_ = 0;
  bool is_full_ = false;
  WarmResult result_;
  Progress progress_{"Loading the memory file"};
};

}  // namespace

WarmResult SaveWarmFile(Keyspace& keyspace, StoreContext& context, WarmState state,
                        const std::string& path) {
  for (size_t shard = 0; shard < kShardCount; ++shard) {
    state.last_cas = std::max(state.last_cas, keyspace.shard(shard).last_cas);
  }
  return Saver(keyspace, context).Run(state, path);
}

WarmResult LoadWarmFile(Keyspace& keyspace, StoreContext& context, const std::string& path,
                        const std::function<bool()>& make_room, WarmState* state) {
  int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {Why("can't open it"), 0, 0};
  Loader loader(keyspace, context, make_room);
  WarmResult result = loader.Run(fd, state);
  close(fd);
  if (!result.error.empty()) {
    *state = {};
    keyspace.Flush(0, true, context);
    return result;
  }
  // A key may be in another shard now: no shard may give out a number that an item has.
  uint64_t last_cas = std::max(state->last_cas, loader.most_cas());
  for (size_t shard = 0; shard < kShardCount; ++shard) keyspace.shard(shard).last_cas = last_cas;
  return result;
}

}  // namespace kiln
