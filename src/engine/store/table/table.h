// Extendible-hash table of pointers: the one hash table of the store, for keys, hash fields and set
// members alike.
//
// A directory of 2^depth segments (segment.h) is indexed by the top bits of a 64-bit hash. A full
// segment grows by an eighth or splits alone, tens of microseconds at the most, so there is never a
// stop-the-world rehash nor a second whole table. Everything is in hash order, which gives Scan its
// promise: an entry present throughout is always returned. After Fagin et al., "Extendible Hashing"
// (1979).
//
// Policy: using Entry = ...; static uint64_t Hash(const Entry*); static bool Equals(const Entry*,
// std::string_view). The table owns no entry. Entries must stay at even addresses below 2^48.
//
// Each entry has a mark, a bit for whoever must come past every entry once (store/cut.h). An
// optional static uint64_t Mark() of the policy says which one (0 or kMarkBit) new entries get.
//
// Thread safety: none, but PrefetchBucket and PrefetchEntry may run beside a writer: they only warm
// the cache.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstring>
#include <span>
#include <string_view>

#include "base/check.h"
#include "base/memory.h"
#include "base/prefetch.h"
#include "base/random.h"
#include "engine/store/table/bucket_heap.h"
#include "engine/store/table/segment.h"

namespace kiln {

template <class Policy>
class Table {
 public:
  using Entry = typename Policy::Entry;

  Table() = default;
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;
  Table(Table&& other) noexcept { Swap(other); }
  Table& operator=(Table&& other) noexcept {
    Swap(other);
    return *this;
  }
  ~Table() { Clear(); }

  size_t size() const { return size_; }
  // Bytes of buckets and directory; entries not included.
  size_t memory_bytes() const { return bucket_count_ * sizeof(Bucket) + DirectoryBytes(); }

  // Null when absent.
  [[gnu::always_inline]] inline Entry* Find(uint64_t hash, std::string_view key) const {
    if (directory_word() == 0) return nullptr;
    uint64_t* slot = FindSlot(hash, key);
    return slot == nullptr ? nullptr : static_cast<Entry*>(SlotEntry(*slot));
  }

  // Room for so many entries at once, in a table that has never held any; growing to it step by
  // step takes several times as long.
  void Reserve(size_t entries) {
    constexpr size_t kUsualEntries = kMaxSegmentEntries * 5 / 8;
    constexpr unsigned kMaxDepth = 20;
    if (directory_word() != 0 || entries == 0) return;
    unsigned depth = 0;
    while (entries >> depth > kUsualEntries && depth < kMaxDepth) ++depth;
    StartWith(depth, BucketsFor(entries >> depth));
  }

  // The key must be absent.
  void Insert(uint64_t hash, Entry* entry) {
    if (directory_word() == 0) Start();
    while (true) {
      Segment segment = SegmentOf(hash);
      if (segment.Place(PackSlot(entry, segment.TagOf(hash)) | NewMark())) break;
      Grow(hash, segment);
    }
    ++size_;
  }

  // Takes the entry out and returns it for the caller to free; null when absent.
  Entry* Remove(uint64_t hash, std::string_view key) {
    if (size_ == 0) return nullptr;
    uint64_t* slot = FindSlot(hash, key);
    if (slot == nullptr) return nullptr;
    auto* entry = static_cast<Entry*>(SlotEntry(*slot));
    *slot = 0;
    if (--size_ == 0) {
      Clear();
    } else {
      ShrinkIfSparse(hash);
    }
    return entry;
  }

  // Says that an entry now lives at another address.
  void Replace(uint64_t hash, Entry* old_entry, Entry* new_entry) {
    KILN_CHECK(ReplaceIfHeld(hash, old_entry, new_entry));
  }

  // Whether this very entry is here. It need not exist any more.
  bool Holds(uint64_t hash, Entry* entry) const { return ReplaceIfHeld(hash, entry, entry); }

  // False when the table does not hold the entry.
  bool ReplaceIfHeld(uint64_t hash, Entry* old_entry, Entry* new_entry) const {
    if (size_ == 0) return false;
    Segment segment = SegmentOf(hash);
    uint16_t tag = segment.TagOf(hash);
    size_t home = segment.HomeOf(tag);
    uint64_t wanted = PackSlot(old_entry, tag);
    for (size_t bucket : {home, segment.After(home)}) {
      for (uint64_t& slot : segment.buckets()[bucket].slots) {
        if ((slot & ~kMarkBit) == wanted) {
          if (new_entry != old_entry) slot = PackSlot(new_entry, tag) | (slot & kMarkBit);
          return true;
        }
      }
    }
    return false;
  }

  // Calls f(Entry*) for at least `count` entries if there are as many, from `cursor` on in hash
  // order; 0 starts. Returns the next cursor (below 2^48), or 0 at the end. Cursors stay valid
  // whatever happens to the table in between.
  template <class F>
  uint64_t Scan(uint64_t cursor, size_t count, F&& f) const {
    if (size_ == 0 || cursor >> 48 != 0) return 0;
    uint64_t position = cursor << 16;
    size_t seen = 0;
    while (true) {
      position = ScanGroup(position, [&](Entry* entry) {
        ++seen;
        f(entry);
      });
      if (position == 0 || seen >= count) return position >> 16;
    }
  }

  // Calls f(Entry*) for all entries. f must not change the table.
  template <class F>
  void ForEach(F&& f) const {
    ForEachSegment([&](Segment segment) {
      for (size_t i = 0; i < segment.count(); ++i) {
        for (uint64_t slot : segment.buckets()[i].slots) {
          if (slot != 0) f(static_cast<Entry*>(SlotEntry(slot)));
        }
      }
    });
  }

  // Calls f(Entry*) for the entries whose top `bits` hash bits (at most 32) are those of `hash`.
  // For segments of up to 2^(bits - 16) of the table; f must not change the table.
  template <class F>
  void ForEachWithPrefix(uint64_t hash, unsigned bits, F&& f) const {
    if (size_ == 0) return;
    Segment segment = SegmentOf(hash);
    KILN_CHECK(segment.depth() + 16 <= bits);
    uint16_t tag = segment.TagOf(hash);
    size_t home = segment.HomeOf(tag);
    for (size_t bucket : {home, segment.After(home)}) {
      for (uint32_t mask = MatchTags(segment.buckets()[bucket], tag); mask != 0; mask &= mask - 1) {
        auto* entry =
            static_cast<Entry*>(SlotEntry(segment.buckets()[bucket].slots[FirstMatch(mask)]));
        if (entry != nullptr && ((Policy::Hash(entry) ^ hash) >> (64 - bits)) == 0) f(entry);
      }
      if (segment.count() == 1) break;
    }
  }

  // About uniform; null when empty.
  Entry* RandomEntry(Random& random) const {
    if (size_ == 0) return nullptr;
    constexpr int kTries = 64;
    for (int i = 0; i < kTries; ++i) {
      Segment segment = SegmentOf(random.Next());
      uint64_t slot = segment.buckets()[random.Below(segment.count())].slots[random.Below(8)];
      if (slot != 0) return static_cast<Entry*>(SlotEntry(slot));
    }
    Entry* found = nullptr;
    uint64_t start = random.Next() >> 16;
    Scan(start, 1, [&](Entry* entry) { found = entry; });
    if (found == nullptr) Scan(0, 1, [&](Entry* entry) { found = entry; });
    return found;
  }

  // The entry, if it is here and its mark was another; it has this one now.
  Entry* MarkIfNot(uint64_t mark, uint64_t hash, std::string_view key) {
    if (size_ == 0) return nullptr;
    uint64_t* slot = FindSlot(hash, key);
    if (slot == nullptr || (*slot & kMarkBit) == mark) return nullptr;
    *slot ^= kMarkBit;
    return static_cast<Entry*>(SlotEntry(*slot));
  }

  // Marks the entries from *position (0 starts) to the end of a segment that have another mark, and
  // gives each to visit(Entry*), which says whether to go on. Moves *position; true at the end of
  // the table. Whatever is inserted, split or removed between calls: an entry that was there all
  // the time is met once.
  template <class F>
  bool WalkNotMarked(uint64_t mark, uint64_t* position, F&& visit) {
    if (size_ == 0) return true;
    Segment segment = SegmentOf(*position);
    for (size_t i = 0; i < segment.count(); ++i) {
      for (uint64_t& slot : segment.buckets()[i].slots) {
        if (slot == 0 || (slot & kMarkBit) == mark) continue;
        slot ^= kMarkBit;
        if (!visit(static_cast<Entry*>(SlotEntry(slot)))) return false;
      }
    }
    unsigned d = segment.depth();
    uint64_t next = d == 0 ? 1 : (*position >> (64 - d)) + 1;
    if (next >> d != 0) return true;
    *position = next << (64 - d);
    return false;
  }

  // Takes entries out and gives them to free_entry(Entry*), at most *budget of them; true when the
  // table is empty. Buckets go as they empty. Once begun, only more draining is allowed until that
  // is done.
  template <class F>
  bool Drain(size_t* budget, F&& free_entry) {
    while (size_ > 0 && *budget > 0) {
      Segment segment =
          Segment::FromWord(directory()[drain_position_].load(std::memory_order_relaxed));
      if (!DrainSegment(segment, budget, free_entry)) break;
      ReleaseDrained(segment);
    }
    if (size_ == 0) Clear();
    return size_ == 0;
  }

  // Gives back all buckets; entries still inside are forgotten.
  void Clear() {
    if (directory_word() == 0) return;
    uint64_t word = directory_word();
    ForEachSegment([](Segment segment) { segment.Free(); });
    directory_.store(0, std::memory_order_relaxed);
    NoteMove();
    DropDirectory(DirectoryIn(word), DepthIn(word));
    size_ = 0;
    bucket_count_ = 0;
    drain_position_ = 0;
  }

  void Swap(Table& other) {
    uint64_t mine = directory_word();
    directory_.store(other.directory_word(), std::memory_order_relaxed);
    other.directory_.store(mine, std::memory_order_relaxed);
    NoteMove();
    other.NoteMove();
    std::swap(size_, other.size_);
    std::swap(bucket_count_, other.bucket_count_);
    std::swap(drain_position_, other.drain_position_);
  }

  // Asks for the directory, as far as it is one cache line.
  void PrefetchDirectory() const { Prefetch(directory()); }

  // Asks for the cache lines of the home bucket and the next. The hint carries `owner`, which
  // FindSeen's caller compares: it must tell this table from others that the hint might be held
  // against.
  [[gnu::always_inline]] inline TableHint PrefetchBucket(uint64_t hash, uint16_t owner) const {
    uint32_t version = version_.load(std::memory_order_acquire);
    uint64_t word = directory_word();
    constexpr uint64_t kTooDeep = uint64_t{kMaxPrefetchDepth + 1} << 48;
    if (word - 1 >= kTooDeep - 1) [[unlikely]]
      return {};  // no directory, or one that may go
    Segment segment = SegmentIn(word, hash);
    uint16_t tag = segment.TagOf(hash);
    size_t home = segment.HomeOf(tag);
    const Bucket* bucket = segment.buckets() + home;
    const Bucket* next = segment.buckets() + segment.After(home);
    Prefetch(bucket);
    Prefetch(next);
    return {bucket, next, nullptr, &version_, version, tag, owner};
  }

  // Asks for the entries there whose tag matches, and notes where the first is.
  __attribute__((no_sanitize("thread"))) static void PrefetchEntry(TableHint* hint) {
    const Bucket* bucket = hint->home;
    if (bucket == nullptr) return;
    uint32_t mask = MatchTags(*bucket, hint->tag);
    if (mask == 0) {
      bucket = hint->next;
      mask = MatchTags(*bucket, hint->tag);
      if (mask == 0) return;
    }
    hint->slot = &bucket->slots[FirstMatch(mask)];
    do {
      Prefetch(SlotEntry(bucket->slots[FirstMatch(mask)]));
      mask &= mask - 1;
    } while (mask != 0);
  }

  // To be called when the table comes to stand for something else: what was seen in it is void.
  void ForgetSeen() { NoteMove(); }

  // The entry, if it is still where it was seen; null says nothing.
  [[gnu::always_inline]] static inline Entry* FindSeen(const TableHint& hint,
                                                       std::string_view key) {
    if (hint.slot == nullptr ||
        hint.version != hint.table_version->load(std::memory_order_relaxed)) {
      return nullptr;
    }
    auto* entry = static_cast<Entry*>(SlotEntry(*hint.slot));
    return entry != nullptr && Policy::Equals(entry, key) ? entry : nullptr;
  }

 private:
  // Directories up to this depth come from their own heap, so they stay mapped and stay
  // directories.
  static constexpr unsigned kMaxPrefetchDepth = 12;
  static constexpr size_t kSparseFraction = 4;

  using Word = std::atomic<uint64_t>;

  static uint64_t NewMark() {
    if constexpr (requires { Policy::Mark(); }) return Policy::Mark();
    return 0;
  }

  uint64_t directory_word() const { return directory_.load(std::memory_order_relaxed); }
  static unsigned DepthIn(uint64_t word) { return static_cast<unsigned>(word >> 48); }
  static Word* DirectoryIn(uint64_t word) { return reinterpret_cast<Word*>(word & kPointerMask); }
  unsigned depth() const { return DepthIn(directory_word()); }
  Word* directory() const { return DirectoryIn(directory_word()); }
  size_t DirectoryBytes() const { return directory_word() == 0 ? 0 : sizeof(Word) << depth(); }

  static size_t IndexOf(uint64_t hash, unsigned depth) { return (hash >> 1) >> (63 - depth); }
  static Segment SegmentIn(uint64_t word, uint64_t hash) {
    size_t index = IndexOf(hash, DepthIn(word));
    return Segment::FromWord(DirectoryIn(word)[index].load(std::memory_order_relaxed));
  }
  Segment SegmentOf(uint64_t hash) const { return SegmentIn(directory_word(), hash); }

  // Most entries are in their home bucket: that one is searched without a call.
  [[gnu::always_inline]] inline uint64_t* FindSlot(uint64_t hash, std::string_view key) const {
    Segment segment = SegmentOf(hash);
    uint16_t tag = segment.TagOf(hash);
    size_t home = segment.HomeOf(tag);
    uint64_t* slot = FindInBucket(segment.buckets()[home], tag, key);
    return slot != nullptr ? slot : FindNextDoor(segment, home, tag, key);
  }

  [[gnu::noinline]] static uint64_t* FindNextDoor(Segment segment, size_t home, uint16_t tag,
                                                  std::string_view key) {
    if (segment.count() == 1) return nullptr;
    return FindInBucket(segment.buckets()[segment.After(home)], tag, key);
  }

  [[gnu::always_inline]] static inline uint64_t* FindInBucket(Bucket& bucket, uint16_t tag,
                                                              std::string_view key) {
    for (uint32_t mask = MatchTags(bucket, tag); mask != 0; mask &= mask - 1) {
      uint64_t& slot = bucket.slots[FirstMatch(mask)];
      auto* entry = static_cast<Entry*>(SlotEntry(slot));
      if (entry != nullptr && Policy::Equals(entry, key)) return &slot;
    }
    return nullptr;
  }

  static Word* NewDirectory(unsigned depth) {
    size_t words = size_t{1} << depth;
    if (depth <= kMaxPrefetchDepth) return AllocateDirectory(words);
    size_t bytes = words * sizeof(Word);
    return static_cast<Word*>(std::memset(AllocateBytes(bytes), 0, bytes));
  }
  static void DropDirectory(Word* directory, unsigned depth) {
    if (depth <= kMaxPrefetchDepth) {
      FreeDirectory(directory, size_t{1} << depth);
    } else {
      FreeBytes(directory);
    }
  }
  void SetDirectory(Word* directory, unsigned depth) {
    directory_.store(reinterpret_cast<uintptr_t>(directory) | uint64_t{depth} << 48,
                     std::memory_order_relaxed);
    NoteMove();
  }
  // Buckets have come, gone or moved: what was seen of them before counts no more. Comes after the
  // change and before the old buckets' memory goes, so that nobody takes an old place for a new
  // one.
  void NoteMove() {
    version_.store(version_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }

  void Start() { StartWith(0, 1); }

  // Segments of `count` buckets each, for all prefixes of `depth` bits.
  void StartWith(unsigned depth, size_t count) {
    Word* directory = NewDirectory(depth);
    for (size_t i = 0; i < size_t{1} << depth; ++i)
      directory[i].store(Segment::Allocate(count, depth).word(), std::memory_order_relaxed);
    SetDirectory(directory, depth);
    bucket_count_ = count << depth;
  }

  // Points every directory entry of the segment's prefix at it.
  void SetSegment(uint64_t hash, Segment segment) {
    unsigned spare = depth() - segment.depth();
    size_t first = (IndexOf(hash, depth()) >> spare) << spare;
    for (size_t i = first; i < first + (size_t{1} << spare); ++i) {
      directory()[i].store(segment.word(), std::memory_order_relaxed);
    }
    NoteMove();
  }

  void Grow(uint64_t hash, Segment segment) {
    uint64_t slots[kMaxSegmentEntries];
    size_t entries = segment.Collect(slots);
    for (size_t count = NextBucketCount(segment.count()); count != 0;
         count = NextBucketCount(count)) {
      if (Rebuild(hash, segment, count, {slots, entries})) return;
    }
    Split(hash, segment, {slots, entries});
  }

  // Moves a segment's slots to `count` fresh buckets; false, and nothing changed, if they do not
  // fit.
  bool Rebuild(uint64_t hash, Segment segment, size_t count, std::span<const uint64_t> slots) {
    Segment fresh = Segment::Allocate(count, segment.depth());
    if (!fresh.Fill(slots)) {
      fresh.Free();
      return false;
    }
    SetSegment(hash, fresh);
    bucket_count_ += fresh.count() - segment.count();
    segment.Free();
    return true;
  }

  void Split(uint64_t hash, Segment segment, std::span<const uint64_t> slots) {
    if (segment.depth() == depth()) DoubleDirectory();
    unsigned child_depth = segment.depth() + 1;
    KILN_CHECK(child_depth <= 32);
    for (uint64_t slot : slots) Prefetch(SlotEntry(slot));
    uint64_t hashes[2][kMaxSegmentEntries];
    uint64_t entries[2][kMaxSegmentEntries];
    size_t counts[2] = {0, 0};
    for (uint64_t slot : slots) {
      size_t side = slot >> 63;  // the tag's top bit is the next bit of the prefix
      entries[side][counts[side]] = slot & kPointerMask;
      hashes[side][counts[side]++] = Policy::Hash(static_cast<const Entry*>(SlotEntry(slot)));
    }
    uint64_t bit = uint64_t{1} << (64 - child_depth);
    for (size_t side = 0; side < 2; ++side) {
      Segment child = BuildChild(child_depth, hashes[side], entries[side], counts[side]);
      SetSegment(side == 0 ? hash & ~bit : hash | bit, child);
      bucket_count_ += child.count();
    }
    bucket_count_ -= segment.count();
    segment.Free();
  }

  static Segment BuildChild(unsigned depth, const uint64_t* hashes, const uint64_t* entries,
                            size_t count) {
    for (size_t buckets = BucketsFor(count);; buckets = NextBucketCount(buckets)) {
      KILN_CHECK(buckets != 0);
      Segment child = Segment::Allocate(buckets, depth);
      uint64_t slots[kMaxSegmentEntries];
      for (size_t i = 0; i < count; ++i)
        slots[i] = entries[i] | uint64_t{child.TagOf(hashes[i])} << 48;
      if (child.Fill({slots, count})) return child;
      child.Free();
    }
  }

  void DoubleDirectory() {
    unsigned old_depth = depth();
    Word* old_directory = directory();
    Word* fresh = NewDirectory(old_depth + 1);
    for (size_t i = 0; i < size_t{1} << old_depth; ++i) {
      uint64_t word = old_directory[i].load(std::memory_order_relaxed);
      fresh[2 * i].store(word, std::memory_order_relaxed);
      fresh[2 * i + 1].store(word, std::memory_order_relaxed);
    }
    SetDirectory(fresh, old_depth + 1);
    DropDirectory(old_directory, old_depth);
  }

  // Looks at the whole segment only when a removal left its bucket empty, so the check costs
  // nothing in general.
  void ShrinkIfSparse(uint64_t hash) {
    Segment segment = SegmentOf(hash);
    if (segment.count() < 4) return;
    const Bucket& home = segment.buckets()[segment.HomeOf(segment.TagOf(hash))];
    for (uint64_t slot : home.slots) {
      if (slot != 0) return;
    }
    uint64_t slots[kMaxSegmentEntries];
    size_t entries = segment.Collect(slots);
    if (entries * kSparseFraction > segment.count() * kSlotsPerBucket) return;
    Rebuild(hash, segment, BucketsFor(entries), {slots, entries});
  }

  template <class F>
  void ForEachSegment(F&& f) const {
    if (directory_word() == 0) return;
    size_t entries = size_t{1} << depth();
    for (size_t i = 0; i < entries;) {
      Segment segment = Segment::FromWord(directory()[i].load(std::memory_order_relaxed));
      if (segment.word() == 0) {
        ++i;  // drained
        continue;
      }
      i += size_t{1} << (depth() - segment.depth());
      f(segment);
    }
  }

  // Calls f for the entries of one home bucket at or after a hash position; returns the next
  // position, 0 at the end.
  template <class F>
  uint64_t ScanGroup(uint64_t position, F&& f) const {
    Segment segment = SegmentOf(position);
    uint16_t first_tag = segment.TagOf(position);
    size_t home = segment.HomeOf(first_tag);
    for (size_t bucket : {home, segment.After(home)}) {
      for (uint64_t slot : segment.buckets()[bucket].slots) {
        if (slot == 0 || SlotTag(slot) < first_tag) continue;
        if (segment.HomeOf(SlotTag(slot)) == home) f(static_cast<Entry*>(SlotEntry(slot)));
      }
      if (segment.count() == 1) break;
    }
    unsigned d = segment.depth();
    uint64_t prefix = d == 0 ? 0 : position >> (64 - d);
    uint32_t next_tag = segment.FirstTagOf(home + 1);
    if (next_tag < 65536) return (d == 0 ? 0 : prefix << (64 - d)) | uint64_t{next_tag} << (48 - d);
    ++prefix;
    return d == 0 || prefix >> d != 0 ? 0 : prefix << (64 - d);
  }

  // True when the segment is empty; false when the budget ended first.
  template <class F>
  bool DrainSegment(Segment segment, size_t* budget, F&& free_entry) {
    for (size_t i = 0; i < segment.count(); ++i) {
      for (uint64_t& slot : segment.buckets()[i].slots) {
        if (slot == 0) continue;
        if (*budget == 0) return false;
        free_entry(static_cast<Entry*>(SlotEntry(slot)));
        slot = 0;
        --size_;
        --*budget;
      }
    }
    return true;
  }

  void ReleaseDrained(Segment segment) {
    size_t end = drain_position_ + (size_t{1} << (depth() - segment.depth()));
    for (; drain_position_ < end; ++drain_position_) {
      directory()[drain_position_].store(0, std::memory_order_relaxed);
    }
    segment.Free();
  }

  Word directory_{
      0};  // 48 bits of address, depth on top; 0 while the table has never held anything
  size_t size_ = 0;
  size_t bucket_count_ = 0;
  uint32_t drain_position_ = 0;
  std::atomic<uint32_t> version_{0};  // of the layout of the buckets
};

}  // namespace kiln
