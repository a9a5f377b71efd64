// A connection to a node's admin socket: one request at a time.
//
// Opened for the first request, kept for the next ones. Errors: a connection that cannot be made,
// breaks or answers what is no reply is closed; the next request opens another.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "control/agent/admin_protocol.h"
#include "net/event_loop.h"
#include "net/socket.h"

namespace kiln {

// Does not wait. `folder`: the node's; its path may be of any length.
Result<Fd, NetError> ConnectToNode(const std::string& folder);

// For the thread of the loop alone.
class AdminConnection final : private Handler {
 public:
  using OnReply = std::function<void(std::optional<AdminReply>)>;

  // `on_reply` is called once for each request that Ask took: with the reply, or with nullopt when
  // the connection broke. It may call Ask and Close.
  AdminConnection(EventLoop& loop, std::string folder, OnReply on_reply)
      : loop_(loop), folder_(std::move(folder)), on_reply_(std::move(on_reply)) {}
  ~AdminConnection() { Close(); }
  AdminConnection(const AdminConnection&) = delete;
  AdminConnection& operator=(const AdminConnection&) = delete;

  // False when the node does not listen, or would not take the request at once.
  bool Ask(const AdminRequest& request);
  bool IsAsking() const { return is_asking_; }
  void Close();  // Forgets the request, too.

 private:
  void OnEvents(uint32_t events) override;
  bool Open();
  void Finish(std::optional<AdminReply> reply);

  EventLoop& loop_;
  std::string folder_;
  OnReply on_reply_;
  Fd socket_;
  bool is_asking_ = false;
  ReplyForm form_ = ReplyForm::kResp;
  std::string input_;
};

// The same from any thread, on a connection of its own; waits. Nullopt when there is no reply in
// time.
std::optional<AdminReply> AskNode(const std::string& folder, const AdminRequest& request,
                                  int limit_ms);
// The same of a server that is no node of ours, by its address or name.
std::optional<AdminReply> AskServer(const Endpoint& server, const AdminRequest& request,
                                    int limit_ms);

}  // namespace kiln
