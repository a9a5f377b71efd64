// SnapshotReceiver: what a replica does with the snapshot that its primary sends.
//
// Either it becomes the server's snapshot file, and is loaded when it is complete: the old data go
// first, and commands are refused meanwhile (repl-diskless-load disabled). Or it is loaded as it
// comes, into a keyspace beside the one that is served, which it replaces when it is complete
// (swapdb). Abandoned when it is destroyed.
//
// Thread safety: worker 0's.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace kiln {

class Server;

class SnapshotReceiver {
 public:
  // Told alone, on worker 0: an error text, or empty and the database that the stream of changes
  // begins with.
  using Done = std::function<void(const std::string& error, int db)>;

  // `is_same`: what is served is of the history that the snapshot is of, and may be read until that
  // is there. `on_room`: it is not full any more; on worker 0.
  static std::unique_ptr<SnapshotReceiver> Make(Server& server, bool is_same,
                                                std::function<void()> on_room);
  virtual ~SnapshotReceiver() = default;

  // The next bytes. An error text, or empty.
  virtual std::string Take(std::string_view bytes) = 0;
  // Nothing more is to be read from the primary just now.
  virtual bool IsFull() const { return false; }
  // That was all.
  virtual void Finish(Done done) = 0;
};

}  // namespace kiln
