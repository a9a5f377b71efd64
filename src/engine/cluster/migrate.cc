// MIGRATE: gives keys to another server, which RESTOREs them, and deletes them here.
//
// The keys' shards stay locked until the other server has answered, so that nobody changes what is
// on its way; commands on other shards go on. All of it takes no longer than the timeout.

#include <string>
#include <vector>

#include "base/number.h"
#include "base/time.h"
#include "engine/cluster/groups.h"
#include "engine/cluster/migrate_link.h"
#include "engine/commands/call.h"
#include "engine/commands/services.h"
#include "engine/persist/payload.h"
#include "engine/persist/rdb_value.h"

namespace kiln {
namespace {

constexpr size_t kKeyAt = 3;
constexpr size_t kOptionsAt = 6;

// The key, or those behind KEYS; none where both are given, which the handler refuses.
bool FindMigrateKeys(Arguments arguments, std::vector<uint32_t>* positions) {
  if (arguments.size() < kOptionsAt) return false;
  for (size_t i = kOptionsAt; i < arguments.size(); ++i) {
    if (EqualsWord(arguments[i], "KEYS")) {
      if (!arguments[kKeyAt].empty()) return true;
      for (++i; i < arguments.size(); ++i) positions->push_back(static_cast<uint32_t>(i));
      return true;
    }
    // Behind these come secrets, whatever they read like.
    size_t secrets = EqualsWord(arguments[i], "AUTH")    ? 1
                     : EqualsWord(arguments[i], "AUTH2") ? 2
                                                         : 0;
    i += secrets;
  }
  positions->push_back(kKeyAt);
  return true;
}

struct MigrateOptions {
  std::string_view host;
  std::string_view port;
  int64_t db = 0;
  int64_t timeout_ms = 0;
  bool copies = false;
  bool replaces = false;
  bool has_password = false;
  bool has_user = false;
  std::string_view user;
  std::string_view password;
  Arguments keys;
};

// Takes a password, which nobody shall see in logs.
std::string_view Secret(Call& call) {
  call.HideArgument(call.args.all().size() - call.args.Left());
  return call.args.Text();
}

// False when the client has been told what is wrong.
bool ReadOptions(Call& call, MigrateOptions* options) {
  ArgumentCursor& args = call.args;
  options->host = args.Text();
  options->port = args.Text();
  options->keys = args.Several(1);
  std::string_view db_text = args.Text();
  std::string_view timeout_text = args.Text();
  while (args.More()) {
    if (args.Take("COPY")) {
      options->copies = true;
    } else if (args.Take("REPLACE")) {
      options->replaces = true;
    } else if (args.Left() >= 2 && args.Take("AUTH")) {
      options->has_password = true;
      options->password = Secret(call);
    } else if (args.Left() >= 3 && args.Take("AUTH2")) {
      options->has_password = options->has_user = true;
      options->user = Secret(call);
      options->password = Secret(call);
    } else if (args.Take("KEYS")) {
      if (!options->keys[0].empty()) {
        call.FailText(
            "ERR When using MIGRATE KEYS option, the key argument must be set to the empty string");
        return false;
      }
      options->keys = args.Rest();
    } else {
      args.Fail(Error::kSyntax);
    }
  }
  std::optional<int64_t> timeout = ParseInt64(timeout_text);
  std::optional<int64_t> db = ParseInt64(db_text);
  if (!timeout || !db) args.Fail(Error::kNotInteger);
  if (!args.ok()) {
    call.Fail(args.error());
    return false;
  }
  constexpr int64_t kUsualTimeoutMs = 1000;
  options->timeout_ms = *timeout > 0 ? *timeout : kUsualTimeoutMs;
  options->db = *db;
  return true;
}

void AppendRequest(std::string* out, std::initializer_list<std::string_view> arguments) {
  out->append("*" + std::to_string(arguments.size()) + "\r\n");
  for (std::string_view argument : arguments) {
    out->append("$" + std::to_string(argument.size()) + "\r\n");
    out->append(argument);
    out->append("\r\n");
  }
}

class Migration {
 public:
  Migration(Call& call, const MigrateOptions& options)
      : call_(call),
        options_(options),
        links_(*call.services.migrate_links),
        target_(std::string(options.host) + ":" + std::string(options.port)),
        deadline_us_(MonotonicUs() + static_cast<uint64_t>(options.timeout_ms) * 1000) {}

  // Looks the keys up and writes their values down; false when there are none.
  bool Collect() {
    for (std::string_view name : options_.keys) {
      Key key = HashKey(name);
      const Record* record = call_.db.WithoutDueFields(key, call_.db.Find(key));
      if (record == nullptr) continue;
      keys_.push_back(key);
      AppendRestore(key, record);
    }
    return !keys_.empty();
  }

  // A kept link may have been closed by the other side: then once more with a new one.
  void Run() {
    link_ = links_.Take(target_);
    bool may_be_stale = link_ != nullptr;
    if (may_be_stale) {
      link_->SetDeadline(deadline_us_);
      if (Transfer()) return;
      if (answers_ > 0 || link_->timed_out()) return FailTransfer();
    }
    link_ =
        MigrateLink::Connect(std::string(options_.host), std::string(options_.port), deadline_us_);
    if (link_ == nullptr) return call_.FailText("IOERR error or timeout connecting to the client");
    if (!Transfer()) FailTransfer();
  }

  void Replay() {
    if (deleted_.size() > 1) call_.ReplayAs(deleted_);
  }

 private:
  void AppendRestore(const Key& key, const Record* record) {
    uint64_t ttl_ms = 0;
    if (record->expiry_ms() != kNoExpiry) ttl_ms = record->expiry_ms() - call_.now_ms();
    std::string payload;
    RdbOutput out(&payload, true);
    SealPayload(&payload, WriteRdbValue(out, record));
    std::string ttl = std::to_string(ttl_ms);
    if (options_.replaces) {
      AppendRequest(&requests_, {"RESTORE", key.text, ttl, payload, "REPLACE"});
    } else {
      AppendRequest(&requests_, {"RESTORE", key.text, ttl, payload});
    }
  }

  // What comes before the keys: who we are, and the database, unless it is selected there.
  std::string Preamble() {
    std::string requests;
    if (options_.has_user) {
      AppendRequest(&requests, {"AUTH", options_.user, options_.password});
    } else if (options_.has_password) {
      AppendRequest(&requests, {"AUTH", options_.password});
    }
    selects_ = link_->db() != options_.db;
    if (selects_) AppendRequest(&requests, {"SELECT", std::to_string(options_.db)});
    return requests;
  }

  // False when the link broke or time ran out; no reply is made then, unless the other side has
  // refused something before.
  bool Transfer() {
    is_writing_ = true;
    error_.clear();
    if (!link_->Send(Preamble()) || !link_->Send(requests_)) return false;
    is_writing_ = false;
    if (options_.has_password && !ReadAnswer()) return false;
    if (selects_ && !ReadAnswer()) return false;
    bool is_ready = error_.empty();
    for (const Key& key : keys_) {
      std::optional<bool> is_taken = ReadAnswer();
      if (!is_taken) return false;
      ++answers_;
      if (is_ready && *is_taken && !options_.copies) DeleteHere(key);
    }
    if (error_.empty()) {
      call_.reply.Ok();
    } else {
      call_.FailText("ERR Target instance replied with error: " + error_);
    }
    link_->set_db(error_.empty() ? options_.db : -1);
    links_.Keep(target_, std::move(link_));
    return true;
  }

  // Whether the other side agreed; its first refusal is kept. Nothing when there was no answer.
  std::optional<bool> ReadAnswer() {
    std::optional<std::string_view> line = link_->ReadLine();
    if (!line || line->empty()) return std::nullopt;
    bool is_refusal = line->front() == '-';
    if (is_refusal && error_.empty()) error_ = line->substr(1);
    return !is_refusal;
  }

  void DeleteHere(const Key& key) {
    if (!call_.db.Delete(key)) return;
    call_.Changed(key, kEventGeneric, "del");
    deleted_.push_back(key.text);
  }

  void FailTransfer() {
    if (!error_.empty()) return call_.FailText("ERR Target instance replied with error: " + error_);
    call_.FailText(is_writing_ ? "IOERR error or timeout writing to target instance"
                               : "IOERR error or timeout reading to target instance");
  }

  Call& call_;
  const MigrateOptions& options_;
  MigrateLinks& links_;
  std::string target_;
  uint64_t deadline_us_;
  std::vector<Key> keys_;
  std::vector<std::string_view> deleted_ = {"DEL"};
  std::string requests_;
  std::unique_ptr<MigrateLink> link_;
  bool selects_ = false;
  bool is_writing_ = false;
  size_t answers_ = 0;  // for keys
  std::string error_;   // what the other side said first against it
};

// MIGRATE host port key | "" destination-db timeout [COPY] [REPLACE] [AUTH password |
//   AUTH2 username password] [KEYS key [key ...]]
void Migrate(Call& call) {
  MigrateOptions options;
  if (!ReadOptions(call, &options)) return;
  Migration migration(call, options);
  if (!migration.Collect()) return call.reply.Simple("NOKEY");
  migration.Run();
  migration.Replay();
}

// clang-format off
constexpr Command kMigrateCommands[] = {
  // name     arity  keys                                flags                   acl                               handler  since    usage  summary
  {"MIGRATE", -6,    Keys::By(FindMigrateKeys, 3, 3, 1), kWrite | kMovableKeys,  Acl::kKeyspace | Acl::kDangerous, Migrate, "2.6.0", "host port key-selector=<key|empty-string='\"\"'> destination-db timeout:integer [COPY@3.0.0] [REPLACE@3.0.0] [authentication=<AUTH auth'password'@4.0.7|AUTH2 auth2=(username password)@6.0.0>] [KEYS keys'key'...@3.0.6]", "Moves keys to another server."},
};
// clang-format on
static_assert(WellFormed(kMigrateCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> MigrateCommands() {
  return kMigrateCommands;
}

}  // namespace kiln
