#include "control/store/sqlite_store.h"

#include <sqlite3.h>

#include "base/log.h"

namespace kiln {
namespace {

constexpr int kSchemaVersion = 1;
// Past every key that starts with a prefix: no key holds the byte 0xFF.
constexpr char kLastByte = '\xff';

constexpr char kSchema[] =
    "BEGIN;"
    "CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY NOT NULL COLLATE BINARY,"
    " value TEXT NOT NULL, revision INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY NOT NULL, value INTEGER NOT NULL)"
    " WITHOUT ROWID;"
    "INSERT OR IGNORE INTO counters VALUES ('revision', 0);"
    "PRAGMA user_version = 1;"
    "COMMIT";

constexpr char kGet[] = "SELECT value, revision FROM entries WHERE key = ?1";
constexpr char kList[] =
    "SELECT key, value, revision FROM entries WHERE key >= ?1 AND key < ?2 AND key > ?3"
    " ORDER BY key LIMIT ?4";
constexpr char kPut[] = "INSERT OR REPLACE INTO entries VALUES (?1, ?2, ?3)";
constexpr char kDelete[] = "DELETE FROM entries WHERE key = ?1";
constexpr char kCount[] = "UPDATE counters SET value = ?1 WHERE name = 'revision'";
constexpr char kRevision[] = "SELECT value FROM counters WHERE name = 'revision'";

std::string WhyNot(const std::string& path, int code) {
  if (code == SQLITE_BUSY)
    return "Another kilnd uses the state store " + path + ": stop it, or choose another directory.";
  std::string advice = code == SQLITE_NOTADB || code == SQLITE_CORRUPT
                           ? "; put a copy of it back, or move it away to begin with nothing."
                           : ".";
  return "Cannot open the state store " + path + ": " + sqlite3_errstr(code) + advice;
}

}  // namespace

// A prepared statement in use; leaves it ready for the next.
class SqliteStore::Statement {
 public:
  Statement(SqliteStore& store, const char* sql) : handle_(store.Cached(sql)) {}
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement() {
    if (handle_ == nullptr) return;
    sqlite3_reset(handle_);
    sqlite3_clear_bindings(handle_);
  }

  Statement& Bind(int index, std::string_view text) {
    const char* bytes = text.empty() ? "" : text.data();  // A null pointer would bind NULL.
    if (handle_ != nullptr) {
      sqlite3_bind_text(handle_, index, bytes, static_cast<int>(text.size()), SQLITE_TRANSIENT);
    }
    return *this;
  }
  Statement& Bind(int index, int64_t number) {
    if (handle_ != nullptr) sqlite3_bind_int64(handle_, index, number);
    return *this;
  }
  // SQLITE_ROW, SQLITE_DONE or an error.
  int Step() { return handle_ == nullptr ? SQLITE_ERROR : sqlite3_step(handle_); }
  bool Run() { return Step() == SQLITE_DONE; }

  std::string Text(int column) const {
    const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(handle_, column));
    return std::string(bytes, static_cast<size_t>(sqlite3_column_bytes(handle_, column)));
  }
  uint64_t Number(int column) const {
    return static_cast<uint64_t>(sqlite3_column_int64(handle_, column));
  }

 private:
  sqlite3_stmt* handle_;
};

class SqliteStore::Watcher {
 public:
  Watcher(std::string prefix, std::function<void(const std::string&)> on_change)
      : prefix_(std::move(prefix)), on_change_(std::move(on_change)) {}

  void Tell(const std::string& key) {
    if (!key.starts_with(prefix_)) return;
    std::lock_guard lock(mutex_);
    if (on_change_) on_change_(key);
  }
  void End() {
    std::lock_guard lock(mutex_);
    on_change_ = nullptr;
  }

 private:
  const std::string prefix_;
  std::mutex mutex_;
  std::function<void(const std::string&)> on_change_;
};

std::unique_ptr<SqliteStore> SqliteStore::Open(const std::string& path, std::string* problem) {
  auto store = std::make_unique<SqliteStore>(Unopened{});
  int code = sqlite3_open(path.c_str(), &store->db_);
  if (code == SQLITE_OK && store->Prepare(problem)) return store;
  if (problem->empty())
    *problem = WhyNot(path, store->db_ == nullptr ? code : sqlite3_errcode(store->db_));
  return nullptr;
}

bool SqliteStore::Prepare(std::string* problem) {
  // EXCLUSIVE keeps a second kilnd out and the WAL's index in memory.
  if (!Execute("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;"
               "PRAGMA synchronous = FULL"))
    return false;
  int version = 0;
  {
    Statement statement(*this, "PRAGMA user_version");
    if (statement.Step() != SQLITE_ROW) return false;
    version = static_cast<int>(statement.Number(0));
  }
  if (version > kSchemaVersion) {
    *problem = "The state store is of a later version of Kiln than this one: install that version.";
    return false;
  }
  if (!Execute(kSchema)) return false;
  Statement statement(*this, kRevision);
  if (statement.Step() != SQLITE_ROW) return false;
  revision_ = statement.Number(0);
  return true;
}

SqliteStore::~SqliteStore() {
  for (auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close(db_);
}

bool SqliteStore::Execute(const char* sql) {
  return sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) == SQLITE_OK;
}

sqlite3_stmt* SqliteStore::Cached(const char* sql) {
  sqlite3_stmt*& statement = statements_[sql];
  if (statement == nullptr &&
      sqlite3_prepare_v3(db_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK)
    return nullptr;
  return statement;
}

Result<std::optional<StoreEntry>, StoreError> SqliteStore::Get(std::string_view key) {
  std::lock_guard lock(mutex_);
  Statement statement(*this, kGet);
  int code = statement.Bind(1, key).Step();
  if (code == SQLITE_DONE) return std::optional<StoreEntry>();
  if (code != SQLITE_ROW) return StoreError::kUnavailable;
  return std::optional(StoreEntry{std::string(key), statement.Text(0), statement.Number(1)});
}

Result<std::vector<StoreEntry>, StoreError> SqliteStore::List(std::string_view prefix,
                                                              std::string_view after,
                                                              size_t limit) {
  std::lock_guard lock(mutex_);
  Statement statement(*this, kList);
  statement.Bind(1, prefix).Bind(2, std::string(prefix) + kLastByte).Bind(3, after);
  statement.Bind(4, limit == 0 ? -1 : static_cast<int64_t>(limit));
  std::vector<StoreEntry> entries;
  int code;
  while ((code = statement.Step()) == SQLITE_ROW) {
    entries.push_back({statement.Text(0), statement.Text(1), statement.Number(2)});
  }
  if (code != SQLITE_DONE) return StoreError::kUnavailable;
  return entries;
}

Result<uint64_t, StoreError> SqliteStore::Txn(const Transaction& transaction) {
  for (const Transaction::Put& put : transaction.puts) {
    if (put.key.size() > kMaxKeyBytes || put.value.size() > kMaxValueBytes)
      return StoreError::kTooLarge;
  }
  uint64_t revision;
  {
    std::lock_guard lock(mutex_);
    for (const Transaction::Compare& compare : transaction.compares) {
      if (!Holds(compare)) return StoreError::kConflict;
    }
    revision = revision_ + 1;
    if (!Execute("BEGIN IMMEDIATE")) return StoreError::kUnavailable;
    if (!Write(transaction, revision) || !Execute("COMMIT")) {
      Log(LogLevel::kWarning, std::string("State store: ") + sqlite3_errmsg(db_));
      Execute("ROLLBACK");
      return StoreError::kUnavailable;
    }
    revision_ = revision;
  }
  Tell(transaction);
  return revision;
}

// A read that fails counts as another revision: the transaction then is a conflict.
bool SqliteStore::Holds(const Transaction::Compare& compare) {
  Statement statement(*this, kGet);
  int code = statement.Bind(1, compare.key).Step();
  if (code == SQLITE_DONE) return compare.revision == 0;
  return code == SQLITE_ROW && statement.Number(1) == compare.revision;
}

bool SqliteStore::Write(const Transaction& transaction, uint64_t revision) {
  int64_t number = static_cast<int64_t>(revision);
  for (const Transaction::Put& put : transaction.puts) {
    Statement statement(*this, kPut);
    if (!statement.Bind(1, put.key).Bind(2, put.value).Bind(3, number).Run()) return false;
  }
  for (const std::string& key : transaction.deletes) {
    Statement statement(*this, kDelete);
    if (!statement.Bind(1, key).Run()) return false;
  }
  Statement statement(*this, kCount);
  return statement.Bind(1, number).Run();
}

void SqliteStore::Tell(const Transaction& transaction) {
  std::list<std::shared_ptr<Watcher>> watchers;
  {
    std::lock_guard lock(watchers_mutex_);
    watchers = watchers_;
  }
  for (const std::shared_ptr<Watcher>& watcher : watchers) {
    for (const Transaction::Put& put : transaction.puts) watcher->Tell(put.key);
    for (const std::string& key : transaction.deletes) watcher->Tell(key);
  }
}

std::unique_ptr<StoreWatch> SqliteStore::Watch(std::string prefix,
                                               std::function<void(const std::string&)> on_change) {
  class Handle final : public StoreWatch {
   public:
    Handle(SqliteStore& store, std::shared_ptr<Watcher> watcher)
        : store_(store), watcher_(std::move(watcher)) {}
    ~Handle() override {
      {
        std::lock_guard lock(store_.watchers_mutex_);
        store_.watchers_.remove(watcher_);
      }
      watcher_->End();
    }

   private:
    SqliteStore& store_;
    std::shared_ptr<Watcher> watcher_;
  };
  auto watcher = std::make_shared<Watcher>(std::move(prefix), std::move(on_change));
  {
    std::lock_guard lock(watchers_mutex_);
    watchers_.push_back(watcher);
  }
  return std::make_unique<Handle>(*this, std::move(watcher));
}

}  // namespace kiln
