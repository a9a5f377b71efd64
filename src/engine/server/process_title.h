// ProcessTitle: what ps shows for the process (set-proc-title, proc-title-template).
//
// The system shows the memory in which it passed the arguments, so the title is written there. Room
// is gained by moving the environment, which lies behind them. Thread safety: none; changed alone.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kiln {

// Replaces each {name} by what `value_of` returns, "{{" by "{"; nullopt when that knows no such
// name or a brace is not closed.
std::optional<std::string> ExpandTitle(
    std::string_view text,
    const std::function<std::optional<std::string>(std::string_view)>& value_of);

class ProcessTitle {
 public:
  // main's own arguments. Nobody may read them, or pointers into the environment got earlier, after
  // Set. The object must outlive all use of the environment.
  ProcessTitle(int argc, char** argv);
  ProcessTitle(const ProcessTitle&) = delete;
  ProcessTitle& operator=(const ProcessTitle&) = delete;

  // How the program was called.
  const std::string& program() const { return program_; }
  // Cut to the room there is.
  void Set(std::string_view title);

 private:
  void MoveEnvironment();

  std::string program_;
  char* room_;
  size_t room_bytes_ = 0;
  std::vector<std::string> environment_;
};

}  // namespace kiln
