// One client's connection, as the HTTP library's stream.
//
// It bounds what the library does not: the size of a request's head, the time a whole request may
// take to come in and to be answered, and the wait for the next one, which a stopping server ends
// at once. Thread safety: none; it belongs to the thread that serves it.
#pragma once

#include <httplib.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "net/socket.h"

namespace kiln {

class HttpConnection final : public httplib::Stream {
 public:
  struct Limits {
    int idle_ms;            // Between requests.
    int request_ms;         // From the first byte of a request to the last of its reply.
    size_t max_head_bytes;  // Request line and headers.
  };

  // `stop`: readable when the server stops.
  HttpConnection(Fd socket, int stop, const Limits& limits);
  // Lets the client read what it was sent, also when it is still sending.
  ~HttpConnection() override;

  // Waits for the first byte of the next request. False: the connection is to be closed; also when
  // the head of the last one was not read to its end, for nobody knows where the next one begins.
  bool WaitForRequest();

  bool is_readable() const override;
  bool is_writable() const override;
  ssize_t read(char* out, size_t size) override;
  ssize_t write(const char* data, size_t size) override;
  void get_remote_ip_and_port(std::string& address, int& port) const override;
  void get_local_ip_and_port(std::string& address, int& port) const override;
  int socket() const override { return socket_.get(); }

 private:
  static constexpr std::string_view kHeadEnd = "\r\n\r\n";

  bool WaitUntil(short events, uint64_t deadline_us) const;
  bool Fill();
  size_t CountHead(std::string_view bytes);

  Fd socket_;
  int stop_;
  Limits limits_;
  std::string buffer_;  // Received,
  size_t used_ = 0;     // and read up to here.
  uint64_t deadline_us_ = 0;
  bool was_idle_ = false;  // When it ended: everything sent was read.
  size_t head_bytes_ = 0;  // Of this request, read so far.
  // How much of "\r\n\r\n" was read last; all of it: the body has begun, or no request yet.
  size_t head_end_ = kHeadEnd.size();
};

}  // namespace kiln
