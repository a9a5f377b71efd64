#include "control/agent/admin_connection.h"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

#include "base/time.h"
#include "control/agent/node_command.h"

namespace kiln {
namespace {

enum class ReadOutcome { kNothing, kBytes, kBroken };

ReadOutcome ReadSome(int socket, std::string* input) {
  std::array<char, 16384> room;
  ssize_t got = ::recv(socket, room.data(), room.size(), 0);
  if (got < 0)
    return errno == EAGAIN || errno == EINTR ? ReadOutcome::kNothing : ReadOutcome::kBroken;
  input->append(room.data(), static_cast<size_t>(got));
  return got == 0 || input->size() > kMaxAdminReplyBytes ? ReadOutcome::kBroken
                                                         : ReadOutcome::kBytes;
}

bool SendAll(int socket, std::string_view bytes) {
  ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  return sent == static_cast<ssize_t>(bytes.size());
}

}  // namespace

Result<Fd, NetError> ConnectToNode(const std::string& folder) {
  Fd place(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!place.IsOpen()) return NetError{errno};
  std::string path = "/proc/self/fd/" + std::to_string(place.get()) + '/';
  return ConnectUnix(path.append(kAdminSocketName));
}

bool AdminConnection::Ask(const AdminRequest& request) {
  if (!socket_.IsOpen() && !Open()) return false;
  if (!SendAll(socket_.get(), request.bytes)) {
    Close();
    return false;
  }
  is_asking_ = true;
  form_ = request.form;
  return true;
}

void AdminConnection::Close() {
  is_asking_ = false;
  input_.clear();
  if (!socket_.IsOpen()) return;
  loop_.Remove(socket_.get(), this);
  socket_.Reset();
}

bool AdminConnection::Open() {
  Result<Fd, NetError> socket = ConnectToNode(folder_);
  if (!socket || loop_.Add(socket->get(), EPOLLIN, this) != NetError{}) return false;
  socket_ = std::move(*socket);
  return true;
}

void AdminConnection::OnEvents(uint32_t) {
  ReadOutcome outcome = ReadSome(socket_.get(), &input_);
  if (outcome == ReadOutcome::kNothing) return;
  bool is_unasked = !is_asking_;
  if (outcome == ReadOutcome::kBroken || is_unasked) {
    Close();
    if (!is_unasked) on_reply_(std::nullopt);
    return;
  }
  if (std::optional<AdminReply> reply = ReadReply(form_, input_)) Finish(std::move(reply));
}

void AdminConnection::Finish(std::optional<AdminReply> reply) {
  is_asking_ = false;
  input_.clear();
  on_reply_(std::move(reply));
}

namespace {

uint64_t UsFromNow(int limit_ms) {
  return MonotonicUs() + static_cast<uint64_t>(limit_ms) * 1000;
}

// Until the socket is ready, or the time has come.
void WaitFor(int socket, short events, uint64_t give_up_us) {
  uint64_t now_us = MonotonicUs();
  if (now_us >= give_up_us) return;
  pollfd ready{.fd = socket, .events = events, .revents = 0};
  ::poll(&ready, 1, static_cast<int>((give_up_us - now_us) / 1000) + 1);
}

std::optional<AdminReply> AskOn(const Fd& socket, const AdminRequest& request,
                                uint64_t give_up_us) {
  if (!SendAll(socket.get(), request.bytes)) return std::nullopt;
  std::string input;
  while (MonotonicUs() < give_up_us) {
    WaitFor(socket.get(), POLLIN, give_up_us);
    ReadOutcome outcome = ReadSome(socket.get(), &input);
    if (outcome == ReadOutcome::kBroken) return std::nullopt;
    if (outcome == ReadOutcome::kNothing) continue;
    if (auto reply = ReadReply(request.form, input)) return reply;
  }
  return std::nullopt;
}

// The first numeric address of a name; empty when it has none.
std::string NumericAddress(const std::string& name) {
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  if (::getaddrinfo(name.c_str(), nullptr, &hints, &found) != 0) return {};
  std::array<char, NI_MAXHOST> text{};
  ::getnameinfo(found->ai_addr, found->ai_addrlen, text.data(), text.size(), nullptr, 0,
                NI_NUMERICHOST);
  ::freeaddrinfo(found);
  return text.data();
}

}  // namespace

std::optional<AdminReply> AskNode(const std::string& folder, const AdminRequest& request,
                                  int limit_ms) {
  uint64_t give_up_us = UsFromNow(limit_ms);
  Result<Fd, NetError> socket = ConnectToNode(folder);
  if (!socket) return std::nullopt;
  return AskOn(*socket, request, give_up_us);
}

std::optional<AdminReply> AskServer(const Endpoint& server, const AdminRequest& request,
                                    int limit_ms) {
  uint64_t give_up_us = UsFromNow(limit_ms);
  std::string address = NumericAddress(server.address);
  if (address.empty()) return std::nullopt;
  Result<Fd, NetError> socket = ConnectTcp(address, static_cast<uint16_t>(server.port));
  if (!socket) return std::nullopt;
  WaitFor(socket->get(), POLLOUT, give_up_us);
  if (PendingError(socket->get()) != NetError{}) return std::nullopt;
  return AskOn(*socket, request, give_up_us);
}

}  // namespace kiln
