#include "engine/persist/cipher_key.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "base/check.h"
#include "base/split_args.h"
#include "base/time.h"

extern char** environ;

namespace kiln {
namespace {

constexpr size_t kHexDigits = 2 * Secret::kBytes;
constexpr int64_t kCommandMs = 30'000;

// The text of a key, wiped at the end. One byte more than a key with some blanks can have.
struct KeyText {
  ~KeyText() { OPENSSL_cleanse(bytes, sizeof(bytes)); }
  std::string_view view() const { return {bytes, size}; }
  char* end() { return bytes + size; }
  size_t room() const { return sizeof(bytes) - size; }

  char bytes[256] = {};
  size_t size = 0;
};

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string_view WithoutBlanks(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  size_t from = text.find_first_not_of(kBlanks);
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(kBlanks) + 1 - from);
}

bool ReadHex(std::string_view digits, Secret* secret) {
  if (digits.size() != kHexDigits) return false;
  for (size_t i = 0; i < Secret::kBytes; ++i) {
    int high = HexDigit(digits[2 * i]);
    int low = HexDigit(digits[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    secret->data()[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return true;
}

KeyId IdOf(const Secret& secret) {
  constexpr std::string_view kUse = "kiln at-rest key id";
  uint8_t text[kUse.size() + Secret::kBytes];
  std::memcpy(text, kUse.data(), kUse.size());
  std::memcpy(text + kUse.size(), secret.data(), Secret::kBytes);
  uint8_t digest[SHA256_DIGEST_LENGTH];
  SHA256(text, sizeof(text), digest);
  OPENSSL_cleanse(text, sizeof(text));
  KeyId id;
  std::copy_n(digest, id.size(), id.begin());
  return id;
}

std::string CheckKeyFile(int fd) {
  struct stat status;
  if (fstat(fd, &status) != 0) return std::strerror(errno);
  if (!S_ISREG(status.st_mode)) return "it is no file";
  if ((status.st_mode & (S_IROTH | S_IWOTH)) != 0)
    return "others may read or write it; take that from them (chmod o-rwx)";
  return {};
}

// A child that writes into a pipe.
class KeyCommand {
 public:
  ~KeyCommand() {
    if (fd_ >= 0) close(fd_);
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    (void)Wait();
  }
  std::string Start(std::vector<std::string>& words);
  std::string Read(KeyText* text);
  // Its status, as waitpid tells it.
  int Wait() {
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return status;
  }

 private:
  pid_t pid_ = -1;
  int fd_ = -1;
};

std::string KeyCommand::Start(std::vector<std::string>& words) {
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return std::strerror(errno);
  fd_ = ends[0];
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t signals;
  sigemptyset(&signals);
  posix_spawnattr_setsigmask(&attributes, &signals);
  sigaddset(&signals, SIGPIPE);
  sigaddset(&signals, SIGXFSZ);
  posix_spawnattr_setsigdefault(&attributes, &signals);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  int error = posix_spawnp(&pid_, arguments[0], &actions, &attributes, arguments.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  if (error == 0) return {};
  pid_ = -1;
  return std::strerror(error);
}

std::string KeyCommand::Read(KeyText* text) {
  int64_t deadline_ms = NowMs() + kCommandMs;
  while (true) {
    if (text->room() == 0) return "it prints more than a key";
    pollfd waiting{fd_, POLLIN, 0};
    int64_t left_ms = deadline_ms - NowMs();
    int ready = left_ms <= 0 ? 0 : poll(&waiting, 1, static_cast<int>(left_ms));
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) return "it takes too long";
    ssize_t got = read(fd_, text->end(), text->room());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::strerror(errno);
    if (got == 0) return {};
    text->size += static_cast<size_t>(got);
  }
}

std::string RunFor(const std::string& command, AtRestKey* key) {
  std::optional<std::vector<std::string>> words = SplitArgs(command);
  if (!words || words->empty()) return "its quotes do not balance";
  KeyCommand child;
  KeyText text;
  if (std::string error = child.Start(*words); !error.empty()) return error;
  if (std::string error = child.Read(&text); !error.empty()) return error;
  int status = child.Wait();
  if (!WIFEXITED(status)) return "it was ended by a signal";
  if (WEXITSTATUS(status) != 0) return fmt::format("it ended with status {}", WEXITSTATUS(status));
  return ParseAtRestKey(text.view(), key);
}

}  // namespace

Secret::~Secret() {
  OPENSSL_cleanse(bytes_.data(), bytes_.size());
}

void Secret::Draw() {
  KILN_CHECK(RAND_priv_bytes(bytes_.data(), static_cast<int>(bytes_.size())) == 1);
}

std::string KeyIdText(const KeyId& id) {
  std::string text;
  for (size_t i = 0; i < 4; ++i) text += fmt::format("{:02x}", id[i]);
  return text;
}

std::string ParseAtRestKey(std::string_view text, AtRestKey* key) {
  if (text.size() == Secret::kBytes) {
    std::memcpy(key->secret.data(), text.data(), text.size());
  } else if (!ReadHex(WithoutBlanks(text), &key->secret)) {
    return "a key is 32 bytes or 64 hexadecimal digits";
  }
  key->id = IdOf(key->secret);
  return {};
}

std::string ReadAtRestKey(const std::string& path, AtRestKey* key) {
  auto because = [&](std::string_view why) {
    return fmt::format("Can't take the at-rest key from the file {}: {}", path, why);
  };
  int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return because(std::strerror(errno));
  KeyText text;
  std::string error = CheckKeyFile(fd);
  while (error.empty() && text.room() > 0) {
    ssize_t got = read(fd, text.end(), text.room());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) error = std::strerror(errno);
    if (got <= 0) break;
    text.size += static_cast<size_t>(got);
  }
  close(fd);
  if (error.empty()) error = ParseAtRestKey(text.view(), key);
  return error.empty() ? "" : because(error);
}

std::string RunAtRestKeyCommand(const std::string& command, AtRestKey* key) {
  std::string error = RunFor(command, key);
  return error.empty() ? "" : "Can't take the at-rest key from at-rest-key-command: " + error;
}

const AtRestKey* AtRestKeys::Find(const KeyId& id) const {
  if (current && current->id == id) return &*current;
  return old && old->id == id ? &*old : nullptr;
}

std::string LoadAtRestKeys(const Settings& settings, AtRestKeys* keys) {
  const std::string& file = settings.at_rest_key_file;
  const std::string& command = settings.at_rest_key_command;
  if (!file.empty() && !command.empty())
    return "at-rest-key-file and at-rest-key-command can't both be set";
  std::string error;
  if (!file.empty()) error = ReadAtRestKey(file, &keys->current.emplace());
  if (!command.empty()) error = RunAtRestKeyCommand(command, &keys->current.emplace());
  if (error.empty() && !settings.at_rest_old_key_file.empty())
    error = ReadAtRestKey(settings.at_rest_old_key_file, &keys->old.emplace());
  return error;
}

}  // namespace kiln
