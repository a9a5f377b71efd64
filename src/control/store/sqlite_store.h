// The state store of one machine: a table in one SQLite file (WAL, synchronous).
//
// One connection under one lock: a transaction takes about as long as the disk's flush. The file
// carries its schema's version; one of a later version is refused. A second process that opens the
// same file is refused while this one lives.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "control/store/store.h"

struct sqlite3;
struct sqlite3_stmt;

namespace kiln {

class SqliteStore final : public Store {
  struct Unopened {};

 public:
  explicit SqliteStore(Unopened) {}  // For Open.
  // Creates the file if need be. Nullptr on failure, with a sentence for people in `problem`.
  static std::unique_ptr<SqliteStore> Open(const std::string& path, std::string* problem);
  ~SqliteStore() override;

  Result<std::optional<StoreEntry>, StoreError> Get(std::string_view key) override;
  Result<std::vector<StoreEntry>, StoreError> List(std::string_view prefix, std::string_view after,
                                                   size_t limit) override;
  Result<uint64_t, StoreError> Txn(const Transaction& transaction) override;
  std::unique_ptr<StoreWatch> Watch(std::string prefix,
                                    std::function<void(const std::string&)> on_change) override;

 private:
  class Watcher;
  class Statement;

  bool Prepare(std::string* problem);
  bool Execute(const char* sql);
  // Null when SQLite refuses it.
  sqlite3_stmt* Cached(const char* sql);
  bool Holds(const Transaction::Compare& compare);
  bool Write(const Transaction& transaction, uint64_t revision);
  void Tell(const Transaction& transaction);

  std::mutex mutex_;
  sqlite3* db_ = nullptr;
  std::map<const char*, sqlite3_stmt*> statements_;
  uint64_t revision_ = 0;

  // Watchers come and go while others are called: each is held by both sides.
  std::mutex watchers_mutex_;
  std::list<std::shared_ptr<Watcher>> watchers_;
};

}  // namespace kiln
