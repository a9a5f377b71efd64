// The state store: documents under keys, changed in transactions, with watches.
//
// SQLite on one machine (sqlite_store.h), etcd on many; both pass store_test.cc. Keys are UTF-8, at
// most kMaxKeyBytes, in byte order; values at most kMaxValueBytes. A revision is a number that
// grows with every transaction of the store; a key has that of the last one that put it.
// Thread safety: any thread may call anything. Calls block until the change is durable.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace kiln {

enum class StoreError : uint8_t {
  kNone,
  kConflict,     // A comparison of the transaction did not hold; nothing was changed.
  kTooLarge,     // A key or value is over the limit; nothing was changed.
  kUnavailable,  // The disk is full, the file broken, the service away; nothing was changed.
};

// For logs and replies.
std::string_view Describe(StoreError error);

struct StoreEntry {
  std::string key;
  std::string value;
  uint64_t revision = 0;
};

struct Transaction {
  struct Compare {
    std::string key;
    uint64_t revision;  // 0: the key must be absent.
  };
  struct Put {
    std::string key;
    std::string value;
  };
  std::vector<Compare> compares;
  std::vector<Put> puts;
  std::vector<std::string> deletes;  // Absent keys are fine.
};

// Destroying it ends the watch; a call in progress is waited for.
class StoreWatch {
 public:
  virtual ~StoreWatch() = default;
};

class Store {
 public:
  static constexpr size_t kMaxKeyBytes = 512;
  static constexpr size_t kMaxValueBytes = 1 << 20;

  virtual ~Store() = default;

  virtual Result<std::optional<StoreEntry>, StoreError> Get(std::string_view key) = 0;
  // Those whose key starts with `prefix` and is greater than `after`, in order of key; at most
  // `limit`, or all when it is 0.
  virtual Result<std::vector<StoreEntry>, StoreError> List(std::string_view prefix,
                                                           std::string_view after = {},
                                                           size_t limit = 0) = 0;
  // All of it or nothing. The new revision.
  virtual Result<uint64_t, StoreError> Txn(const Transaction& transaction) = 0;
  // Calls `on_change` with the key after each transaction that put or deleted one under `prefix`,
  // from any thread, not under a lock of the store. Changes in quick succession may be told once.
  virtual std::unique_ptr<StoreWatch> Watch(std::string prefix,
                                            std::function<void(const std::string&)> on_change) = 0;
};

}  // namespace kiln
