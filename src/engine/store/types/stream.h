// Stream: an append-only sequence of entries, each an id and pairs of fields and values, and the
// consumer groups that read it.
//
// Entries lie in nodes, which are ordered by the id of their first entry. A node is a listpack that
// starts with the fields of that first entry; entries with the same fields store only their values,
// and ids as differences from the node's. A deleted entry is only marked; a node goes with its last
// live entry. Node: field*, then for each entry
//     flags (1: deleted, 2: same fields), ms and seq differences,
//     same fields: value*; otherwise: count, (field value)*
//     the number of parts before this one, to walk back
// which are the parts of the listpacks that RDB files hold (those begin with counts too, which a
// Node has beside its listpack). Nodes end at the same entries as Redis's do, because approximate
// trimming shows where they end.
//
// Views given out are good until the next change. Thread safety: none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engine/store/types/listpack.h"
#include "engine/store/types/stream_group.h"
#include "engine/store/types/stream_id.h"

namespace kiln {

// Past either limit a new node begins; 0 sets none.
struct StreamLimits {
  size_t max_node_bytes = 4096;
  size_t max_node_entries = 100;
};

// Which of the oldest entries are to go.
struct StreamTrim {
  enum class Until : uint8_t { kNothing, kLength, kId };

  Until until = Until::kNothing;
  uint64_t length = 0;       // kLength: so many entries stay
  StreamId min_id;           // kId: entries with smaller ids go
  bool whole_nodes = false;  // a node of which something stays is left alone
  uint64_t limit = 0;        // no node goes with which more than so many would; 0 sets none
};

class Stream {
 public:
  // Texts of one entry may have so many bytes in all.
  static constexpr size_t kMaxEntryBytes = Listpack::kSafeBytes;
  // field, value, field, value ...
  using Fields = std::span<const std::string_view>;
  using Groups = std::map<std::string, StreamGroup, std::less<>>;
  class Cursor;

  Stream() = default;
  Stream(Stream&&) = default;

  uint64_t size() const { return length_; }
  std::string_view EncodingName() const { return "stream"; }
  size_t memory_bytes() const;  // beyond this object itself; estimated from a few nodes of many
  // What freeing it takes, in units of FreeSome's budget; about.
  size_t FreeCost() const;
  size_t node_count() const { return nodes_.size(); }

  const StreamId& last_id() const { return last_id_; }    // of all that were ever added
  const StreamId& first_id() const { return first_id_; }  // of those there are; 0-0 for none
  const StreamId& max_deleted_id() const { return max_deleted_id_; }
  uint64_t entries_added() const { return entries_added_; }
  // The id of the newest entry there is; 0-0 for none.
  StreamId NewestId() const;

  // The id that an entry added now would get, or one added at a given millisecond; null when that
  // is past.
  std::optional<StreamId> NextId(uint64_t now_ms) const;
  std::optional<StreamId> NextIdAt(uint64_t ms) const;
  // The id must be greater than last_id(), the texts within kMaxEntryBytes.
  void Add(const StreamId& id, Fields fields, const StreamLimits& limits);
  // For whoever reads a file: ends the last node. The next entry goes into one of these fields; it
  // must follow. The id must be greater than last_id(), except for the first node.
  void BeginNode(const StreamId& id, std::span<const std::string_view> fields);
  // False when there is no such entry.
  bool Delete(const StreamId& id);
  // Returns how many entries went.
  uint64_t Trim(const StreamTrim& trim);
  bool Contains(const StreamId& id) const;
  // Calls f(id of the first entry, listpack as RDB files hold it) for each node.
  template <class F>
  void ForEachNode(F&& f) const {
    for (const auto& [id, node] : nodes_) f(id, node.Serialized());
  }
  // The same from the first node on whose first entry's id is not smaller; ends when f is false.
  template <class F>
  void ForEachNodeFrom(const StreamId& first, F&& f) const {
    for (auto at = nodes_.lower_bound(first); at != nodes_.end(); ++at) {
      if (!f(at->first, at->second.Serialized())) return;
    }
  }
  // XSETID. The id must not be smaller than the newest entry's or the last one deleted.
  void SetLastId(const StreamId& id) { last_id_ = id; }
  void SetEntriesAdded(uint64_t entries_added) { entries_added_ = entries_added; }
  void SetMaxDeletedId(const StreamId& id) { max_deleted_id_ = id; }

  const Groups& groups() const { return groups_; }
  StreamGroup* FindGroup(std::string_view name);
  // Null when there is one of that name.
  StreamGroup* CreateGroup(std::string_view name, const StreamId& last_id, int64_t entries_read);
  // Takes a group out, in a stream of nothing else, so that it can be freed like one; null when
  // there is none.
  std::unique_ptr<Stream> TakeGroup(std::string_view name);
  // The group has got to this entry, which lies behind its last one.
  void Advance(StreamGroup* group, const StreamId& id) const;
  // The place of an entry among all that were ever added, as far as it can be told without
  // counting: of the last and the first one, and of what is before the first.
  int64_t EntriesReadAt(const StreamId& id) const;
  // How many entries the group has not got yet, where that can be known.
  std::optional<int64_t> LagOf(const StreamGroup& group) const;

  Stream Clone() const;
  bool FreeSome(size_t* budget);

 private:
  struct Node {
    Listpack pack;
    uint32_t fields = 0;   // of the first entry
    uint32_t begin = 0;    // the first entry's position, or that of a later one: those before are
                           // deleted
    uint32_t live = 0;     // entries
    uint32_t deleted = 0;  // entries that are only marked

    Listpack Serialized() const;
    size_t SerializedBytes() const;
  };
  using Nodes = std::map<StreamId, Node>;
  static constexpr uint8_t kDeleted = 1;
  static constexpr uint8_t kSameFields = 2;
  // One entry in its node.
  struct Place {
    StreamId id;
    uint8_t flags = 0;
    uint32_t at = 0;      // its flags
    uint32_t fields = 0;  // how many
    uint32_t texts = 0;   // the first field, or value
    uint32_t next = 0;    // the next entry's flags, kNone at the end
  };

  static Place PlaceAt(const StreamId& base, const Node& node, uint32_t at);
  static uint32_t BeforePlace(const Node& node, uint32_t at);
  static bool HasFields(const Node& node, Fields fields);
  static void AppendTo(Node* node, const StreamId& base, const StreamId& id, Fields fields,
                       bool same_fields);
  Nodes::iterator NodeForNext(const StreamId& id, Fields fields, size_t text_bytes,
                              const StreamLimits& limits);
  Nodes::iterator AppendNode(const StreamId& id, Fields texts, size_t step);
  static void MarkDeleted(Node* node, const Place& place);
  void TrimNode(const StreamId& base, Node* node, const StreamTrim& trim);
  static StreamId LastIdIn(const StreamId& base, const Node& node);
  void FindFirstId();
  bool HasTombstoneBehind(const StreamId& id) const;

  Nodes nodes_;
  Groups groups_;
  uint64_t length_ = 0;
  uint64_t entries_added_ = 0;
  StreamId last_id_;
  StreamId first_id_;
  StreamId max_deleted_id_;
};

// Walks the live entries between two ids, both included, in either direction.
class Stream::Cursor {
 public:
  enum class Direction : uint8_t { kForward, kBackward };

  Cursor(const Stream& stream, const StreamId& first, const StreamId& last,
         Direction direction = Direction::kForward);

  // Goes to the first entry, then from one to the next; false at the end.
  bool Next();

  const StreamId& id() const { return place_.id; }
  size_t fields() const { return place_.fields; }
  // Calls f(field, value).
  template <class F>
  void ForEachField(F&& f) const;

 private:
  friend class Stream;
  bool NextForward();
  bool NextBackward();

  const Nodes& nodes_;
  StreamId first_;
  StreamId last_;
  Direction direction_;
  Nodes::const_iterator node_;
  uint32_t at_ = Listpack::kNone;  // the entry to look at next
  bool is_done_ = false;
  Place place_;
};

template <class F>
void Stream::Cursor::ForEachField(F&& f) const {
  const Listpack& pack = node_->second.pack;
  bool shares_fields = (place_.flags & kSameFields) != 0;
  uint32_t shared = pack.First();
  uint32_t at = place_.texts;
  ElementScratch field_scratch;
  ElementScratch value_scratch;
  for (uint32_t i = 0; i < place_.fields; ++i) {
    uint32_t& field_at = shares_fields ? shared : at;
    std::string_view field = pack.Get(field_at).ToString(field_scratch);
    field_at = pack.Next(field_at);
    f(field, pack.Get(at).ToString(value_scratch));
    at = pack.Next(at);
  }
}

}  // namespace kiln
