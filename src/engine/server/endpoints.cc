// Endpoints: addresses beside bind and port, each as "address:port" (parameter "endpoints").
//
// They are opened with SO_REUSEPORT, so that several processes may listen on one and the kernel
// spreads the connections over them. CONFIG SET opens and closes them at once: when it has
// answered, a new endpoint takes connections and a closed one refuses them. Connections that came
// through an endpoint outlive it. Listeners belong to worker 0, which is told to make and end them;
// sockets listen, and stop to, without it.

#include <sys/socket.h>

#include <algorithm>

#include "engine/server/server.h"
#include "params/endpoint.h"

namespace kiln {
namespace {

Result<Fd, NetError> Open(const std::string& word, int64_t backlog) {
  auto endpoint = ParseEndpoint(word);
  if (!endpoint) return NetError{EINVAL};
  return ListenTcp(endpoint->address, endpoint->port, {static_cast<int>(backlog), true});
}

}  // namespace

std::string Server::ApplyEndpoints() {
  const std::vector<std::string>& wanted = settings().endpoints;
  std::vector<OpenEndpoint> opened;
  auto is_open = [](const std::vector<OpenEndpoint>& all, const std::string& word) {
    return std::any_of(all.begin(), all.end(), [&](const auto& row) { return row.word == word; });
  };
  for (const std::string& word : wanted) {
    if (is_open(endpoints_, word) || is_open(opened, word)) continue;
    auto socket = Open(word, settings().tcp_backlog);
    if (!socket) return "Could not listen on endpoint " + word + ": " + socket.error().Text();
    opened.push_back({word, std::move(*socket), nullptr});
  }
  CloseEndpointsBut(wanted);
  std::move(opened.begin(), opened.end(), std::back_inserter(endpoints_));
  has_endpoints_ = !endpoints_.empty();
  workers_[0]->loop().mailbox().Post([this] { TakeNewEndpoints(); });
  return {};
}

void Server::CloseEndpointsBut(const std::vector<std::string>& wanted) {
  std::erase_if(endpoints_, [&](OpenEndpoint& row) {
    if (std::find(wanted.begin(), wanted.end(), row.word) != wanted.end()) return false;
    int fd = row.listener ? row.listener->fd() : row.new_socket.get();
    // Those that are connected already are not to be reset.
    for (int64_t i = 0; i <= settings().tcp_backlog; ++i) {
      auto connection = kiln::Accept(fd);
      if (!connection) break;
      Place(std::move(*connection), protocol_ == Protocol::kMemcache);
    }
    ::shutdown(fd, SHUT_RDWR);
    if (row.listener) old_endpoints_.push_back(std::move(row.listener));
    return true;
  });
}

void Server::TakeNewEndpoints() {
  old_endpoints_.clear();
  for (OpenEndpoint& row : endpoints_) {
    if (row.listener) continue;
    row.listener = std::make_unique<Listener>(
        workers_[0]->loop(), std::move(row.new_socket),
        [this](Fd connection) { Place(std::move(connection), protocol_ == Protocol::kMemcache); });
    (void)row.listener->Start();
  }
}

}  // namespace kiln
