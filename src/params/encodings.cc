// Limits up to which values keep their compact forms.
#include "params/tables.h"

namespace kiln {
namespace {

// clang-format off
constexpr Parameter kRows[] = {
  // name                       alias                       type          initial  allowed             apply        flags      member                                    help
  {"hash-max-listpack-entries", "hash-max-ziplist-entries", ParameterType::kInt,   "512",   "0..long",          Apply::kNow, 0,         &Settings::hash_max_listpack_entries,     "Fields of a compact hash."},
  {"hash-max-listpack-value",   "hash-max-ziplist-value",   ParameterType::kBytes, "64",    "0..long",          Apply::kNow, 0,         &Settings::hash_max_listpack_value_bytes, "Longest field or value of a compact hash."},
  {"hll-sparse-max-bytes",      "",                         ParameterType::kBytes, "3000",  "0..long",          Apply::kNow, 0,         &Settings::hll_sparse_max_bytes,          "Size of a sparse HyperLogLog."},
  {"list-compress-depth",       "",                         ParameterType::kInt,   "0",     "0..int",           Apply::kNow, kNoEffect, &Settings::list_compress_depth,           "Nodes at each end of a list that stay uncompressed; 0 compresses none."},
  {"list-max-listpack-size",    "list-max-ziplist-size",    ParameterType::kInt,   "-2",    "-2147483648..int", Apply::kNow, 0,         &Settings::list_max_listpack_size,        "Entries of a list node, or its size: -1 to -5 mean 4 to 64 KiB."},
  {"set-max-intset-entries",    "",                         ParameterType::kInt,   "512",   "0..long",          Apply::kNow, 0,         &Settings::set_max_intset_entries,        "Members of a compact set of integers."},
  {"set-max-listpack-entries",  "",                         ParameterType::kInt,   "128",   "0..long",          Apply::kNow, 0,         &Settings::set_max_listpack_entries,      "Members of a compact set."},
  {"set-max-listpack-value",    "",                         ParameterType::kInt,   "64",    "0..long",          Apply::kNow, 0,         &Settings::set_max_listpack_value_bytes,  "Longest member of a compact set."},
  {"stream-node-max-bytes",     "",                         ParameterType::kBytes, "4096",  "0..long",          Apply::kNow, 0,         &Settings::stream_node_max_bytes,         "Size of a stream node; 0 sets no limit."},
  {"stream-node-max-entries",   "",                         ParameterType::kInt,   "100",   "0..long",          Apply::kNow, 0,         &Settings::stream_node_max_entries,       "Entries of a stream node; 0 sets no limit."},
  {"zset-max-listpack-entries", "zset-max-ziplist-entries", ParameterType::kInt,   "128",   "0..long",          Apply::kNow, 0,         &Settings::zset_max_listpack_entries,     "Members of a compact sorted set."},
  {"zset-max-listpack-value",   "zset-max-ziplist-value",   ParameterType::kBytes, "64",    "0..long",          Apply::kNow, 0,         &Settings::zset_max_listpack_value_bytes, "Longest member of a compact sorted set."},
};
// clang-format on
static_assert(IsSorted(kRows));

}  // namespace

std::span<const Parameter> EncodingsParameters() {
  return kRows;
}

}  // namespace kiln
