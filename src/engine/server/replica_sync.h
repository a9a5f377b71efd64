// How a snapshot is written to replicas: with a mark behind it, or, for those that cannot read
// that, with its length before it, for which it is written to a file first.
#pragma once

#include <memory>
#include <string>

#include "engine/persist/rdb_save.h"
#include "engine/server/snapshot_stream.h"

namespace kiln {

struct SnapshotSending {
  std::shared_ptr<SnapshotStream> stream;
  bool is_marked = true;
  bool has_functions_only = false;
  RdbSaveProgress* progress = nullptr;

  // By the thread that saves, as CutSave::Writing. An error text, or empty.
  std::string Run(const RdbContents& contents, const RdbSaveOptions& options,
                  const ProduceFunction& produce) const;

 private:
  std::string Write(ByteSink& sink, const RdbContents& contents, const RdbSaveOptions& options,
                    const ProduceFunction& produce) const;
  std::string SendMarked(const RdbContents& contents, const RdbSaveOptions& options,
                         const ProduceFunction& produce) const;
  std::string SendCounted(const RdbContents& contents, const RdbSaveOptions& options,
                          const ProduceFunction& produce) const;
};

}  // namespace kiln
