// Streams in the RDB format: nodes as listpacks, then what the stream knows of its past, then its
// groups.
//
// Entries are read one by one into nodes of our own, which end where the file's do; deleted ones
// are left behind. Thread safety:
// none. Source: the Redis RDB file format, types 15, 19 and 21.
#pragma once

#include <memory>

#include "engine/persist/rdb_input.h"
#include "engine/persist/rdb_output.h"
#include "engine/store/types/stream.h"

namespace kiln {

void WriteRdbStream(RdbOutput& out, const Stream& stream);
// The same in pieces; the stream must not change in between.
class RdbStreamWriter {
 public:
  explicit RdbStreamWriter(const Stream& stream) : stream_(stream) {}
  // Writes on until `out` has about this many bytes; true when it is done.
  bool WriteSome(RdbOutput& out, size_t until_bytes);

 private:
  enum class Stage : uint8_t {
    kHead,
    kNodes,
    kGroups,
    kGroup,
    kPending,
    kConsumers,
    kConsumer,
    kEnd
  };
  void WritePast(RdbOutput& out);
  void Step(RdbOutput& out, size_t until_bytes);
  void WriteNodes(RdbOutput& out, size_t until_bytes);

  const Stream& stream_;
  Stage stage_ = Stage::kHead;
  StreamId next_node_;
  Stream::Groups::const_iterator group_;
  StreamGroup::Pending::const_iterator pending_;
  StreamGroup::Consumers::const_iterator consumer_;
  std::map<StreamId, PendingEntry*>::const_iterator owned_;
};

// What follows the type's byte. Null when the input is broken.
std::unique_ptr<Stream> ReadRdbStream(RdbInput& in, RdbType type);

}  // namespace kiln
