// The process: logging, threads, signals, scripts.
#include "params/tables.h"

namespace kiln {
namespace {

// clang-format off
constexpr Parameter kRows[] = {
  // name                    alias             type              initial                                allowed                                                         apply          flags                   member                              help
  {"always-show-logo",       "",               ParameterType::kBool,      "no",                                  "",                                                             Apply::kStart, kNoEffect,              {},                                 "Print a picture at the start of the log."},
  {"aof_rewrite_cpulist",    "",               ParameterType::kString,    "",                                    "",                                                             Apply::kStart, kNoEffect,              {},                                 "Processors for rewriting the append-only file."},
  {"bgsave_cpulist",         "",               ParameterType::kString,    "",                                    "",                                                             Apply::kStart, kNoEffect,              {},                                 "Processors for saving snapshots."},
  {"bio_cpulist",            "",               ParameterType::kString,    "",                                    "",                                                             Apply::kStart, kNoEffect,              {},                                 "Processors for background threads."},
  {"busy-reply-threshold",   "lua-time-limit", ParameterType::kInt,       "5000",                                "0..long",                                                      Apply::kNow,   0,                      &Settings::busy_reply_threshold_ms, "Milliseconds after which a script counts as stuck."},
  {"crash-log-enabled",      "",               ParameterType::kBool,      "yes",                                 "",                                                             Apply::kNow,   kNoEffect,              {},                                 "Log the state of the process when it crashes."},
  {"crash-memcheck-enabled", "",               ParameterType::kBool,      "yes",                                 "",                                                             Apply::kNow,   kNoEffect,              {},                                 "Test the memory when it crashes."},
  {"daemonize",              "",               ParameterType::kBool,      "no",                                  "",                                                             Apply::kStart, 0,                      &Settings::daemonize,               "Go to the background."},
  {"disable-thp",            "",               ParameterType::kBool,      "yes",                                 "",                                                             Apply::kStart, kNoEffect,              {},                                 "Turn transparent huge pages off for the process."},
  {"ignore-warnings",        "",               ParameterType::kString,    "",                                    "",                                                             Apply::kNow,   kNoEffect,              {},                                 "Warnings of the system to ignore."},
  {"io-threads",             "",               ParameterType::kInt,       "1",                                   "1..128",                                                       Apply::kStart, 0,                      &Settings::io_threads,              "Threads that serve clients."},
  {"io-threads-do-reads",    "",               ParameterType::kBool,      "no",                                  "",                                                             Apply::kStart, kNoEffect,              {},                                 "Read with several threads too; Kiln always does."},
  {"locale-collate",         "",               ParameterType::kString,    "",                                    "",                                                             Apply::kNow,   kNoEffect,              {},                                 "Locale of comparisons in scripts and SORT."},
  {"logfile",                "",               ParameterType::kString,    "",                                    "",                                                             Apply::kStart, 0,                      &Settings::logfile,                 "File to log to; empty is standard output."},
  {"loglevel",               "",               ParameterType::kEnum,      "notice",                              "debug,verbose,notice,warning,nothing",                         Apply::kNow,   0,                      &Settings::loglevel,                "The least important lines to log."},
  {"oom-score-adj",          "",               ParameterType::kEnum,      "no",                                  "no,yes,relative,absolute",                                     Apply::kNow,   0,                      {},                                 "Tell the system which process to end first when memory runs out."},
  {"oom-score-adj-values",   "",               ParameterType::kOomScores, "0 200 800",                           "",                                                             Apply::kNow,   kMultiWord,             {},                                 "Scores of primary, replica and background process."},
  {"pidfile",                "",               ParameterType::kString,    "",                                    "",                                                             Apply::kStart, 0,                      &Settings::pidfile,                 "File that holds the process id."},
  {"proc-title-template",    "",               ParameterType::kString,    "{title} {listen-addr} {server-mode}", "",                                                             Apply::kNow,   0,                      {},                                 "Title of the process."},
  {"server_cpulist",         "",               ParameterType::kString,    "",                                    "",                                                             Apply::kStart, kNoEffect,              {},                                 "Processors for the server's threads."},
  {"set-proc-title",         "",               ParameterType::kBool,      "yes",                                 "",                                                             Apply::kStart, 0,                      {},                                 "Set the title of the process."},
  {"shutdown-on-sigint",     "",               ParameterType::kEnums,     "default",                             "default,save,nosave,now,force",                                Apply::kNow,   kMultiWord,             &Settings::shutdown_on_sigint,      "How to end on SIGINT."},
  {"shutdown-on-sigterm",    "",               ParameterType::kEnums,     "default",                             "default,save,nosave,now,force",                                Apply::kNow,   kMultiWord,             &Settings::shutdown_on_sigterm,     "How to end on SIGTERM."},
  {"shutdown-timeout",       "",               ParameterType::kInt,       "10",                                  "0..int",                                                       Apply::kNow,   0,                      &Settings::shutdown_timeout_s,      "Seconds to wait for replicas before ending."},
  {"supervised",             "",               ParameterType::kEnum,      "no",                                  "upstart,systemd,auto,no",                                      Apply::kStart, 0,                      {},                                 "Tell a service manager when the server is ready."},
  {"syslog-enabled",         "",               ParameterType::kBool,      "no",                                  "",                                                             Apply::kStart, kNoEffect,              {},                                 "Log to the system log too."},
  {"syslog-facility",        "",               ParameterType::kEnum,      "local0",                              "user,local0,local1,local2,local3,local4,local5,local6,local7", Apply::kStart, kNoEffect,              {},                                 "Facility of these lines."},
  {"syslog-ident",           "",               ParameterType::kString,    "redis",                               "",                                                             Apply::kStart, kNoEffect,              {},                                 "Name in these lines."},
  {"use-exit-on-panic",      "",               ParameterType::kBool,      "no",                                  "",                                                             Apply::kNow,   kHidden | kNoEffect,    {},                                 "Exit instead of aborting when an invariant is broken."},
  {"watchdog-period",        "",               ParameterType::kInt,       "0",                                   "0..int",                                                       Apply::kNow,   kHidden | kNoEffect,    {},                                 "Milliseconds after which a stuck command is logged; 0 is off."},
};
// clang-format on
static_assert(IsSorted(kRows));

}  // namespace

std::span<const Parameter> ProcessParameters() {
  return kRows;
}

}  // namespace kiln
