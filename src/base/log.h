// The server log, in the line format of Redis: "12345:M 22 Nov 2026 12:00:00.000 * text".
//
// To a file or to standard output. The file is opened for every line, so it may be renamed or
// removed at any time (log rotation needs no signal); a line that cannot be written is lost. Any
// thread may log, except that LogInit must not run beside the others. Before LogInit, notices and
// warnings go to standard output.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace kiln {

enum class LogLevel : uint8_t { kDebug, kVerbose, kNotice, kWarning, kNothing };

// Logs to the file at `path`, or to standard output when `path` is empty. False, with the reason in
// errno and nothing changed, when the file cannot be opened for appending.
bool LogInit(LogLevel level, const std::string& path);

void SetLogLevel(LogLevel level);

// The letter after the process id: 'M' for a primary (the default), 'S' for a replica.
void SetLogRole(char role);

// True when a line of this level would be written; for lines that are costly to make.
bool IsLogged(LogLevel level);

void Log(LogLevel level, std::string_view text);

}  // namespace kiln
