// kiln-check FILE...: looks through files of the databases, without a server.
//
// Snapshots (RDB files) are read to the end: each entry is decoded, the checksum compared. Of
// append-only files all commands are read; a manifest, or the folder with one, stands for all its
// files. --fix cuts off what is damaged at the end of the last append-only file. Progress goes to
// standard error where that is a terminal, the findings to standard output. Encrypted files need
// their key; --rewrap gives them another one.

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/number.h"
#include "base/time.h"
#include "base/whole_file.h"
#include "engine/persist/aof_check.h"
#include "engine/persist/aof_manifest.h"
#include "engine/persist/cipher_file.h"
#include "engine/persist/rdb_check.h"
#include "params/parameter_set.h"

namespace kiln {
namespace {

constexpr int64_t kProgressMs = 500;

constexpr int kFine = 0;
constexpr int kDamaged = 1;
constexpr int kNotUnderstood = 2;

constexpr const char kUsage[] =
    "Usage: kiln-check [OPTION...] FILE...\n"
    "       kiln-check --rewrap OLD_KEY NEW_KEY FILE...\n"
    "Checks snapshots (RDB files), append-only files and their manifests, or the folder of all of\n"
    "these, of Kiln, Redis and Valkey. Nothing is changed unless that is asked for.\n"
    "  --fix             cut off the damaged end of the last append-only file, after a question\n"
    "  --until TIME      cut off what was written after this Unix time, where the file has time\n"
    "                    stamps (aof-timestamp-enabled), after a question\n"
    "  --yes             do so without the question\n"
    "  --key-file KEY    the key of files that are encrypted, as the parameter at-rest-key-file\n"
    "  --rewrap          files encrypted under the first key file's key can be read with the\n"
    "                    second's\n"
    "The exit status is 0 when all of them are fine, or were repaired, 1 when something is "
    "damaged\n"
    "or cannot be read, 2 when the command line is not understood.\n";

struct Options {
  AtRestKeys keys;
  Settings settings;
  bool fixes = false;
  bool asks = true;
  std::optional<int64_t> until_s;
};

// Says now and then how far it has come.
class Progress {
 public:
  explicit Progress(uint64_t total_bytes) : total_bytes_(total_bytes), is_on_(isatty(2) == 1) {}
  void Say(uint64_t bytes, uint64_t done, const char* what) {
    if (!is_on_ || NowMs() - last_ms_ < kProgressMs) return;
    last_ms_ = NowMs();
    bool is_known = total_bytes_ != ByteSource::kUnknown && total_bytes_ > 0;
    double percent =
        is_known ? static_cast<double>(bytes) * 100 / static_cast<double>(total_bytes_) : 0;
    std::fprintf(stderr, "\r[offset %" PRIu64 "] %.1f%%, %" PRIu64 " %s ", bytes, percent, done,
                 what);
    is_shown_ = true;
  }
  void End() const {
    if (is_shown_) std::fprintf(stderr, "\n");
  }

 private:
  uint64_t total_bytes_;
  int64_t last_ms_ = NowMs();
  bool is_on_;
  bool is_shown_ = false;
};

void PrintContents(const RdbCheckResult& result) {
  std::printf("[info] %" PRIu64 " keys read\n", result.keys);
  std::printf("[info] %" PRIu64 " expires\n", result.timed_keys);
  std::printf("[info] %" PRIu64 " already expired\n", result.due_keys);
  if (result.empty_keys > 0)
    std::printf("[info] %" PRIu64 " empty keys, which loading leaves out\n", result.empty_keys);
  if (!result.facts.functions.empty())
    std::printf("[info] %zu function libraries\n", result.facts.functions.size());
  if (result.facts.module_parts > 0) {
    std::printf("[info] %" PRIu64 " parts of modules, which loading leaves out\n",
                result.facts.module_parts);
  }
  if (result.bytes_behind > 0)
    std::printf("[info] %" PRIu64 " bytes of something else behind the end\n", result.bytes_behind);
}

bool CannotOpen(const std::string& path) {
  std::printf("Cannot open file %s: %s\n", path.c_str(), std::strerror(errno));
  return false;
}

// ---- Snapshots ----

// `*end`: where it ends in the file, as far as that is known.
bool CheckSnapshot(const std::string& path, const Options& options, uint64_t* end) {
  std::printf("[offset 0] Checking RDB file %s\n", path.c_str());
  StoredFile source(&options.keys);
  if (!source.Open(path)) return CannotOpen(path);
  Progress progress(source.total_bytes());
  RdbCheckOptions check;
  check.now_ms = static_cast<uint64_t>(NowMs());
  check.progress = [&](uint64_t bytes, uint64_t keys) { progress.Say(bytes, keys, "keys"); };
  RdbCheckResult result = CheckRdb(source, options.settings, check);
  progress.End();
  for (const auto& [name, text] : result.facts.aux)
    std::printf("[info] AUX FIELD %s = '%s'\n", name.c_str(), text.c_str());
  if (!result.error.empty()) {
    std::printf("--- RDB ERROR DETECTED ---\n");
    std::printf("[offset %" PRIu64 "] %s\n", result.error_offset, result.error.c_str());
    if (!result.key.empty())
      std::printf("[additional info] Reading key '%s', type %d\n", result.key.c_str(), result.type);
    if (options.fixes)
      std::printf("A snapshot cannot be repaired: nothing is changed. Use an older one.\n");
  } else {
    std::printf("[offset %" PRIu64 "] %s\n", result.end_offset,
                result.facts.has_checksum ? "Checksum OK" : "There is no checksum");
    std::printf("[offset %" PRIu64 "] \\o/ RDB looks OK! \\o/\n", result.end_offset);
  }
  PrintContents(result);
  *end = result.bytes_behind > 0 ? result.end_offset : 0;
  return result.error.empty();
}

// ---- Append-only files ----

bool MayCut(const Options& options) {
  if (!options.asks) return true;
  std::printf("Continue? [y/N]: ");
  std::fflush(stdout);
  int answer = std::getchar();
  if (answer == 'y' || answer == 'Y') return true;
  std::printf("Nothing is changed.\n");
  return false;
}

bool Cut(const std::string& path, const StoredFile& source, const AofCheckResult& result,
         const Options& options) {
  std::printf("%s is to be cut off at offset %" PRIu64 "%s\n", path.c_str(), result.whole_bytes,
              result.is_too_late ? ", where it goes on after that time" : "");
  if (!MayCut(options)) return false;
  std::string error = CutAof(path, source, result.bytes, result.whole_bytes, options.keys);
  if (error.empty()) {
    std::printf("%s was cut off\n", path.c_str());
  } else {
    std::printf("%s could not be cut off: %s\n", path.c_str(), error.c_str());
  }
  return error.empty();
}

// `is_last`: nothing follows on the file, so its end may be cut off.
bool CheckCommands(const std::string& path, uint64_t at, bool is_last, const Options& options) {
  std::printf("[offset %" PRIu64 "] Checking append-only file %s\n", at, path.c_str());
  StoredFile source(&options.keys);
  if (!source.Open(path)) return CannotOpen(path);
  Progress progress(source.total_bytes());
  AofCheckOptions check;
  check.commands_at = at;
  check.until_s = options.until_s;
  check.progress = [&](uint64_t bytes, uint64_t done) { progress.Say(bytes, done, "commands"); };
  AofCheckResult result = CheckAof(source, check);
  progress.End();
  std::printf("[info] %" PRIu64 " commands read\n", result.commands);
  if (result.error.empty() && !result.is_too_late) {
    std::printf("[offset %" PRIu64 "] The append-only file is fine\n", result.whole_bytes);
    return true;
  }
  if (!result.error.empty()) {
    std::printf("[offset %" PRIu64 "] %s\n", result.error_offset, result.error.c_str());
    std::printf("[info] It is whole up to offset %" PRIu64 "\n", result.whole_bytes);
    if (!options.fixes && is_last)
      std::printf("%s is damaged. --fix cuts the damage off%s.\n", path.c_str(),
                  result.is_cut ? "" : ", and all that comes behind it");
    if (!options.fixes) return false;
  }
  if (is_last) return Cut(path, source, result, options);
  std::printf("%s cannot be cut off: other files follow on it\n", path.c_str());
  return false;
}

bool IsSnapshot(const std::string& path, const Options& options) {
  StoredFile source(&options.keys);
  char magic[5] = {};
  size_t got = 0;
  bool is_read = source.Open(path) && source.Read(magic, sizeof(magic), &got).empty();
  return is_read && std::string_view(magic, got) == "REDIS";
}

bool CheckAppendOnly(const std::string& path, bool is_last, const Options& options) {
  if (!IsSnapshot(path, options)) return CheckCommands(path, 0, is_last, options);
  uint64_t end = 0;
  if (!CheckSnapshot(path, options, &end)) return false;
  // Redis 4 to 6 went on with commands behind the snapshot.
  return end == 0 || CheckCommands(path, end, is_last, options);
}

bool CheckManifest(const std::string& path, const Options& options) {
  std::printf("Checking manifest %s\n", path.c_str());
  std::string text;
  if (!ReadWholeFile(path, &text)) return CannotOpen(path);
  AofManifest manifest("");
  int line = 0;
  std::string wrong = manifest.Parse(text, &line);
  if (!wrong.empty()) {
    std::printf("[line %d] %s\n", line, wrong.c_str());
    if (options.fixes) std::printf("A manifest cannot be repaired: nothing is changed.\n");
    return false;
  }
  const std::vector<AofFile> files = manifest.Files();
  bool are_fine = true;
  for (const AofFile& file : files) {
    std::string name = std::filesystem::path(path).parent_path() / file.name;
    // What follows on a damaged file is no longer what follows on it.
    are_fine = CheckAppendOnly(name, file == files.back() && are_fine, options) && are_fine;
  }
  std::printf("%s\n", are_fine ? "All append-only files and the manifest are fine"
                               : "Not all append-only files are fine");
  return are_fine;
}

// ---- Any file ----

bool CheckFolder(const std::string& path, const Options& options) {
  std::error_code error;
  std::vector<std::string> found;
  for (std::filesystem::directory_iterator at(path, error), end; !error && at != end;
       at.increment(error)) {
    if (at->path().extension() == ".manifest") found.push_back(at->path());
  }
  std::sort(found.begin(), found.end());
  if (found.empty()) std::printf("There is no manifest in %s\n", path.c_str());
  bool are_fine = !found.empty();
  for (const std::string& manifest : found) are_fine = CheckManifest(manifest, options) && are_fine;
  return are_fine;
}

bool Check(const std::string& path, const Options& options) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return CheckFolder(path, options);
  StoredFile source(&options.keys);
  if (!source.Open(path)) return CannotOpen(path);
  char start[5] = {};
  size_t got = 0;
  std::string unreadable = source.Read(start, sizeof(start), &got);
  std::string_view text(start, got);
  if (path.ends_with(".manifest") || text == "file ") return CheckManifest(path, options);
  bool has_commands = path.ends_with(".aof") || text.starts_with('*') || text.starts_with('#');
  if (has_commands) return CheckAppendOnly(path, true, options);
  uint64_t end = 0;
  return CheckSnapshot(path, options, &end);
}

// ---- Keys ----

bool Rewrap(const char* path, const AtRestKey& old_key, const AtRestKey& new_key) {
  std::string error = RewrapCipherFile(path, old_key, new_key);
  if (error.empty()) {
    std::printf("%s can be read with key %s\n", path, KeyIdText(new_key.id).c_str());
  } else {
    std::printf("%s keeps its key: %s\n", path, error.c_str());
  }
  return error.empty();
}

bool ReadKey(const char* path, AtRestKey* key) {
  std::string error = ReadAtRestKey(path, key);
  if (!error.empty()) std::fprintf(stderr, "%s\n", error.c_str());
  return error.empty();
}

bool RewrapAll(std::span<char*> words) {
  AtRestKey old_key;
  AtRestKey new_key;
  if (!ReadKey(words[0], &old_key) || !ReadKey(words[1], &new_key)) return false;
  bool are_fine = true;
  for (char* path : words.subspan(2)) are_fine = Rewrap(path, old_key, new_key) && are_fine;
  return are_fine;
}

// The options in front of the files, which are left; false: they make no sense.
bool TakeOptions(std::span<char*>* words, Options* options) {
  for (; !words->empty(); *words = words->subspan(1)) {
    std::string_view word = words->front();
    if (!word.starts_with("--")) return true;
    if (word == "--fix") {
      options->fixes = true;
    } else if (word == "--yes") {
      options->asks = false;
    } else if (word == "--key-file" && words->size() > 1) {
      *words = words->subspan(1);
      if (!ReadKey(words->front(), &options->keys.current.emplace())) return false;
    } else if (word == "--until" && words->size() > 1) {
      *words = words->subspan(1);
      options->until_s = ParseInt64(words->front());
      if (!options->until_s) return false;
    } else {
      return false;
    }
  }
  return false;
}

int Usage(bool was_asked_for) {
  std::fputs(kUsage, was_asked_for ? stdout : stderr);
  return was_asked_for ? kFine : kNotUnderstood;
}

int Main(std::span<char*> words) {
  std::string_view first = words.empty() ? "" : words[0];
  if (first == "--help" || first == "-h") return Usage(true);
  SetLogLevel(LogLevel::kNothing);
  if (first == "--rewrap") {
    if (words.size() < 4) return Usage(false);
    return RewrapAll(words.subspan(1)) ? kFine : kDamaged;
  }
  Options options;
  ParameterSet parameters(&options.settings);
  if (!TakeOptions(&words, &options)) return Usage(false);
  bool are_fine = true;
  for (char* path : words) are_fine = Check(path, options) && are_fine;
  return are_fine ? kFine : kDamaged;
}

}  // namespace
}  // namespace kiln

int main(int argc, char** argv) {
  return kiln::Main({argv + 1, static_cast<size_t>(argc > 0 ? argc - 1 : 0)});
}
