// The manifest of a multi-part append-only file: which files make it up, in which order they are
// read, and which are only still there.
//
//   file appendonly.aof.2.base.rdb seq 2 type b
//   file appendonly.aof.7.incr.aof seq 7 type i
//
// At most one base (a snapshot, or commands), then the increments by sequence number; `h` is
// history, to be deleted. Words in other pairs are skipped, for versions to come. Source: Redis 7's
// multi-part AOF.
//
// A value; thread safety: none.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kiln {

struct AofFile {
  std::string name;  // within the folder
  int64_t sequence = 0;

  bool operator==(const AofFile&) const = default;
};

class AofManifest {
 public:
  // `filename` is the parameter appendfilename.
  explicit AofManifest(std::string filename) : filename_(std::move(filename)) {}

  // Reads the text of a manifest file; what is wrong with it, or empty. `line` is then where.
  std::string Parse(std::string_view text, int* line);
  std::string Format() const;

  const std::optional<AofFile>& base() const { return base_; }
  const std::vector<AofFile>& increments() const { return increments_; }
  const std::vector<AofFile>& history() const { return history_; }
  bool empty() const { return !base_ && increments_.empty(); }
  // All that is read, in order.
  std::vector<AofFile> Files() const;

  // The name of the manifest's own file.
  std::string FileName() const { return filename_ + ".manifest"; }
  // The next increment becomes part of it.
  const AofFile& AddIncrement();
  // The name of the base to come; `is_rdb`: a snapshot.
  AofFile NextBase(bool is_rdb) const;
  // The base takes the place of the old one and of all increments but the last `kept`.
  void SetBase(AofFile base, size_t kept);
  void ForgetHistory() { history_.clear(); }

 private:
  std::string filename_;
  std::optional<AofFile> base_;
  std::vector<AofFile> increments_;
  std::vector<AofFile> history_;
  int64_t last_base_ = 0;
  int64_t last_increment_ = 0;
};

}  // namespace kiln
