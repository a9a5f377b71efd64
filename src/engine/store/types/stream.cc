#include "engine/store/types/stream.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace kiln {
namespace {

// Parts of an entry beside its texts: flags, two differences, and the count of parts at its end.
constexpr size_t kFixedParts = 4;

size_t IntegerBytes(uint32_t integer) {
  return integer < 128 ? 2 : ListpackEntry(int64_t{integer}).bytes();
}

size_t TextBytes(Stream::Fields fields) {
  size_t bytes = 0;
  for (std::string_view text : fields) bytes += text.size();
  return bytes;
}

int64_t Difference(uint64_t a, uint64_t b) {
  return static_cast<int64_t>(a - b);
}

}  // namespace

// ---- Nodes ----

void Stream::AppendTo(Node* node, const StreamId& base, const StreamId& id, Fields fields,
                      bool same_fields) {
  size_t pairs = fields.size() / 2;
  size_t parts_bytes = (fields.size() + kFixedParts + 1) * Listpack::Appender::kMaxEntryBytes;
  Listpack::Appender appender(node->pack, TextBytes(fields) + parts_bytes);
  appender.Add(int64_t{same_fields ? kSameFields : 0});
  appender.Add(Difference(id.ms, base.ms));
  appender.Add(Difference(id.seq, base.seq));
  if (!same_fields) appender.Add(static_cast<int64_t>(pairs));
  for (size_t i = 0; i < fields.size(); i += 2) {
    if (!same_fields) appender.Add(ListpackEntry(fields[i]));
    appender.Add(ListpackEntry(fields[i + 1]));
  }
  size_t parts = kFixedParts - 1 + (same_fields ? pairs : 2 * pairs + 1);
  appender.Add(static_cast<int64_t>(parts));
}

Listpack Stream::Node::Serialized() const {
  Listpack whole;
  Listpack::Appender appender(whole, pack.byte_size() + 5 * Listpack::Appender::kMaxEntryBytes);
  for (int64_t count : {live, deleted, fields}) appender.Add(count);
  uint32_t fields_left = fields;
  for (uint32_t at = pack.First(); at != Listpack::kNone; at = pack.Next(at)) {
    Element element = pack.Get(at);
    appender.Add(element.is_int ? ListpackEntry(element.integer) : ListpackEntry(element.text));
    if (fields_left > 0 && --fields_left == 0) appender.Add(0);
  }
  return whole;
}

// Bytes of the listpack that an RDB file would hold, which has counts in front and ends them with a
// zero.
size_t Stream::Node::SerializedBytes() const {
  return pack.byte_size() + IntegerBytes(live) + IntegerBytes(deleted) + IntegerBytes(fields) +
         IntegerBytes(0);
}

Stream::Place Stream::PlaceAt(const StreamId& base, const Node& node, uint32_t at) {
  const Listpack& pack = node.pack;
  Place place;
  place.at = at;
  place.flags = static_cast<uint8_t>(pack.Get(at).integer);
  at = pack.Next(at);
  place.id.ms = base.ms + static_cast<uint64_t>(pack.Get(at).integer);
  at = pack.Next(at);
  place.id.seq = base.seq + static_cast<uint64_t>(pack.Get(at).integer);
  at = pack.Next(at);
  place.fields = node.fields;
  uint32_t texts = node.fields;
  if (!(place.flags & kSameFields)) {
    place.fields = static_cast<uint32_t>(pack.Get(at).integer);
    texts = 2 * place.fields;
    at = pack.Next(at);
  }
  place.texts = at;
  for (uint32_t i = 0; i < texts; ++i) at = pack.Next(at);
  place.next = pack.Next(at);
  return place;
}

// The entry before the one at `at`, or before the end (kNone); kNone before the first.
uint32_t Stream::BeforePlace(const Node& node, uint32_t at) {
  if (at == node.begin) return Listpack::kNone;
  const Listpack& pack = node.pack;
  uint32_t pos = at == Listpack::kNone ? pack.Last() : pack.Prev(at);
  for (int64_t parts = pack.Get(pos).integer; parts > 0; --parts) pos = pack.Prev(pos);
  return pos;
}

bool Stream::HasFields(const Node& node, Fields fields) {
  if (fields.size() != size_t{node.fields} * 2) return false;
  uint32_t at = node.pack.First();
  for (size_t i = 0; i < fields.size(); i += 2, at = node.pack.Next(at)) {
    if (!node.pack.Matches(at, ListpackEntry(fields[i]))) return false;
  }
  return true;
}

void Stream::MarkDeleted(Node* node, const Place& place) {
  node->pack.ReplaceSmall(place.at, place.flags | kDeleted);
  --node->live;
  ++node->deleted;
  if (place.at == node->begin) node->begin = place.next;
}

// Of all entries, the deleted ones included.
StreamId Stream::LastIdIn(const StreamId& base, const Node& node) {
  return PlaceAt(base, node, BeforePlace(node, Listpack::kNone)).id;
}

// ---- Adding and removing entries ----

std::optional<StreamId> Stream::NextId(uint64_t now_ms) const {
  if (now_ms > last_id_.ms) return StreamId{now_ms, 0};
  return last_id_.Next();
}

std::optional<StreamId> Stream::NextIdAt(uint64_t ms) const {
  if (ms < last_id_.ms || (ms == last_id_.ms && last_id_.seq == UINT64_MAX)) return std::nullopt;
  // 0-0 is no id, and an empty stream's last one is just that.
  return StreamId{ms, ms == last_id_.ms ? last_id_.seq + 1 : 0};
}

// The node that the next entry belongs into: the last one, or a new one where that is full.
Stream::Nodes::iterator Stream::NodeForNext(const StreamId& id, Fields fields, size_t text_bytes,
                                            const StreamLimits& limits) {
  if (!nodes_.empty()) {
    auto last = std::prev(nodes_.end());
    Node& node = last->second;
    bool has_limit = limits.max_node_bytes != 0 && limits.max_node_bytes <= kMaxEntryBytes;
    size_t max_bytes = has_limit ? limits.max_node_bytes : kMaxEntryBytes;
    bool is_full =
        node.SerializedBytes() + text_bytes >= max_bytes ||
        (limits.max_node_entries != 0 && node.live + node.deleted >= limits.max_node_entries);
    if (!is_full) return last;
    node.pack.Shrink();
  }
  return AppendNode(id, fields, 2);
}

// A node of these fields, which are every `step`-th text.
Stream::Nodes::iterator Stream::AppendNode(const StreamId& id, Fields texts, size_t step) {
  auto fresh = nodes_.try_emplace(nodes_.end(), id);
  Node& node = fresh->second;
  node.fields = static_cast<uint32_t>(texts.size() / step);
  Listpack::Appender appender(node.pack, TextBytes(texts) + (texts.size() + kFixedParts) *
                                                                Listpack::Appender::kMaxEntryBytes);
  for (size_t i = 0; i < texts.size(); i += step) appender.Add(ListpackEntry(texts[i]));
  return fresh;
}

void Stream::BeginNode(const StreamId& id, std::span<const std::string_view> fields) {
  KILN_DCHECK(nodes_.empty() || id > last_id_);
  AppendNode(id, fields, 1);
}

void Stream::Add(const StreamId& id, Fields fields, const StreamLimits& limits) {
  KILN_DCHECK(id > last_id_);
  auto at = NodeForNext(id, fields, TextBytes(fields), limits);
  Node& node = at->second;
  bool is_new = node.live == 0;
  auto end = static_cast<uint32_t>(node.pack.byte_size() - 1);
  AppendTo(&node, at->first, id, fields, HasFields(node, fields));
  if (is_new) node.begin = end;
  ++node.live;
  if (entries_added_ < INT64_MAX) ++entries_added_;  // XSETID and RESTORE may set any number.
  last_id_ = id;
  if (++length_ == 1) first_id_ = id;
}

bool Stream::Delete(const StreamId& id) {
  Cursor cursor(*this, id, id);
  if (!cursor.Next()) return false;
  auto at = nodes_.find(cursor.node_->first);
  if (at->second.live == 1)
    nodes_.erase(at);
  else
    MarkDeleted(&at->second, cursor.place_);
  --length_;
  max_deleted_id_ = std::max(max_deleted_id_, id);
  if (id == first_id_ || length_ == 0) FindFirstId();
  return true;
}

uint64_t Stream::Trim(const StreamTrim& trim) {
  if (trim.until == StreamTrim::Until::kNothing) return 0;
  bool by_length = trim.until == StreamTrim::Until::kLength;
  uint64_t before = length_;
  while (!nodes_.empty() && !(by_length && length_ <= trim.length)) {
    auto first = nodes_.begin();
    Node& node = first->second;
    if (trim.limit != 0 && before - length_ + node.live > trim.limit) break;
    bool goes_whole =
        by_length ? length_ - node.live >= trim.length : LastIdIn(first->first, node) < trim.min_id;
    if (!goes_whole) {
      if (!trim.whole_nodes) TrimNode(first->first, &node, trim);
      break;
    }
    length_ -= node.live;
    nodes_.erase(first);
  }
  if (length_ != before) FindFirstId();
  return before - length_;
}

// Deletes entries from a node of which some stay.
void Stream::TrimNode(const StreamId& base, Node* node, const StreamTrim& trim) {
  for (uint32_t at = node->begin; at != Listpack::kNone;) {
    Place place = PlaceAt(base, *node, at);
    bool stays =
        trim.until == StreamTrim::Until::kLength ? length_ <= trim.length : place.id >= trim.min_id;
    if (stays) return;
    at = place.next;
    if (place.flags & kDeleted) {
      node->begin = at;
      continue;
    }
    MarkDeleted(node, place);
    --length_;
  }
}

void Stream::FindFirstId() {
  Cursor cursor(*this, kMinStreamId, kMaxStreamId);
  first_id_ = cursor.Next() ? cursor.id() : kMinStreamId;
}

StreamId Stream::NewestId() const {
  Cursor cursor(*this, kMinStreamId, kMaxStreamId, Cursor::Direction::kBackward);
  return cursor.Next() ? cursor.id() : kMinStreamId;
}

bool Stream::Contains(const StreamId& id) const {
  return Cursor(*this, id, id).Next();
}

// ---- Walking ----

Stream::Cursor::Cursor(const Stream& stream, const StreamId& first, const StreamId& last,
                       Direction direction)
    : nodes_(stream.nodes_), first_(first), last_(last), direction_(direction) {
  bool is_forward = direction == Direction::kForward;
  node_ = nodes_.upper_bound(is_forward ? first : last);
  if (node_ != nodes_.begin()) {
    --node_;
  } else if (!is_forward || node_ == nodes_.end()) {
    is_done_ = true;
    return;
  }
  const Node& node = node_->second;
  at_ = is_forward ? node.begin : BeforePlace(node, Listpack::kNone);
}

bool Stream::Cursor::Next() {
  if (is_done_) return false;
  bool has_more = direction_ == Direction::kForward ? NextForward() : NextBackward();
  is_done_ = !has_more;
  return has_more;
}

bool Stream::Cursor::NextForward() {
  while (true) {
    while (at_ != Listpack::kNone) {
      place_ = PlaceAt(node_->first, node_->second, at_);
      at_ = place_.next;
      if (place_.id > last_) return false;
      if (place_.id >= first_ && !(place_.flags & kDeleted)) return true;
    }
    if (++node_ == nodes_.end()) return false;
    at_ = node_->second.begin;
  }
}

bool Stream::Cursor::NextBackward() {
  while (true) {
    while (at_ != Listpack::kNone) {
      place_ = PlaceAt(node_->first, node_->second, at_);
      at_ = BeforePlace(node_->second, at_);
      if (place_.id < first_) return false;
      if (place_.id <= last_ && !(place_.flags & kDeleted)) return true;
    }
    if (node_ == nodes_.begin()) return false;
    --node_;
    at_ = BeforePlace(node_->second, Listpack::kNone);
  }
}

// ---- Groups ----

StreamGroup* Stream::FindGroup(std::string_view name) {
  auto found = groups_.find(name);
  return found == groups_.end() ? nullptr : &found->second;
}

StreamGroup* Stream::CreateGroup(std::string_view name, const StreamId& last_id,
                                 int64_t entries_read) {
  auto [at, is_new] = groups_.try_emplace(std::string(name), last_id, entries_read);
  return is_new ? &at->second : nullptr;
}

std::unique_ptr<Stream> Stream::TakeGroup(std::string_view name) {
  auto found = groups_.find(name);
  if (found == groups_.end()) return nullptr;
  auto taken = std::make_unique<Stream>();
  taken->groups_.insert(groups_.extract(found));
  return taken;
}

bool Stream::HasTombstoneBehind(const StreamId& id) const {
  if (length_ == 0 || max_deleted_id_.IsZero() || first_id_ > max_deleted_id_) return false;
  return id <= max_deleted_id_;
}

int64_t Stream::EntriesReadAt(const StreamId& id) const {
  auto added = static_cast<int64_t>(entries_added_);
  if (added == 0) return 0;
  if ((length_ == 0 && id <= last_id_) || id == last_id_) return added;
  if (id > last_id_) return StreamGroup::kUnknown;
  if (max_deleted_id_.IsZero() || max_deleted_id_ < first_id_) {
    if (id < first_id_) return added - static_cast<int64_t>(length_);
    if (id == first_id_) return added - static_cast<int64_t>(length_) + 1;
  }
  return StreamGroup::kUnknown;
}

void Stream::Advance(StreamGroup* group, const StreamId& id) const {
  if (group->entries_read != StreamGroup::kUnknown && !HasTombstoneBehind(id))
    group->entries_read += group->entries_read < INT64_MAX ? 1 : 0;
  else if (entries_added_ != 0)
    group->entries_read = EntriesReadAt(id);
  group->last_id = id;
}

std::optional<int64_t> Stream::LagOf(const StreamGroup& group) const {
  if (entries_added_ == 0) return 0;
  int64_t read = group.entries_read;
  if (read == StreamGroup::kUnknown || HasTombstoneBehind(group.last_id))
    read = EntriesReadAt(group.last_id);
  if (read == StreamGroup::kUnknown) return std::nullopt;
  return static_cast<int64_t>(entries_added_) - read;
}

// ---- The whole ----

size_t Stream::memory_bytes() const {
  constexpr size_t kSampledNodes = 64;
  constexpr size_t kMapNodeBytes = 32;
  size_t sampled = 0;
  size_t pack_bytes = 0;
  for (auto at = nodes_.begin(); at != nodes_.end() && sampled < kSampledNodes; ++at, ++sampled) {
    pack_bytes += at->second.pack.memory_bytes();
  }
  if (nodes_.size() > sampled) pack_bytes = pack_bytes / sampled * nodes_.size();
  size_t bytes = pack_bytes + nodes_.size() * (sizeof(Nodes::value_type) + kMapNodeBytes);
  for (const auto& [name, group] : groups_) {
    bytes += sizeof(Groups::value_type) + kMapNodeBytes + name.capacity() + group.memory_bytes();
  }
  return bytes;
}

size_t Stream::FreeCost() const {
  size_t cost = nodes_.size();
  for (const auto& [name, group] : groups_) {
    cost += 1 + group.pending().size() + group.consumers().size();
  }
  return cost;
}

Stream Stream::Clone() const {
  Stream copy;
  for (const auto& [id, node] : nodes_) {
    copy.nodes_.try_emplace(
        copy.nodes_.end(), id,
        Node{node.pack.Clone(), node.fields, node.begin, node.live, node.deleted});
  }
  for (const auto& [name, group] : groups_) copy.groups_.try_emplace(name, group.Clone());
  copy.length_ = length_;
  copy.entries_added_ = entries_added_;
  copy.last_id_ = last_id_;
  copy.first_id_ = first_id_;
  copy.max_deleted_id_ = max_deleted_id_;
  return copy;
}

bool Stream::FreeSome(size_t* budget) {
  while (*budget > 0 && !nodes_.empty()) {
    nodes_.erase(nodes_.begin());
    --*budget;
  }
  while (*budget > 0 && !groups_.empty()) {
    if (!groups_.begin()->second.FreeSome(budget)) return false;
    groups_.erase(groups_.begin());
  }
  return nodes_.empty() && groups_.empty();
}

}  // namespace kiln
