// The command line of redis-server: [file] [-] [--directive value ...] [-].
//
// Options become lines of a configuration file that is read after the file and standard input, so
// the last one wins.
// "--port 7000", "--port" "7000" and "--save" without a value are all understood as redis-server
// does. -v, -h and their long forms belong to main().
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace kiln {

struct CommandLine {
  std::string file;        // As given; empty: none.
  bool has_stdin = false;  // "-": read standard input too.
  std::string options;     // Lines.
};

// `args` without the program's name.
CommandLine ReadCommandLine(std::span<const std::string_view> args);

}  // namespace kiln
