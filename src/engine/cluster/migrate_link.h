// A connection to another server that keys are migrated to, and those kept for the next time.
//
// Calls of a link block, but never past its deadline (a host name's look-up aside): MIGRATE holds
// its worker and its keys' shards meanwhile. A link belongs to one caller at a time. Failures say
// only whether time ran out; MIGRATE's replies tell no more.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/socket.h"

namespace kiln {

class MigrateLink {
 public:
  // Replies are lines; a longer one is no reply to what MIGRATE sends.
  static constexpr size_t kMaxLineBytes = 1024;

  MigrateLink(Fd fd, uint64_t deadline_us) : fd_(std::move(fd)), deadline_us_(deadline_us) {}
  // Null when there is no connection by the deadline (MonotonicUs).
  static std::unique_ptr<MigrateLink> Connect(const std::string& host, const std::string& port,
                                              uint64_t deadline_us);

  void SetDeadline(uint64_t deadline_us) { deadline_us_ = deadline_us; }
  // False when not all went out.
  bool Send(std::string_view bytes);
  // Without its end; the view is good until the next call.
  std::optional<std::string_view> ReadLine();
  bool timed_out() const { return timed_out_; }

  // The database selected there; -1: not known.
  int64_t db() const { return db_; }
  void set_db(int64_t db) { db_ = db; }

 private:
  // Waits for poll(2)'s `events`; false when time runs out first.
  bool Wait(short events);

  Fd fd_;
  uint64_t deadline_us_;
  bool timed_out_ = false;
  int64_t db_ = -1;
  std::string input_;
  size_t line_end_ = 0;  // what of the input was given out already
};

// Links that are not in use. Any thread. At most kMaxLinks, each for kIdleUs at most.
class MigrateLinks {
 public:
  static constexpr size_t kMaxLinks = 64;
  static constexpr uint64_t kIdleUs = 10'000'000;

  // A kept link to a target ("host:port"), or null.
  std::unique_ptr<MigrateLink> Take(std::string_view target);
  void Keep(std::string target, std::unique_ptr<MigrateLink> link);
  // Closes those that nobody took for too long.
  void CloseIdle();
  size_t size();

 private:
  struct Kept {
    std::string target;
    std::unique_ptr<MigrateLink> link;
    uint64_t since_us;
  };

  std::mutex mutex_;
  std::vector<Kept> kept_;  // the longest unused first
};

}  // namespace kiln
