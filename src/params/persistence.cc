// Snapshots and the append-only file.
#include "params/tables.h"

namespace kiln {
namespace {

// clang-format off
constexpr Parameter kRows[] = {
  // name                                   alias  type               initial                    allowed               apply          flags                   member                 help
  {"aof-disable-auto-gc",                   "",    ParameterType::kBool,       "no",                      "",                   Apply::kNow,   kHidden | kNoEffect,    {},                    "Keep old append-only files."},
  {"aof-load-truncated",                    "",    ParameterType::kBool,       "yes",                     "",                   Apply::kNow,   kNoEffect,              {},                    "Start although the append-only file ends in the middle of a command."},
  {"aof-rewrite-incremental-fsync",         "",    ParameterType::kBool,       "yes",                     "",                   Apply::kNow,   kNoEffect,              {},                    "Sync a new append-only file piece by piece."},
  {"aof-timestamp-enabled",                 "",    ParameterType::kBool,       "no",                      "",                   Apply::kNow,   kNoEffect,              {},                    "Write time stamps into the append-only file."},
  {"aof-use-rdb-preamble",                  "",    ParameterType::kBool,       "yes",                     "",                   Apply::kNow,   kNoEffect,              {},                    "Begin the append-only file with a snapshot."},
  {"appenddirname",                         "",    ParameterType::kFileName,   "appendonlydir",           "dirname,filled",     Apply::kStart, kNoEffect,              {},                    "Folder of the append-only files inside dir."},
  {"appendfilename",                        "",    ParameterType::kFileName,   "appendonly.aof",          "filename,filled",    Apply::kStart, kNoEffect,              {},                    "First part of the names of the append-only files."},
  {"appendfsync",                           "",    ParameterType::kEnum,       "everysec",                "everysec,always,no", Apply::kNow,   kNoEffect,              {},                    "When the append-only file is synced to the disk."},
  {"appendonly",                            "",    ParameterType::kBool,       "no",                      "",                   Apply::kNow,   kNoEffect,              &Settings::appendonly, "Log every change to the append-only file."},
  {"auto-aof-rewrite-min-size",             "",    ParameterType::kBytes,      "67108864",                "0..long",            Apply::kNow,   kNoEffect,              {},                    "Smallest append-only file that is rewritten by itself."},
  {"auto-aof-rewrite-percentage",           "",    ParameterType::kInt,        "100",                     "0..int",             Apply::kNow,   kNoEffect,              {},                    "Growth in percent after which the append-only file is rewritten."},
  {"dbfilename",                            "",    ParameterType::kFileName,   "dump.rdb",                "filename",           Apply::kNow,   kProtected | kNoEffect, &Settings::dbfilename, "Name of the snapshot file inside dir."},
  {"dir",                                   "",    ParameterType::kDirectory,  ".",                       "",                   Apply::kNow,   kProtected,             &Settings::dir,        "Folder of all files; relative paths start here."},
  {"key-load-delay",                        "",    ParameterType::kInt,        "0",                       "-2147483648..int",   Apply::kNow,   kHidden | kNoEffect,    {},                    "Microseconds to wait after each loaded key, for tests."},
  {"loading-process-events-interval-bytes", "",    ParameterType::kInt,        "2097152",                 "1024..int",          Apply::kNow,   kHidden | kNoEffect,    {},                    "Bytes loaded between two looks at the clients."},
  {"no-appendfsync-on-rewrite",             "",    ParameterType::kBool,       "no",                      "",                   Apply::kNow,   kNoEffect,              {},                    "Do not sync the append-only file while a snapshot is written."},
  {"rdb-del-sync-files",                    "",    ParameterType::kBool,       "no",                      "",                   Apply::kNow,   kNoEffect,              {},                    "Remove snapshots that replication left behind."},
  {"rdb-key-save-delay",                    "",    ParameterType::kInt,        "0",                       "-2147483648..int",   Apply::kNow,   kHidden | kNoEffect,    {},                    "Microseconds to wait after each saved key, for tests."},
  {"rdb-save-incremental-fsync",            "",    ParameterType::kBool,       "yes",                     "",                   Apply::kNow,   kNoEffect,              {},                    "Sync a snapshot piece by piece."},
  {"rdbchecksum",                           "",    ParameterType::kBool,       "yes",                     "",                   Apply::kStart, kNoEffect,              {},                    "End snapshots with a checksum."},
  {"rdbcompression",                        "",    ParameterType::kBool,       "yes",                     "",                   Apply::kNow,   kNoEffect,              {},                    "Compress strings in snapshots."},
  {"sanitize-dump-payload",                 "",    ParameterType::kEnum,       "no",                      "no,yes,clients",     Apply::kNow,   kNoEffect,              {},                    "Check values from RESTORE and snapshots in depth."},
  {"save",                                  "",    ParameterType::kSavePoints, "3600 1 300 100 60 10000", "",                   Apply::kNow,   kMultiWord | kNoEffect, &Settings::save,       "Save a snapshot after so many seconds when so much has changed."},
  {"stop-writes-on-bgsave-error",           "",    ParameterType::kBool,       "yes",                     "",                   Apply::kNow,   kNoEffect,              {},                    "Refuse writes after a snapshot failed."},
};
// clang-format on
static_assert(IsSorted(kRows));

}  // namespace

std::span<const Parameter> PersistenceParameters() {
  return kRows;
}

}  // namespace kiln
