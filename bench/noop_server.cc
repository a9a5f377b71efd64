// noop-server PORT: the speed of light for Kiln's benchmarks.
//
// One thread on Kiln's own event loop frames RESP commands properly but executes none: every
// command is answered with a canned 64-byte bulk, except for the few whose answer clients look at.
// One recv and one send per connection and wake-up; bodies are skipped, not kept. What a real
// server costs beyond this is its own doing.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "net/event_loop.h"
#include "net/listener.h"
#include "net/stream.h"

namespace kiln {
namespace {

constexpr size_t kInputBytes = 64 << 10;
// The shortest command that is answered takes two bytes ("a\n"), the longest answer 71.
constexpr size_t kOutputBytes = kInputBytes / 2 * 72;

constexpr std::string_view kData =
    "$64\r\n0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\r\n";
constexpr std::string_view kOk = "+OK\r\n";
constexpr std::string_view kPong = "+PONG\r\n";
constexpr std::string_view kEmpty = "*0\r\n";

// A command name of up to eight letters as one number, upper and lower case alike.
constexpr uint64_t NameNumber(std::string_view name) {
  uint64_t number = 0;
  for (char c : name) number = number << 8 | static_cast<unsigned char>(c | 0x20);
  return number;
}

std::string_view ReplyTo(std::string_view name) {
  if (name.size() > 8) return kData;
  switch (NameNumber(name)) {
    case NameNumber("set"):
    case NameNumber("mset"):
    case NameNumber("auth"):
    case NameNumber("select"):
    case NameNumber("flushall"):
      return kOk;
    case NameNumber("ping"):
      return kPong;
    case NameNumber("command"):
    case NameNumber("config"):
    case NameNumber("hello"):
    case NameNumber("client"):
      return kEmpty;
    default:
      return kData;
  }
}

// Buffers that every connection uses in its turn; between turns a connection keeps only what is
// unfinished.
struct Scratch {
  std::array<char, kInputBytes> input;
  std::array<char, kOutputBytes> output;
};

// Frames commands and writes their replies. What it has consumed it never needs again.
class Framer {
 public:
  // Consumes what it can of `input`, appends replies at *out, returns how much was consumed;
  // nullopt: not RESP.
  std::optional<size_t> Consume(std::string_view input, char** out) {
    const char* at = input.data();
    const char* end = at + input.size();
    while (true) {
      if (skip_ > 0) {
        size_t skipped = std::min<size_t>(skip_, end - at);
        at += skipped;
        skip_ -= skipped;
        if (skip_ > 0) break;
        FinishArgument(out);
        continue;
      }
      const char* line = at;
      Step step = args_left_ > 0 ? ConsumeLength(&at, end) : ConsumeStart(&at, end, out);
      if (step == Step::kBroken) return std::nullopt;
      if (step == Step::kIncomplete) {
        at = line;
        break;
      }
    }
    return at - input.data();
  }

 private:
  enum class Step { kDone, kIncomplete, kBroken };

  static constexpr int64_t kMaxArgs = 1 << 20;
  static constexpr int64_t kMaxBulkBytes = 512 << 20;

  // Reads "<digits>\r\n" behind the sigil at *at.
  static Step ConsumeNumber(const char** at, const char* end, int64_t max, int64_t* number) {
    const char* p = *at + 1;
    int64_t value = 0;
    for (; p < end && *p >= '0' && *p <= '9' && value <= max; ++p) value = value * 10 + (*p - '0');
    if (end - p < 2) return Step::kIncomplete;
    if (value > max || p[0] != '\r' || p[1] != '\n') return Step::kBroken;
    *at = p + 2;
    *number = value;
    return Step::kDone;
  }

  static void Append(char** out, std::string_view reply) {
    std::memcpy(*out, reply.data(), reply.size());
    *out += reply.size();
  }

  void FinishArgument(char** out) {
    if (--args_left_ == 0) Append(out, reply_);
  }

  // The start of a command: "*<count>\r\n", or an inline command.
  Step ConsumeStart(const char** at, const char* end, char** out) {
    if (*at == end) return Step::kIncomplete;
    if (**at != '*') return ConsumeInline(at, end, out);
    needs_name_ = true;
    return ConsumeNumber(at, end, kMaxArgs, &args_left_);
  }

  Step ConsumeInline(const char** at, const char* end, char** out) {
    const char* newline = static_cast<const char*>(std::memchr(*at, '\n', end - *at));
    if (newline == nullptr) return Step::kIncomplete;
    std::string_view line(*at, newline - *at);
    *at = newline + 1;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty()) Append(out, ReplyTo(line.substr(0, line.find(' '))));
    return Step::kDone;
  }

  // "$<length>\r\n"; the first argument is the command's name and is taken whole, others are
  // skipped.
  Step ConsumeLength(const char** at, const char* end) {
    if (*at == end) return Step::kIncomplete;
    if (**at != '$') return Step::kBroken;
    int64_t length = 0;
    Step step = ConsumeNumber(at, end, kMaxBulkBytes, &length);
    if (step != Step::kDone) return step;
    if (needs_name_) {
      if (end - *at < std::min<int64_t>(length, 16)) return Step::kIncomplete;
      reply_ = ReplyTo(std::string_view(*at, std::min<int64_t>(length, 16)));
      needs_name_ = false;
    }
    skip_ = length + 2;
    return Step::kDone;
  }

  int64_t args_left_ = 0;
  int64_t skip_ = 0;  // Bytes of the argument being skipped, its line end too.
  bool needs_name_ = true;
  std::string_view reply_;
};

class Connection;
using Connections = std::vector<std::unique_ptr<Connection>>;  // By descriptor.

class Connection final : public Handler {
 public:
  Connection(EventLoop& loop, Scratch& scratch, Connections& all, Fd fd)
      : loop_(loop), scratch_(scratch), all_(all), stream_(std::move(fd)) {
    KILN_CHECK(loop_.Add(stream_.fd(), EPOLLIN, this) == NetError{});
  }
  ~Connection() { loop_.Remove(stream_.fd(), this); }

  void OnEvents(uint32_t) override {
    bool is_open = unsent_.empty() ? Serve() : Flush();
    if (!is_open) all_[stream_.fd()].reset();  // Destroys this.
  }

 private:
  bool Serve() {
    std::span<char> input(scratch_.input);
    std::memcpy(input.data(), unread_.data(), unread_.size());
    ssize_t got = stream_.Read(input.subspan(unread_.size()));
    if (got == Stream::kWouldBlock) return true;
    if (got <= 0) return false;
    std::string_view bytes(input.data(), unread_.size() + got);
    char* out = scratch_.output.data();
    std::optional<size_t> consumed = framer_.Consume(bytes, &out);
    if (!consumed) return false;
    unread_.assign(bytes.substr(*consumed));
    if (unread_.size() >= kInputBytes) return false;  // A line that never ends.
    return Send(std::span<const char>(scratch_.output.data(), out));
  }

  bool Send(std::span<const char> replies) {
    if (replies.empty()) return true;
    ssize_t sent = stream_.Write(replies);
    if (sent == static_cast<ssize_t>(replies.size())) return true;
    if (sent == Stream::kError) return false;
    unsent_.assign(replies.begin() + std::max<ssize_t>(sent, 0), replies.end());
    loop_.Modify(stream_.fd(), EPOLLOUT, this);
    return true;
  }

  bool Flush() {
    ssize_t sent = stream_.Write(unsent_);
    if (sent == Stream::kError) return false;
    unsent_.erase(unsent_.begin(), unsent_.begin() + std::max<ssize_t>(sent, 0));
    if (unsent_.empty()) loop_.Modify(stream_.fd(), EPOLLIN, this);
    return true;
  }

  EventLoop& loop_;
  Scratch& scratch_;
  Connections& all_;
  PlainStream stream_;
  Framer framer_;
  std::string unread_;
  std::vector<char> unsent_;
};

int Serve(uint16_t port) {
  EventLoop loop;
  auto scratch = std::make_unique<Scratch>();
  Connections connections;
  Result<Fd, NetError> socket = ListenTcp("127.0.0.1", port, {});
  if (!socket) {
    std::fprintf(stderr, "noop-server: %s\n", socket.error().Text().c_str());
    return 1;
  }
  Listener listener(loop, std::move(*socket), [&](Fd fd) {
    SetNoDelay(fd.get());
    size_t index = fd.get();
    if (connections.size() <= index) connections.resize(index + 1);
    connections[index] = std::make_unique<Connection>(loop, *scratch, connections, std::move(fd));
  });
  KILN_CHECK(listener.Start() == NetError{});
  loop.Run();
  return 0;
}

}  // namespace
}  // namespace kiln

int main(int argc, char** argv) {
  int port = argc == 2 ? std::atoi(argv[1]) : 0;
  if (port <= 0 || port > 65535) {
    std::fputs("usage: noop-server PORT\n", stderr);
    return 2;
  }
  return kiln::Serve(static_cast<uint16_t>(port));
}
