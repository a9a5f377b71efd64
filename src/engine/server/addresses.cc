// The server's addresses: opening them at the start, and changing them while it runs (CONFIG SET
// port, bind).
//
// Listeners belong to worker 0. A change opens the new sockets at once, so that it can still fail,
// and leaves the swap to that worker. A change that is undone before the swap finds the old
// addresses still in use and forgets the new ones.

#include <sys/resource.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "base/log.h"
#include "engine/server/server.h"

namespace kiln {
namespace {

// Files that are no clients: listeners, logs, pipes, the databases.
constexpr int64_t kReservedFiles = 32;

}  // namespace

std::string Server::AddressText() const {
  std::string text = std::to_string(settings().port);
  for (const std::string& address : settings().bind) text += " " + address;
  return text;
}

std::string Server::OpenAddresses(std::vector<Fd>* sockets, bool share_port) {
  ListenOptions options{static_cast<int>(settings().tcp_backlog), share_port};
  auto port = static_cast<uint16_t>(settings().port);
  if (port == 0) return {};
  for (std::string address : settings().bind) {
    bool optional = address.starts_with('-');
    if (optional) address.erase(0, 1);
    auto socket = ListenTcp(address, port, options);
    if (socket) {
      sockets->push_back(std::move(*socket));
    } else if (!optional) {
      return "Could not create server TCP listening socket " + address + ":" +
             std::to_string(port) + ": " + socket.error().Text();
    }
  }
  return {};
}

std::string Server::Accept(Fd socket, bool is_memcache,
                           std::vector<std::unique_ptr<Listener>>* listeners) {
  std::function<bool()> is_full;
  if (!settings().memcache.closes_when_full) is_full = [this] { return MustWait(); };
  auto place = [this, is_memcache](Fd connection) { Place(std::move(connection), is_memcache); };
  auto listener =
      std::make_unique<Listener>(workers_[0]->loop(), std::move(socket), place, std::move(is_full));
  NetError error = listener->Start();
  if (error.code != 0) return error.Text();
  listeners->push_back(std::move(listener));
  return {};
}

bool Server::MustWait() {
  bool is_full = IsFull();
  if (is_full && !is_waiting_) times_full_.fetch_add(1, std::memory_order_relaxed);
  is_waiting_ = is_full;
  return is_full;
}

std::string Server::Listen() {
  std::vector<Fd> sockets;
  if (protocol_ == Protocol::kRedis) {
    if (std::string error = OpenAddresses(&sockets); !error.empty()) return error;
  }
  for (Fd& socket : sockets) {
    if (std::string error = Accept(std::move(socket), false, &listeners_); !error.empty())
      return error;
  }
  listening_on_ = AddressText();
  if (std::string error = OpenMemcache(); !error.empty()) return error;
  if (std::string error = ApplyMaxClients(); !error.empty()) Log(LogLevel::kWarning, error);
  if (std::string error = ApplyEndpoints(); !error.empty()) return error;
  if (std::string error = OpenUnixSocket(); !error.empty()) return error;
  return OpenAdminSocket();
}

std::string Server::OpenUnixSocket() {
  const std::string& path = settings().unixsocket;
  if (path.empty()) return {};
  ListenOptions options{static_cast<int>(settings().tcp_backlog), false};
  auto socket = ListenUnix(path, static_cast<uint32_t>(settings().unixsocketperm), options);
  if (!socket)
    return "Could not create server UNIX listening socket " + path + ": " + socket.error().Text();
  return Accept(std::move(*socket), protocol_ == Protocol::kMemcache, &unix_listeners_);
}

std::string Server::OpenAdminSocket() {
  if (settings().admin_socket.empty()) return {};
  std::error_code ignored;
  std::string path = std::filesystem::absolute(settings().admin_socket, ignored);
  auto failed = [&](const NetError& error) {
    return "Could not create admin socket " + path + ": " + error.Text();
  };
  // A socket that nobody listens on is what a killed server left behind. Any other is in use.
  auto other = ConnectUnix(path);
  if (other || other.error().IsWouldBlock()) return failed({EADDRINUSE});
  ListenOptions options{static_cast<int>(settings().tcp_backlog), false};
  auto socket = ListenUnix(path, 0600, options);
  if (!socket) return failed(socket.error());
  admin_listener_ =
      std::make_unique<Listener>(workers_[0]->loop(), std::move(*socket),
                                 [this](Fd connection) { PlaceAdmin(std::move(connection)); });
  if (NetError error = admin_listener_->Start(); error.code != 0) return failed(error);
  admin_path_ = path;  // to be removed at the end
  return {};
}

std::string Server::ApplyAddresses(std::string_view name) {
  new_sockets_.clear();
  new_listening_on_ = AddressText();
  if (new_listening_on_ == listening_on_) return {};
  // "*" and 127.0.0.1 overlap: while the old sockets are open, the new ones must share their port.
  for (auto& listener : listeners_) SetReusePort(listener->fd(), true);
  std::string error = OpenAddresses(&new_sockets_, true);
  for (auto& listener : listeners_) SetReusePort(listener->fd(), false);
  for (const Fd& socket : new_sockets_) SetReusePort(socket.get(), false);
  if (!error.empty()) {
    Log(LogLevel::kWarning, error);
    new_sockets_.clear();
    new_listening_on_ = listening_on_;
    return name == "bind" ? "Failed to bind to specified addresses."
                          : "Unable to listen on this port. Check server logs.";
  }
  workers_[0]->loop().mailbox().Post([this] { TakeNewAddresses(); });
  return {};
}

void Server::TakeNewAddresses() {
  if (new_listening_on_ == listening_on_) return;
  std::vector<std::unique_ptr<Listener>> listeners;
  for (Fd& socket : new_sockets_) (void)Accept(std::move(socket), false, &listeners);
  new_sockets_.clear();
  listeners_ = std::move(listeners);
  listening_on_ = new_listening_on_;
}

std::string Server::ApplyMaxClients() {
  rlimit limit = {};
  auto wanted = static_cast<rlim_t>(settings().maxclients + kReservedFiles);
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return {};
  auto possible = static_cast<int64_t>(limit.rlim_cur) - kReservedFiles;
  limit.rlim_cur = wanted;
  if (limit.rlim_max < wanted) limit.rlim_max = wanted;
  if (setrlimit(RLIMIT_NOFILE, &limit) == 0) return {};
  return "The operating system is not able to handle the specified number of clients, try with " +
         std::to_string(possible);
}

}  // namespace kiln
