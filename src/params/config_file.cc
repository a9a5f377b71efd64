#include "params/config_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <glob.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>

#include "base/split_args.h"
#include "base/version.h"

namespace kiln {
namespace {

constexpr int kMaxIncludeDepth = 16;

// Directives of older versions that Redis still lets pass.
constexpr std::string_view kForgotten =
    "list-max-ziplist-entries,list-max-ziplist-value,lua-replicate-commands";

std::string_view Trim(std::string_view line) {
  constexpr std::string_view kBlanks = " \t\r\n";
  size_t first = line.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return line.substr(first, line.find_last_not_of(kBlanks) - first + 1);
}

// False with the reason in errno.
bool AppendAll(int fd, std::string* text) {
  char buffer[16 * 1024];
  for (;;) {
    ssize_t size = read(fd, buffer, sizeof(buffer));
    if (size == 0) return true;
    if (size > 0) text->append(buffer, size);
    if (size < 0 && errno != EINTR) return false;
  }
}

ErrorText AppendFile(const std::string& path, std::string* text) {
  int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  bool done = fd >= 0 && AppendAll(fd, text);
  ErrorText error;
  if (!done)
    error =
        fmt::format("Fatal error, can't open config file '{}': {}\n", path, std::strerror(errno));
  if (fd >= 0) close(fd);
  return error;
}

// A path with wildcards stands for all files that match, also for none.
ErrorText AppendFiles(const std::string& path, std::string* text) {
  if (path.find_first_of("*?[") == std::string::npos) return AppendFile(path, text);
  glob_t found;
  ErrorText error;
  if (glob(path.c_str(), 0, nullptr, &found) != 0) return error;
  for (size_t i = 0; i < found.gl_pathc && error.empty(); ++i) {
    error = AppendFile(found.gl_pathv[i], text);
  }
  globfree(&found);
  return error;
}

// Reads one start's worth of configuration.
class Loader {
 public:
  explicit Loader(ParameterSet* parameters) : parameters_(parameters) {}

  ErrorText LoadText(std::string_view text) {
    for (int number = 1;; ++number) {
      size_t end = text.find('\n');
      std::string_view line = Trim(text.substr(0, end));
      if (ErrorText error = LoadLine(line); !error.empty()) {
        if (is_complete_) return error;
        is_complete_ = true;
        return fmt::format(
            "\n*** FATAL CONFIG FILE ERROR (Redis {}) ***\n"
            "Reading the configuration file, at line {}\n>>> '{}'\n{}\n",
            kRedisVersion, number, line, error);
      }
      if (end == std::string_view::npos) return Finish();
      text.remove_prefix(end + 1);
    }
  }

 private:
  ErrorText LoadLine(std::string_view line) {
    if (line.empty() || line[0] == '#') return {};
    std::optional<std::vector<std::string>> words = SplitArgs(line);
    if (!words) return "Unbalanced quotes in configuration line";
    if (words->empty()) return {};
    Words rest = Words(*words).subspan(1);
    if (const Parameter* row = FindParameter(words->front())) return LoadParameter(*row, rest);
    return LoadDirective(words->front(), rest);
  }

  ErrorText LoadParameter(const Parameter& row, Words words) {
    if (!row.Has(kMultiWord)) {
      if (words.size() != 1) return "wrong number of arguments";
      return parameters_->Assign(row, words);
    }
    if (row.type == ParameterType::kSavePoints && !has_save_points_) {
      has_save_points_ = true;
      parameters_->ClearSavePoints();
    }
    // "900 1" in quotes counts as two words.
    if (words.size() != 1 || words[0].empty()) return parameters_->Assign(row, words);
    std::optional<std::vector<std::string>> inner = SplitArgs(words[0]);
    if (!inner) return "Unbalanced quotes in configuration line";
    return parameters_->Assign(row, *inner);
  }

  ErrorText LoadDirective(const std::string& name, Words words) {
    Settings* settings = parameters_->settings();
    if (IsSameWord(name, "include") && words.size() == 1) return Include(words[0]);
    if (IsSameWord(name, "rename-command") && words.size() == 2) {
      settings->renamed_commands.push_back({words[0], words[1]});
      return {};
    }
    if (IsSameWord(name, "user") && !words.empty()) {
      for (const auto& user : settings->users) {
        if (user.front() != words[0]) continue;
        return fmt::format(
            "Error in user declaration '{}': Duplicate user found. A user can only be defined once "
            "in config files",
            words[0]);
      }
      settings->users.emplace_back(words.begin(), words.end());
      return {};
    }
    if (IndexOfWord(kForgotten, name) >= 0 && words.size() == 1) return {};
    if (IsSameWord(name, "loadmodule") && !words.empty()) return "loadmodule is not supported";
    if (IsSameWord(name, "sentinel")) return "sentinel directive while not in sentinel mode";
    if (name.find('.') != std::string::npos) {
      return words.empty() ? "Module config specified without value"
                           : "Module Configuration detected without loadmodule directive";
    }
    return "Bad directive or wrong number of arguments";
  }

  ErrorText Include(const std::string& path) {
    if (depth_ == kMaxIncludeDepth) return "include directives are nested too deeply";
    std::string text;
    ErrorText error = AppendFiles(path, &text);
    if (!error.empty()) {
      is_complete_ = true;
      return error;
    }
    ++depth_;
    error = LoadText(text);
    --depth_;
    return error;
  }

  // What must hold when a text was read to its end.
  ErrorText Finish() {
    Settings* settings = parameters_->settings();
    if (!settings->logfile.empty()) {
      int fd = open(settings->logfile.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
      if (fd < 0) return Fatal(fmt::format("Can't open the log file: {}", std::strerror(errno)));
      close(fd);
    }
    if (settings->cluster_enabled && !settings->replicaof.empty()) {
      return Fatal("replicaof directive not allowed in cluster mode");
    }
    if (settings->cluster_enabled) {
      std::string one = "1";
      return parameters_->Assign(*FindParameter("databases"), std::span(&one, 1));
    }
    return {};
  }

  ErrorText Fatal(std::string_view why) {
    is_complete_ = true;
    return fmt::format("\n*** FATAL CONFIG FILE ERROR (Redis {}) ***\n{}\n", kRedisVersion, why);
  }

  ParameterSet* parameters_;
  bool has_save_points_ = false;
  bool is_complete_ = false;  // The error is a whole message already.
  int depth_ = 0;
};

}  // namespace

ErrorText LoadConfigText(std::string_view text, ParameterSet* parameters) {
  return Loader(parameters).LoadText(text);
}

ErrorText LoadConfig(const CommandLine& line, ParameterSet* parameters) {
  std::string text;
  if (!line.file.empty()) {
    if (ErrorText error = AppendFiles(line.file, &text); !error.empty()) return error;
  }
  if (line.has_stdin && !AppendAll(STDIN_FILENO, &text)) {
    return fmt::format("Can't read standard input: {}\n", std::strerror(errno));
  }
  if (!line.options.empty()) text.append("\n").append(line.options);
  return LoadConfigText(text, parameters);
}

}  // namespace kiln
