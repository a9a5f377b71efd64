#include "engine/persist/rdb_stream.h"

#include <endian.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace kiln {
namespace {

constexpr size_t kIdBytes = 16;

// An entry's flags in a listpack.
constexpr int64_t kDeleted = 1;
constexpr int64_t kSameFields = 2;
constexpr int64_t kAllFlags = kDeleted | kSameFields;

// ---- Writing ----

// Both numbers in 16 bytes, big-endian.
struct IdBytes {
  explicit IdBytes(const StreamId& id) {
    uint64_t numbers[2] = {htobe64(id.ms), htobe64(id.seq)};
    std::memcpy(bytes, numbers, kIdBytes);
  }
  std::string_view view() const { return {bytes, kIdBytes}; }

  char bytes[kIdBytes];
};

void WriteId(RdbOutput& out, const StreamId& id) {
  out.Length(id.ms);
  out.Length(id.seq);
}

void WritePending(RdbOutput& out, const StreamId& id, const PendingEntry& entry) {
  out.Bytes(IdBytes(id).view());
  out.Milliseconds(entry.delivered_ms);
  out.Length(static_cast<uint64_t>(entry.deliveries));
}

// ---- Reading ----

StreamId IdFrom(RdbInput& in, std::string_view bytes) {
  if (bytes.size() != kIdBytes) return in.Break(), StreamId();
  uint64_t numbers[2];
  std::memcpy(numbers, bytes.data(), kIdBytes);
  return {be64toh(numbers[0]), be64toh(numbers[1])};
}

StreamId ReadId(RdbInput& in) {
  uint64_t ms = in.Length();
  return {ms, in.Length()};
}

// A count that has to stay a positive signed number.
uint64_t ReadCounter(RdbInput& in) {
  uint64_t counter = in.Length();
  if (counter > INT64_MAX) in.Break();
  return counter;
}

// A time that consumers use; no later reckoning with it overflows.
int64_t ReadTime(RdbInput& in) {
  return std::max(in.Milliseconds(), StreamConsumer::kNever);
}

// The parts of a node's listpack in order. What is not there, or not what it must be, breaks the
// input.
class Parts {
 public:
  Parts(RdbInput& in, const Listpack& pack) : in_(in), pack_(pack), at_(pack.First()) {}

  bool AtEnd() const { return at_ == Listpack::kNone; }
  int64_t Integer() {
    Element element = Next();
    if (!element.is_int) in_.Break();
    return element.integer;
  }
  // An integer that says how many parts follow at least.
  size_t Count() {
    int64_t count = Integer();
    if (count < 0 || static_cast<uint64_t>(count) > pack_.size()) return in_.Break(), size_t{0};
    return static_cast<size_t>(count);
  }
  std::string Text() {
    ElementScratch scratch;
    return std::string(Next().ToString(scratch));
  }

 private:
  Element Next() {
    if (AtEnd()) {
      in_.Break();
      return {};
    }
    Element element = pack_.Get(at_);
    at_ = pack_.Next(at_);
    return element;
  }

  RdbInput& in_;
  const Listpack& pack_;
  uint32_t at_;
};

class StreamReader {
 public:
  StreamReader(RdbInput& in, RdbType type) : in_(in), type_(type) {}

  std::unique_ptr<Stream> Read() {
    for (uint64_t nodes = in_.Count(); nodes > 0 && !in_.is_broken(); --nodes) ReadNode();
    ReadPast();
    for (uint64_t groups = in_.Count(); groups > 0 && !in_.is_broken(); --groups) ReadGroup();
    return in_.is_broken() ? nullptr : std::move(stream_);
  }

 private:
  void ReadNode() {
    StreamId base = IdFrom(in_, in_.Text());
    std::optional<Listpack> pack = Listpack::FromBytes(in_.Text());
    if (in_.is_broken() || !pack) return in_.Break();
    Parts parts(in_, *pack);
    size_t live = parts.Count();
    size_t deleted = parts.Count();
    std::vector<std::string> fields(parts.Count());
    for (std::string& field : fields) field = parts.Text();
    bool is_behind = stream_->node_count() == 0 || base > stream_->last_id();
    if (parts.Integer() != 0 || live == 0 || fields.empty() || !is_behind) in_.Break();
    if (in_.is_broken()) return;
    // Nodes end where they did in the file.
    stream_->BeginNode(base, std::vector<std::string_view>(fields.begin(), fields.end()));
    uint64_t size = stream_->size();
    for (size_t left = live + deleted; left > 0 && !in_.is_broken(); --left)
      ReadEntry(parts, base, fields);
    if (!parts.AtEnd() || stream_->size() - size != live) in_.Break();
  }

  void ReadEntry(Parts& parts, const StreamId& base, const std::vector<std::string>& node_fields) {
    int64_t flags = parts.Integer();
    StreamId id = base;
    id.ms += static_cast<uint64_t>(parts.Integer());
    id.seq += static_cast<uint64_t>(parts.Integer());
    bool same_fields = (flags & kSameFields) != 0;
    size_t pairs = same_fields ? node_fields.size() : parts.Count();
    std::vector<std::string> texts;  // Of which `views` keeps views.
    std::vector<std::string_view> views;
    texts.reserve(2 * pairs);
    for (size_t i = 0; i < pairs && !in_.is_broken(); ++i) {
      views.push_back(same_fields ? node_fields[i] : texts.emplace_back(parts.Text()));
      views.push_back(texts.emplace_back(parts.Text()));
    }
    int64_t parts_before = parts.Integer();
    size_t expected = 3 + (same_fields ? pairs : 2 * pairs + 1);
    bool is_sound = flags >= 0 && flags <= kAllFlags && pairs > 0 && id >= base &&
                    id > stream_->last_id() && parts_before == static_cast<int64_t>(expected);
    if (in_.is_broken() || !is_sound) return in_.Break();
    if (flags & kDeleted) return;
    stream_->Add(id, views, {.max_node_bytes = 0, .max_node_entries = 0});
  }

  // What the stream knows of entries that it has had.
  void ReadPast() {
    uint64_t size = in_.Length();
    StreamId last_id = ReadId(in_);
    if (size != stream_->size() || last_id < stream_->last_id()) return in_.Break();
    stream_->SetLastId(last_id);
    stream_->SetEntriesAdded(size);
    if (type_ == RdbType::kStreamListpacks) return;
    ReadId(in_);  // Of the first entry, which is found anyway.
    stream_->SetMaxDeletedId(ReadId(in_));
    stream_->SetEntriesAdded(std::max(size, ReadCounter(in_)));
  }

  void ReadGroup() {
    std::string name(in_.Text());
    StreamId last_id = ReadId(in_);
    int64_t entries_read = type_ == RdbType::kStreamListpacks ? stream_->EntriesReadAt(last_id)
                                                              : static_cast<int64_t>(in_.Length());
    StreamGroup* group = stream_->CreateGroup(name, last_id, entries_read);
    if (group == nullptr || entries_read < StreamGroup::kUnknown) return in_.Break();
    for (uint64_t pending = in_.Count(); pending > 0 && !in_.is_broken(); --pending)
      ReadPending(group);
    size_t unowned = group->pending().size();
    for (uint64_t consumers = in_.Count(); consumers > 0 && !in_.is_broken(); --consumers)
      unowned -= ReadConsumer(group);
    if (unowned != 0) in_.Break();
  }

  void ReadPending(StreamGroup* group) {
    StreamId id = IdFrom(in_, in_.Bytes(kIdBytes));
    int64_t delivered_ms = ReadTime(in_);
    uint64_t deliveries = ReadCounter(in_);
    if (in_.is_broken() || group->FindPending(id) != nullptr) return in_.Break();
    group->Force(id, delivered_ms)->deliveries = static_cast<int64_t>(deliveries);
  }

  // Returns how many entries it has pending.
  size_t ReadConsumer(StreamGroup* group) {
    std::string name(in_.Text());
    if (in_.is_broken() || group->FindConsumer(name) != nullptr) return in_.Break(), 0;
    StreamConsumer* consumer = group->CreateConsumer(name, ReadTime(in_));
    consumer->active_ms = type_ == RdbType::kStreamListpacks3 ? ReadTime(in_) : consumer->seen_ms;
    for (uint64_t left = in_.Count(); left > 0 && !in_.is_broken(); --left) {
      StreamId id = IdFrom(in_, in_.Bytes(kIdBytes));
      PendingEntry* entry = in_.is_broken() ? nullptr : group->FindPending(id);
      if (entry == nullptr || entry->consumer != nullptr) {
        in_.Break();
        break;
      }
      group->Assign(id, entry, consumer);
    }
    return consumer->pending.size();
  }

  RdbInput& in_;
  RdbType type_;
  std::unique_ptr<Stream> stream_ = std::make_unique<Stream>();
};

}  // namespace

void RdbStreamWriter::WriteNodes(RdbOutput& out, size_t until_bytes) {
  bool is_done = true;
  stream_.ForEachNodeFrom(next_node_, [&](const StreamId& base, const Listpack& pack) {
    if (out.size() >= until_bytes) {
      next_node_ = base;
      return is_done = false;
    }
    out.Text(IdBytes(base).view());
    out.Text(pack.bytes());
    return true;
  });
  if (!is_done) return;
  WritePast(out);
  stage_ = Stage::kGroups;
}

// What the stream knows of entries that it has had.
void RdbStreamWriter::WritePast(RdbOutput& out) {
  out.Length(stream_.size());
  WriteId(out, stream_.last_id());
  WriteId(out, stream_.first_id());
  WriteId(out, stream_.max_deleted_id());
  out.Length(stream_.entries_added());
  out.Length(stream_.groups().size());
  group_ = stream_.groups().begin();
}

void RdbStreamWriter::Step(RdbOutput& out, size_t until_bytes) {
  switch (stage_) {
    case Stage::kHead:
      out.Length(stream_.node_count());
      stage_ = Stage::kNodes;
      return;
    case Stage::kNodes:
      return WriteNodes(out, until_bytes);
    case Stage::kGroups:
      stage_ = group_ == stream_.groups().end() ? Stage::kEnd : Stage::kGroup;
      return;
    case Stage::kGroup:
      out.Text(group_->first);
      WriteId(out, group_->second.last_id);
      out.Length(static_cast<uint64_t>(group_->second.entries_read));
      out.Length(group_->second.pending().size());
      pending_ = group_->second.pending().begin();
      stage_ = Stage::kPending;
      return;
    case Stage::kPending:
      for (; pending_ != group_->second.pending().end(); ++pending_) {
        if (out.size() >= until_bytes) return;
        WritePending(out, pending_->first, pending_->second);
      }
      out.Length(group_->second.consumers().size());
      consumer_ = group_->second.consumers().begin();
      stage_ = Stage::kConsumers;
      return;
    case Stage::kConsumers:
      if (consumer_ == group_->second.consumers().end()) {
        ++group_;
        stage_ = Stage::kGroups;
        return;
      }
      out.Text(consumer_->first);
      out.Milliseconds(consumer_->second.seen_ms);
      if (out.version() >= kRdbVersion) out.Milliseconds(consumer_->second.active_ms);
      out.Length(consumer_->second.pending.size());
      owned_ = consumer_->second.pending.begin();
      stage_ = Stage::kConsumer;
      return;
    case Stage::kConsumer:
      for (; owned_ != consumer_->second.pending.end(); ++owned_) {
        if (out.size() >= until_bytes) return;
        out.Bytes(IdBytes(owned_->first).view());
      }
      ++consumer_;
      stage_ = Stage::kConsumers;
      return;
    case Stage::kEnd:
      return;
  }
}

bool RdbStreamWriter::WriteSome(RdbOutput& out, size_t until_bytes) {
  while (stage_ != Stage::kEnd && out.size() < until_bytes) Step(out, until_bytes);
  return stage_ == Stage::kEnd;
}

void WriteRdbStream(RdbOutput& out, const Stream& stream) {
  RdbStreamWriter(stream).WriteSome(out, SIZE_MAX);
}

std::unique_ptr<Stream> ReadRdbStream(RdbInput& in, RdbType type) {
  return StreamReader(in, type).Read();
}

}  // namespace kiln
