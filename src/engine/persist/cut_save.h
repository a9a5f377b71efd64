// A cut as an RDB file: what BGSAVE, the base of an append-only file and a replica's first copy are
// made of.
//
// Under the Gate: `CutSave save(...)` begins the cut. Then, on a thread of its own, Run walks and
// writes; under the Gate again, the end. Errors: a text, or empty.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "engine/persist/rdb_save.h"
#include "engine/store/cut.h"

namespace kiln {

// Run's error when somebody said Abandon.
inline constexpr std::string_view kSnapshotAbandoned = "The snapshot was abandoned";

class CutSave final : private CutWriter {
 public:
  // Exclusive.
  CutSave(Keyspace& keyspace, RdbSaveOptions options);
  // Exclusive, when a Run has ended.
  ~CutSave() = default;

  // How the snapshot is written, with these arguments: WriteRdb or SaveRdbFile.
  using Writing =
      std::function<std::string(const RdbContents&, const RdbSaveOptions&, const ProduceFunction&)>;
  // Walks to the end, whatever happens; writes as long as that works and nobody has said Abandon.
  // Any one thread.
  // `enter` and `leave` are called around each piece of walking: nobody may have the keyspace alone
  // in between.
  [[nodiscard]] std::string Run(const Writing& write, const std::function<void()>& enter,
                                const std::function<void()>& leave);
  void Abandon() { cut_.Abandon(); }

 private:
  void Write(const Record* record, std::string* out) override;
  // For tests: waits as long as `keys` keys are to take.
  void Dawdle(size_t keys) const;
  std::unique_ptr<CutEntry> Begin(const Record* record) override;

  RdbSaveOptions options_;
  RdbContents contents_;
  Cut cut_;
};

}  // namespace kiln
