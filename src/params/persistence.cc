// Snapshots and the append-only file.
#include "params/tables.h"

namespace kiln {
namespace {

// clang-format off
constexpr Parameter kRows[] = {
  // name                                   alias  type               initial                    allowed               apply          flags                   member                 help
  {"aof-disable-auto-gc",                   "",    ParameterType::kBool,       "no",                      "",                   Apply::kNow,   kHidden,                {},                    "Keep old append-only files."},
  {"aof-load-truncated",                    "",    ParameterType::kBool,       "yes",                     "",                   Apply::kNow,   0,                      &Settings::aof_load_truncated, "Start although the append-only file ends in the middle of a command."},
  {"aof-rewrite-incremental-fsync",         "",    ParameterType::kBool,       "yes",                     "",                   Apply::kNow,   kNoEffect,              {},                    "Sync a new append-only file piece by piece."},
  {"aof-timestamp-enabled",                 "",    ParameterType::kBool,       "no",                      "",                   Apply::kNow,   0,                      {},                    "Write time stamps into the append-only file."},
  {"aof-use-rdb-preamble",                  "",    ParameterType::kBool,       "yes",                     "",                   Apply::kNow,   kNoEffect,              {},                    "Begin the append-only file with a snapshot."},
  {"appenddirname",                         "",    ParameterType::kFileName,   "appendonlydir",           "dirname,filled",     Apply::kStart, 0,                      &Settings::appenddirname, "Folder of the append-only files inside dir."},
  {"appendfilename",                        "",    ParameterType::kFileName,   "appendonly.aof",          "filename,filled",    Apply::kStart, 0,                      &Settings::appendfilename, "First part of the names of the append-only files."},
  {"appendfsync",                           "",    ParameterType::kEnum,       "everysec",                "everysec,always,no", Apply::kNow,   0,                      &Settings::appendfsync, "When the append-only file is synced to the disk."},
  {"appendonly",                            "",    ParameterType::kBool,       "no",                      "",                   Apply::kNow,   0,                      &Settings::appendonly, "Log every change to the append-only file."},
  {"at-rest-key-command",                   "",    ParameterType::kString,     "",                        "",                    Apply::kStart, 0,                      &Settings::at_rest_key_command, "Command that prints the key that files are encrypted with; run once, without a shell."},
  {"at-rest-key-file",                      "",    ParameterType::kString,     "",                        "",                    Apply::kStart, 0,                      &Settings::at_rest_key_file, "File with the key that snapshots and append-only files are encrypted with."},
  {"at-rest-old-key-file",                  "",    ParameterType::kString,     "",                        "",                    Apply::kStart, 0,                      &Settings::at_rest_old_key_file, "File with the key before: files encrypted with it get the new one."},
  {"auto-aof-rewrite-min-size",             "",    ParameterType::kBytes,      "67108864",                "0..long",            Apply::kNow,   0,                      &Settings::auto_aof_rewrite_min_bytes, "Smallest append-only file that is rewritten by itself."},
  {"auto-aof-rewrite-percentage",           "",    ParameterType::kInt,        "100",                     "0..int",             Apply::kNow,   0,                      &Settings::auto_aof_rewrite_percentage, "Growth in percent after which the append-only file is rewritten."},
  {"dbfilename",                            "",    ParameterType::kFileName,   "dump.rdb",                "filename",           Apply::kNow,   kProtected,             &Settings::dbfilename, "Name of the snapshot file inside dir."},
  {"dir",                                   "",    ParameterType::kDirectory,  ".",                       "",                   Apply::kNow,   kProtected,             &Settings::dir,        "Folder of all files; relative paths start here."},
  {"key-load-delay",                        "",    ParameterType::kInt,        "0",                       "-2147483648..int",   Apply::kNow,   kHidden,                &Settings::key_load_delay_us, "Microseconds to wait after each loaded key, for tests."},
  {"loading-process-events-interval-bytes", "",    ParameterType::kInt,        "2097152",                 "1024..int",          Apply::kNow,   kHidden,                &Settings::loading_interval_bytes, "Bytes loaded between two looks at the clients."},
  {"no-appendfsync-on-rewrite",             "",    ParameterType::kBool,       "no",                      "",                   Apply::kNow,   kNoEffect,              {},                    "Do not sync the append-only file while a snapshot is written."},
  {"rdb-del-sync-files",                    "",    ParameterType::kBool,       "no",                      "",                   Apply::kNow,   kNoEffect,              {},                    "Remove snapshots that replication left behind."},
  {"rdb-key-save-delay",                    "",    ParameterType::kInt,        "0",                       "-2147483648..int",   Apply::kNow,   kHidden,                &Settings::rdb_key_save_delay_us, "Microseconds to wait after each saved key, for tests."},
  {"rdb-save-incremental-fsync",            "",    ParameterType::kBool,       "yes",                     "",                   Apply::kNow,   0,                      &Settings::rdb_save_incremental_fsync, "Sync a snapshot piece by piece."},
  {"rdb-version",                           "",    ParameterType::kInt,        "11",                      "10..11",             Apply::kNow,   kHidden,                {},                    "Format of snapshots: 11 is Redis 7.2's, 10 is what Redis 7.0 can read too."},
  {"rdbchecksum",                           "",    ParameterType::kBool,       "yes",                     "",                   Apply::kStart, 0,                      &Settings::rdb_checksum, "End snapshots with a checksum."},
  {"rdbcompression",                        "",    ParameterType::kBool,       "yes",                     "",                   Apply::kNow,   0,                      &Settings::rdb_compression, "Compress strings in snapshots."},
  {"sanitize-dump-payload",                 "",    ParameterType::kEnum,       "no",                      "no,yes,clients",     Apply::kNow,   kNoEffect,              {},                    "Check values from RESTORE and snapshots in depth."},
  {"save",                                  "",    ParameterType::kSavePoints, "3600 1 300 100 60 10000", "",                   Apply::kNow,   kMultiWord,             &Settings::save,       "Save a snapshot after so many seconds when so much has changed."},
  {"stop-writes-on-bgsave-error",           "",    ParameterType::kBool,       "yes",                     "",                   Apply::kNow,   0,                      &Settings::stop_writes_on_bgsave_error, "Refuse writes after a snapshot failed."},
};
// clang-format on
static_assert(IsSorted(kRows));

}  // namespace

std::span<const Parameter> PersistenceParameters() {
  return kRows;
}

}  // namespace kiln
