#include "engine/persist/rdb_splitter.h"

#include <endian.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "base/number.h"
#include "engine/persist/crc64.h"
#include "engine/persist/rdb_input.h"

namespace kiln {
namespace {

// Whether a part belongs to the entry behind it.
bool IsBeforeEntry(RdbOpcode opcode, std::string_view part) {
  if (opcode == RdbOpcode::kAux) {
    RdbInput in(part.substr(1));
    return in.Text() == kRdbItemAux;
  }
  return opcode == RdbOpcode::kExpiryMs || opcode == RdbOpcode::kExpirySeconds ||
         opcode == RdbOpcode::kIdle || opcode == RdbOpcode::kFrequency;
}

}  // namespace

std::string_view RdbFacts::Aux(std::string_view name) const {
  for (const auto& [key, text] : aux) {
    if (key == name) return text;
  }
  return {};
}

void RdbSplitter::Fail(std::string_view text, uint64_t offset) {
  if (!error_.empty()) return;
  error_ = text;
  error_offset_ = offset;
}

uint64_t RdbSplitter::FileBytesLeft() const {
  if (is_source_empty_) return size_;
  uint64_t total = source_.total_bytes();
  return total == ByteSource::kUnknown ? total : std::max<uint64_t>(total, offset_) - offset_;
}

bool RdbSplitter::Fill() {
  if (buffer_ == nullptr) {
    buffer_ = std::make_unique_for_overwrite<char[]>(kBatchBytes);
    capacity_ = kBatchBytes;
  }
  size_t before = size_;
  while (size_ < capacity_ && !is_source_empty_) {
    size_t got = 0;
    std::string error = source_.Read(buffer_.get() + size_, capacity_ - size_, &got);
    if (!error.empty()) return Fail(error, offset_ + size_), false;
    is_source_empty_ = got == 0;
    size_ += got;
  }
  return size_ > before;
}

void RdbSplitter::Grow() {
  auto larger = std::make_unique_for_overwrite<char[]>(capacity_ * 2);
  std::memcpy(larger.get(), buffer_.get(), size_);
  buffer_ = std::move(larger);
  capacity_ *= 2;
}

bool RdbSplitter::ReadHead() {
  has_head_ = true;
  Fill();
  std::string_view head(buffer_.get(), std::min(size_, kRdbMagicBytes));
  facts_.is_valkeys = head.starts_with("VALKEY");
  if (head.size() < kRdbMagicBytes || (!facts_.is_valkeys && !head.starts_with("REDIS")))
    return Fail("Wrong signature trying to load DB from file", 0), false;
  size_t name_bytes = facts_.is_valkeys ? 6 : 5;
  std::optional<int64_t> version;
  std::string_view digits = head.substr(name_bytes);
  if (digits.find_first_not_of("0123456789") == digits.npos) {
    digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size() - 1));
    version = ParseInt64(digits);
  }
  bool is_known =
      version && (facts_.is_valkeys ? *version == kRdbVersionValkey
                                    : *version >= 1 && *version <= kRdbVersionFieldTimes);
  if (!is_known) return Fail(fmt::format("Can't handle RDB format version {}", digits), 0), false;
  facts_.version = static_cast<uint16_t>(*version);
  entry_start_ = part_start_ = kRdbMagicBytes;
  return true;
}

void RdbSplitter::Sum(size_t until) {
  crc_ = Crc64(crc_, {buffer_.get() + summed_, until - summed_});
  summed_ = until;
}

bool RdbSplitter::EndFile(size_t start, size_t end) {
  Sum(start + 1);
  is_at_end_ = true;
  entry_start_ = part_start_ = end;
  if (facts_.version < kFirstChecksumVersion) {
    // A damaged version number must not do away with the checksum.
    bool has_more =
        size_ > end || (FileBytesLeft() != ByteSource::kUnknown && FileBytesLeft() > end);
    if (has_more) Fail("There is something behind its end", offset_ + end);
    return true;
  }
  uint64_t number;
  std::memcpy(&number, buffer_.get() + start + 1, sizeof(number));
  number = le64toh(number);
  facts_.has_checksum = number != 0;
  if (facts_.has_checksum && checks_ && number != crc_) {
    Fail(fmt::format("Wrong RDB checksum expected: ({:x}) but got ({:x}): RDB CRC error", crc_,
                     number),
         offset_ + start + 1);
  }
  return true;
}

void RdbSplitter::TakeFact(RdbOpcode opcode, std::string_view part) {
  RdbInput in(part.substr(1));
  switch (opcode) {
    case RdbOpcode::kAux: {
      std::string name(in.Text());
      facts_.aux.emplace_back(std::move(name), in.Text());
      break;
    }
    case RdbOpcode::kFunction:
      facts_.functions.emplace_back(in.Text());
      break;
    case RdbOpcode::kResizeDb:
      db_keys_ = in.Length();
      facts_.declared_keys += db_keys_;
      facts_.declared_expiries += in.Length();
      break;
    case RdbOpcode::kSelectDb:
      next_db_ = in.Length();
      break;
    case RdbOpcode::kModuleAux:
      ++facts_.module_parts;
      break;
    default:
      break;
  }
  if (in.is_broken()) Fail("A text that makes no sense", offset_ + part_start_);
}

// A part from `start` to the skipper's position. True when the batch is to be given out first.
bool RdbSplitter::TakePart(RdbSkipper& skipper, size_t start) {
  std::string_view part(buffer_.get() + start, skipper.position() - start);
  auto opcode = static_cast<RdbOpcode>(skipper.code());
  bool is_entry = !IsRdbOpcode(skipper.code());
  part_start_ = skipper.position();
  if (is_entry) {
    entries_.push_back(entry_start_);
    entry_start_ = part_start_;
    return false;
  }
  if (IsBeforeEntry(opcode, part)) return false;
  if (start != entry_start_) return Fail("An entry without a key", offset_ + start), true;
  if (opcode == RdbOpcode::kEnd) return EndFile(start, skipper.position());
  TakeFact(opcode, part);
  entry_start_ = part_start_;
  return next_db_ != db_ && !entries_.empty();
}

bool RdbSplitter::Scan() {
  RdbSkipper skipper({buffer_.get(), size_}, facts_.version, FileBytesLeft());
  skipper.SetPosition(part_start_);
  while (true) {
    size_t start = skipper.position();
    switch (skipper.SkipPart()) {
      case RdbSkipper::Outcome::kWhole:
        if (TakePart(skipper, start)) return true;
        if (entries_.empty()) db_ = next_db_;
        break;
      case RdbSkipper::Outcome::kShort:
        return false;
      case RdbSkipper::Outcome::kModule:
        Fail("A value of a module, which Kiln has not", offset_ + start);
        return true;
      case RdbSkipper::Outcome::kBroken:
        Fail(start >= size_ ? "The file ends too early"
             : skipper.code() == static_cast<uint8_t>(RdbOpcode::kFunctionPreGa)
                 ? "Pre-release function format not supported"
                 : "What is declared there is not in the file, or makes no sense",
             offset_ + start);
        return true;
    }
  }
}

// What was looked at goes; what follows moves to a fresh buffer.
void RdbSplitter::GiveOut(RdbBatch* batch) {
  Sum(std::max(summed_, entry_start_));
  size_t rest = size_ - entry_start_;
  size_t capacity = std::max(kBatchBytes, rest + rest / 2);
  auto fresh = std::make_unique_for_overwrite<char[]>(capacity);
  std::memcpy(fresh.get(), buffer_.get() + entry_start_, rest);
  batch->memory = std::exchange(buffer_, std::move(fresh));
  batch->bytes = entry_start_;
  batch->offset = offset_;
  batch->db = db_;
  batch->declared_keys = std::exchange(db_keys_, 0);
  batch->entries = std::exchange(entries_, {});
  entries_.reserve(batch->entries.size() + batch->entries.size() / 8);
  capacity_ = capacity;
  offset_ += entry_start_;
  size_ = rest;
  part_start_ -= entry_start_;
  summed_ -= entry_start_;
  entry_start_ = 0;
  db_ = next_db_;
}

bool RdbSplitter::Next(RdbBatch* batch) {
  if (!error_.empty() || (has_head_ && is_at_end_)) return false;
  if (!has_head_ && !ReadHead()) return false;
  while (true) {
    bool is_ready = !is_at_end_ && Scan();
    if (!error_.empty()) return false;
    if ((is_ready || entry_start_ > capacity_ / 2 || is_at_end_) && !entries_.empty()) {
      GiveOut(batch);
      return true;
    }
    if (is_at_end_) {
      offset_ += entry_start_;
      return false;
    }
    if (entry_start_ > 0 && entries_.empty()) {
      RdbBatch nothing;
      GiveOut(&nothing);  // Facts alone.
    }
    if (size_ == capacity_) Grow();
    if (!Fill() && error_.empty() && is_source_empty_) continue;
    if (!error_.empty()) return false;
  }
}

}  // namespace kiln
