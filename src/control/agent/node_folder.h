// The folder of one node, DATA/nodes/<key>: what it was started with, its configuration, its admin
// socket and its logs.
//
// node.json is written before the process is started, so that whoever finds the process later knows
// what it is. The folder is for the owner alone, for its configuration may hold passwords. Thread
// safety: none; instances of the same folder in several threads may read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/model/node_spec.h"

namespace kiln {

class NodeFolder {
 public:
  // `nodes_path` is DATA/nodes, absolute.
  NodeFolder(const std::string& nodes_path, const std::string& key)
      : key_(key), path_(nodes_path + '/' + key) {}

  // The names of the folders in `nodes_path`, sorted.
  static std::vector<std::string> List(const std::string& nodes_path);

  const std::string& key() const { return key_; }
  const std::string& path() const { return path_; }
  std::string ConfigPath() const { return path_ + "/kiln.conf"; }
  std::string LogPath() const { return path_ + "/node.log"; }
  std::string OutputPath() const { return path_ + "/stderr.log"; }

  // Each returns an errno, 0 when it is done. Files are replaced as a whole or not at all.
  int Create() const;
  int WriteSpec(const NodeSpec& spec) const;
  int WriteConfig(std::string_view text) const;
  int WriteExits(int64_t exits) const;
  void Delete() const;

  // The snapshot file that the node writes, and reads when it starts, if there is one. Only the one
  // that is meant for a start is there then: data of another time would come back with it.
  std::string SnapshotPath() const { return path_ + "/dump.rdb"; }
  // Moves it to `path`, which may be on another disk. Errno.
  int TakeSnapshot(const std::string& path) const;
  // Makes `seed` the one that it starts with, or none where that is empty. Errno.
  int PlaceSeed(const std::string& seed) const;
  void DropSeed(const std::string& seed) const;  // It was read.

  // Nullopt when there is none, or none of a node with this key.
  std::optional<NodeSpec> ReadSpec() const;
  int64_t ReadExits() const;  // 0 when it was never written.

 private:
  std::string key_;
  std::string path_;
};

// Where the log files of a folder end: what a process that is about to start writes comes after.
struct LogMark {
  int64_t log_bytes = 0;
  int64_t output_bytes = 0;
};
LogMark MarkLogs(const NodeFolder& folder);

// The last of what was logged after `mark`, a few KiB at most.
std::string LogTail(const NodeFolder& folder, const LogMark& mark);

}  // namespace kiln
