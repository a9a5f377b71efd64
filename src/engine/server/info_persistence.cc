// INFO: persistence.

#include <algorithm>

#include "base/time.h"
#include "engine/server/append_only.h"
#include "engine/server/info.h"
#include "engine/server/persistence.h"
#include "engine/server/replication.h"
#include "engine/server/server.h"

namespace kiln {
namespace {

double Percent(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) * 100 / static_cast<double>(whole);
}

}  // namespace

void InfoWriter::WritePersistence() {
  const Persistence& persistence = server_.persistence();
  const Persistence::Status& status = persistence.status();
  const ReplicaLinks& links = server_.replication().links();
  const RdbSaveProgress& save = links.is_sending() ? links.progress() : persistence.save_progress();
  bool is_saving = persistence.IsSavingInBackground() || links.is_sending();
  int64_t since_s = links.is_sending() ? links.sending_since_s() : status.saving_since_s;
  int64_t now_s = NowMs() / 1000;
  Field("loading", persistence.is_loading() ? 1 : 0);
  Field("async_loading", persistence.beside() == Persistence::Beside::kServed ? 1 : 0);
  Field("current_cow_peak", 0);
  Field("current_cow_size", 0);
  Field("current_cow_size_age", 0);
  Field("current_fork_perc", is_saving ? Percent(save.keys, save.keys_total) : 0.0);
  Field("current_save_keys_processed", is_saving ? save.keys.load() : 0);
  Field("current_save_keys_total", is_saving ? save.keys_total.load() : 0);
  Field("rdb_changes_since_last_save", persistence.ChangesSinceSave());
  Field("rdb_bgsave_in_progress", is_saving ? 1 : 0);
  Field("rdb_last_save_time", persistence.LastSaveSeconds());
  Field("rdb_last_bgsave_status", status.is_last_save_fine ? "ok" : "err");
  Field("rdb_last_bgsave_time_sec", status.last_save_took_s);
  Field("rdb_current_bgsave_time_sec", is_saving ? now_s - since_s : -1);
  Field("rdb_saves", status.saves);
  Field("rdb_last_cow_size", 0);
  Field("rdb_last_load_keys_expired", persistence.load_progress().expired_keys.load());
  Field("rdb_last_load_keys_loaded", persistence.load_progress().keys.load());
  WriteAppendOnly();
  Field("module_fork_in_progress", 0);
  Field("module_fork_last_cow_size", 0);
  if (persistence.is_loading()) WriteLoading();
}

void InfoWriter::WriteAppendOnly() {
  AppendOnly& append_only = server_.append_only();
  const AppendOnly::Status& status = append_only.status();
  int64_t now_s = NowMs() / 1000;
  Field("aof_enabled", append_only.is_on() ? 1 : 0);
  Field("aof_rewrite_in_progress", status.is_rewriting ? 1 : 0);
  Field("aof_rewrite_scheduled", status.is_scheduled ? 1 : 0);
  Field("aof_last_rewrite_time_sec", status.last_rewrite_took_s);
  Field("aof_current_rewrite_time_sec",
        status.is_rewriting ? now_s - status.rewriting_since_s : -1);
  Field("aof_last_bgrewrite_status", status.is_last_rewrite_fine ? "ok" : "err");
  Field("aof_rewrites", status.rewrites);
  Field("aof_rewrites_consecutive_failures", append_only.failed_rewrites());
  Field("aof_last_write_status", append_only.Error().empty() ? "ok" : "err");
  Field("aof_last_cow_size", 0);
  const AofLog* log = append_only.log();
  if (log == nullptr) return;
  Field("aof_current_size", append_only.TotalBytes());
  Field("aof_base_size", status.base_bytes);
  Field("aof_pending_rewrite", 0);
  Field("aof_buffer_length", log->pending_bytes());
  Field("aof_pending_bio_fsync", log->is_syncing() ? 1 : 0);
  Field("aof_delayed_fsync", 0);
}

void InfoWriter::WriteLoading() {
  const RdbLoadProgress& load = server_.persistence().load_progress();
  int64_t since_s = server_.persistence().status().loading_since_s;
  uint64_t done = load.bytes;
  uint64_t total = load.total_bytes;
  int64_t elapsed_s = NowMs() / 1000 - since_s;
  // As long as nothing can be told: a second.
  int64_t left_s = 1;
  if (elapsed_s > 0 && done > 0) {
    double bytes_per_s = static_cast<double>(done) / static_cast<double>(elapsed_s);
    left_s = static_cast<int64_t>(static_cast<double>(total - std::min(done, total)) / bytes_per_s);
  }
  Field("loading_start_time", since_s);
  Field("loading_total_bytes", total);
  Field("loading_rdb_used_mem", load.saved_memory_bytes.load());
  Field("loading_loaded_bytes", done);
  Field("loading_loaded_perc", Percent(done, total));
  Field("loading_eta_seconds", left_s);
}

}  // namespace kiln
