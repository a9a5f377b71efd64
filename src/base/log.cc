// spdlog gives the time stamps and the locking; the level's character and the file are ours.
#include "base/log.h"

#include <fcntl.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <mutex>

namespace kiln {
namespace {

class LineSink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  // Empty: standard output.
  explicit LineSink(std::string path) : path_(std::move(path)) {}

  static int OpenFile(const std::string& path) {
    return open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    int file = path_.empty() ? STDOUT_FILENO : OpenFile(path_);
    if (file < 0) return;
    [[maybe_unused]] ssize_t written = write(file, line.data(), line.size());
    if (!path_.empty()) close(file);
  }

  void flush_() override {}

 private:
  std::string path_;
};

spdlog::level::level_enum SpdlogLevel(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kVerbose:
      return spdlog::level::info;
    case LogLevel::kNotice:
      return spdlog::level::warn;
    case LogLevel::kWarning:
      return spdlog::level::err;
    case LogLevel::kNothing:
      return spdlog::level::off;
  }
  return spdlog::level::off;
}

// 'M', 'S' …: one letter for the whole process.
constinit std::atomic<char> role_letter{'M'};

class RoleFlag : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg&, const std::tm&,
              spdlog::memory_buf_t& line) override {
    line.push_back(role_letter.load(std::memory_order_relaxed));
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<RoleFlag>();
  }
};

class LevelFlag : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& line) override {
    switch (message.level) {
      case spdlog::level::debug:
        return line.push_back('.');
      case spdlog::level::info:
        return line.push_back('-');
      case spdlog::level::warn:
        return line.push_back('*');
      default:
        return line.push_back('#');
    }
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<LevelFlag>();
  }
};

std::unique_ptr<spdlog::logger> MakeLogger(LogLevel level, const std::string& path) {
  auto format = std::make_unique<spdlog::pattern_formatter>();
  format->add_flag<RoleFlag>('R').add_flag<LevelFlag>('*');
  format->set_pattern("%P:%R %d %b %Y %H:%M:%S.%e %* %v");
  auto logger = std::make_unique<spdlog::logger>("kiln", std::make_shared<LineSink>(path));
  logger->set_formatter(std::move(format));
  logger->set_level(SpdlogLevel(level));
  return logger;
}

// The one log of the process: a line must be possible from everywhere, also while the process is
// starting.
std::unique_ptr<spdlog::logger>& Logger() {
  static std::unique_ptr<spdlog::logger> logger = MakeLogger(LogLevel::kNotice, "");
  return logger;
}

}  // namespace

bool LogInit(LogLevel level, const std::string& path) {
  if (!path.empty()) {
    int file = LineSink::OpenFile(path);
    if (file < 0) return false;
    close(file);
  }
  Logger() = MakeLogger(level, path);
  return true;
}

void SetLogLevel(LogLevel level) {
  Logger()->set_level(SpdlogLevel(level));
}

void SetLogRole(char role) {
  role_letter.store(role, std::memory_order_relaxed);
}

bool IsLogged(LogLevel level) {
  return Logger()->should_log(SpdlogLevel(level));
}

void Log(LogLevel level, std::string_view text) {
  Logger()->log(SpdlogLevel(level), spdlog::string_view_t(text.data(), text.size()));
}

}  // namespace kiln
