#include "engine/cluster/migrate_link.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/number.h"
#include "base/time.h"

namespace kiln {
namespace {

// The numeric addresses of a host; of a numeric one, itself.
std::vector<std::string> AddressesOf(const std::string& host) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  std::vector<std::string> addresses;
  if (::getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return addresses;
  std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    char text[NI_MAXHOST];
    if (::getnameinfo(at->ai_addr, at->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST) ==
        0)
      addresses.emplace_back(text);
  }
  return addresses;
}

}  // namespace

std::unique_ptr<MigrateLink> MigrateLink::Connect(const std::string& host, const std::string& port,
                                                  uint64_t deadline_us) {
  constexpr int64_t kMaxPort = 65535;
  std::optional<int64_t> number = ParseInt64(port);
  if (!number || *number < 1 || *number > kMaxPort) return nullptr;
  for (const std::string& address : AddressesOf(host)) {
    Result<Fd, NetError> fd = ConnectTcp(address, static_cast<uint16_t>(*number));
    if (!fd) continue;
    auto link = std::make_unique<MigrateLink>(std::move(*fd), deadline_us);
    if (!link->Wait(POLLOUT)) return nullptr;
    if (PendingError(link->fd_.get()).code != 0) continue;
    SetNoDelay(link->fd_.get());
    return link;
  }
  return nullptr;
}

bool MigrateLink::Wait(short events) {
  for (;;) {
    uint64_t now_us = MonotonicUs();
    timed_out_ = now_us >= deadline_us_;
    if (timed_out_) return false;
    pollfd entry = {fd_.get(), events, 0};
    auto wait_ms = static_cast<int>(std::min<uint64_t>((deadline_us_ - now_us + 999) / 1000, 1000));
    int ready = ::poll(&entry, 1, wait_ms);
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

bool MigrateLink::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<size_t>(sent));
    } else if (NetError{errno}.IsWouldBlock()) {
      if (!Wait(POLLOUT)) return false;
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

std::optional<std::string_view> MigrateLink::ReadLine() {
  input_.erase(0, line_end_);
  line_end_ = 0;
  for (;;) {
    size_t end = input_.find('\n');
    if (end != std::string::npos) {
      line_end_ = end + 1;
      std::string_view line = std::string_view(input_).substr(0, end);
      if (line.ends_with('\r')) line.remove_suffix(1);
      return line;
    }
    if (input_.size() > kMaxLineBytes) return std::nullopt;
    char bytes[kMaxLineBytes];
    ssize_t got = ::recv(fd_.get(), bytes, sizeof bytes, 0);
    if (got > 0) {
      input_.append(bytes, static_cast<size_t>(got));
    } else if (got < 0 && NetError{errno}.IsWouldBlock()) {
      if (!Wait(POLLIN)) return std::nullopt;
    } else if (got == 0 || errno != EINTR) {
      return std::nullopt;
    }
  }
}

std::unique_ptr<MigrateLink> MigrateLinks::Take(std::string_view target) {
  std::lock_guard lock(mutex_);
  auto found = std::find_if(kept_.rbegin(), kept_.rend(),
                            [&](const Kept& kept) { return kept.target == target; });
  if (found == kept_.rend()) return nullptr;
  std::unique_ptr<MigrateLink> link = std::move(found->link);
  kept_.erase(std::next(found).base());
  return link;
}

void MigrateLinks::Keep(std::string target, std::unique_ptr<MigrateLink> link) {
  std::lock_guard lock(mutex_);
  if (kept_.size() >= kMaxLinks) kept_.erase(kept_.begin());
  kept_.push_back({std::move(target), std::move(link), MonotonicUs()});
}

void MigrateLinks::CloseIdle() {
  std::lock_guard lock(mutex_);
  uint64_t now_us = MonotonicUs();
  std::erase_if(kept_, [&](const Kept& kept) { return now_us - kept.since_us > kIdleUs; });
}

size_t MigrateLinks::size() {
  std::lock_guard lock(mutex_);
  return kept_.size();
}

}  // namespace kiln
