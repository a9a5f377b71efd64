#include "engine/persist/aof_manifest.h"

#include <algorithm>

#include "base/number.h"
#include "base/split_args.h"

namespace kiln {
namespace {

constexpr size_t kMaxLineBytes = 1024;

void AppendLine(std::string* text, const AofFile& file, char type) {
  auto is_plain = [](unsigned char c) {
    return c > ' ' && c < 127 && c != '"' && c != '\'' && c != '\\';
  };
  *text += "file ";
  if (std::all_of(file.name.begin(), file.name.end(), is_plain))
    *text += file.name;
  else
    AppendQuoted(file.name, text);
  *text += " seq " + std::to_string(file.sequence) + " type " + type + '\n';
}

// One line's file and type; what is wrong, or empty.
std::string ReadLine(std::string_view line, AofFile* file, char* type) {
  constexpr char kInvalid[] = "Invalid AOF manifest file format";
  auto words = SplitArgs(line);
  if (!words || words->size() < 6 || words->size() % 2 != 0) return kInvalid;
  for (size_t i = 0; i < words->size(); i += 2) {
    const std::string& value = (*words)[i + 1];
    if ((*words)[i] == "file") {
      if (value.find('/') != std::string::npos || value == "." || value == "..")
        return "File can't be a path, just a filename";
      file->name = value;
    } else if ((*words)[i] == "seq") {
      file->sequence = ParseInt64(value).value_or(0);
    } else if ((*words)[i] == "type") {
      *type = value.size() == 1 ? value[0] : '?';
    }
  }
  return file->name.empty() || file->sequence <= 0 || *type == 0 ? kInvalid : "";
}

}  // namespace

std::string AofManifest::Parse(std::string_view text, int* line) {
  *line = 0;
  if (text.empty()) return "Found an empty AOF manifest";
  while (!text.empty()) {
    ++*line;
    size_t end = text.find('\n');
    if (end == std::string_view::npos || end >= kMaxLineBytes)
      return "The AOF manifest file contains too long line";
    std::string_view row = text.substr(0, end);
    text.remove_prefix(end + 1);
    if (row.starts_with('#')) continue;
    AofFile file;
    char type = 0;
    if (std::string wrong = ReadLine(row, &file, &type); !wrong.empty()) return wrong;
    if (type == 'b') {
      if (base_) return "Found duplicate base file information";
      last_base_ = file.sequence;
      base_ = std::move(file);
    } else if (type == 'i') {
      if (file.sequence <= last_increment_) return "Found a non-monotonic sequence number";
      last_increment_ = file.sequence;
      increments_.push_back(std::move(file));
    } else if (type == 'h') {
      history_.push_back(std::move(file));
    } else {
      return "Unknown AOF file type";
    }
  }
  return {};
}

std::string AofManifest::Format() const {
  std::string text;
  if (base_) AppendLine(&text, *base_, 'b');
  for (const AofFile& file : history_) AppendLine(&text, file, 'h');
  for (const AofFile& file : increments_) AppendLine(&text, file, 'i');
  return text;
}

std::vector<AofFile> AofManifest::Files() const {
  std::vector<AofFile> files;
  if (base_) files.push_back(*base_);
  files.insert(files.end(), increments_.begin(), increments_.end());
  return files;
}

const AofFile& AofManifest::AddIncrement() {
  ++last_increment_;
  std::string name = filename_ + '.' + std::to_string(last_increment_) + ".incr.aof";
  increments_.push_back({std::move(name), last_increment_});
  return increments_.back();
}

AofFile AofManifest::NextBase(bool is_rdb) const {
  int64_t sequence = last_base_ + 1;
  return {filename_ + '.' + std::to_string(sequence) + (is_rdb ? ".base.rdb" : ".base.aof"),
          sequence};
}

void AofManifest::SetBase(AofFile base, size_t kept) {
  if (base_) history_.push_back(*base_);
  last_base_ = base.sequence;
  base_ = std::move(base);
  size_t old = increments_.size() - std::min(kept, increments_.size());
  history_.insert(history_.end(), increments_.begin(),
                  increments_.begin() + static_cast<ptrdiff_t>(old));
  increments_.erase(increments_.begin(), increments_.begin() + static_cast<ptrdiff_t>(old));
}

}  // namespace kiln
