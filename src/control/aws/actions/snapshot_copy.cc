// CopySnapshot: to another name, or as files into a bucket.
#include <fmt/format.h>

#include "control/aws/actions/cluster_checks.h"
#include "control/aws/actions/group_arguments.h"
#include "control/aws/actions/loading.h"
#include "control/aws/actions/snapshot_actions.h"
#include "control/model/names.h"
#include "control/model/snapshots.h"
#include "control/model/store_keys.h"

namespace kiln {
namespace {

ApiError Bad(Fault fault, std::string message) {
  return {fault, std::move(message)};
}

// The source goes nowhere while it is copied: whoever deletes it meets the change of its document.
void PutBoth(const Loaded<Snapshot>& source, const Snapshot& copy, Transaction* transaction) {
  std::string key = SnapshotKey(source.document.name);
  transaction->compares.push_back({key, source.revision});
  transaction->puts.push_back({key, ToJson(source.document)});
  transaction->compares.push_back({SnapshotKey(copy.name), 0});
  transaction->puts.push_back({SnapshotKey(copy.name), ToJson(copy)});
}

ApiError Copy(ActionCall& call, const Loaded<Snapshot>& source, const std::string& target,
              Tags tags) {
  if (ApiError error = CheckSnapshotName(call, "TargetSnapshotName", target)) return error;
  Snapshot copy = source.document;
  copy.name = target;
  copy.status = "copying";
  copy.source = "manual";
  copy.copy_of = source.document.name;
  copy.create_time_ms = call.api.now_ms();
  copy.tags = std::move(tags);
  Transaction transaction;
  PutBoth(source, copy, &transaction);
  if (ApiError error = Commit(call, transaction)) return error;
  call.out.Element("Snapshot", [&] { WriteSnapshot(call.out, copy, call.api.site, false); });
  return NoError();
}

// The files are "TARGET-0001.rdb" and so on.
ApiError Export(ActionCall& call, Loaded<Snapshot>* source, const SnapshotExport& wanted) {
  if (ApiError error = CheckIdentifier("TargetSnapshotName", wanted.name, kMaxGroupNameBytes))
    return error;
  if (call.api.cannot_write == nullptr)
    return Bad(Fault::kUnsupportedOperation, "There are no buckets here.");
  for (const NodeSnapshot& node : source->document.nodes) {
    std::string problem =
        call.api.cannot_write(wanted.bucket, ExportedFileKey(wanted.name, node.node_group_id));
    if (!problem.empty()) return Bad(Fault::kInvalidParameterValue, problem);
  }
  source->document.status = "exporting";
  source->document.exported = wanted;
  if (ApiError error = Replace(call, SnapshotKey(source->document.name), *source)) return error;
  call.out.Element("Snapshot",
                   [&] { WriteSnapshot(call.out, source->document, call.api.site, false); });
  return NoError();
}

}  // namespace

// SourceSnapshotName, TargetSnapshotName, TargetBucket, Tags
ApiError CopySnapshot(ActionCall& call) {
  std::string source_name = LowerCase(call.args.Required("SourceSnapshotName"));
  std::string target = LowerCase(call.args.Required("TargetSnapshotName"));
  std::string bucket = call.args.StringOr("TargetBucket", "");
  Tags tags = ReadTags(call.args);
  if (call.args.error()) return call.args.error();
  if (call.args.Has("KmsKeyId"))
    return Bad(Fault::kUnsupportedOperation, "KmsKeyId is not supported by Kiln yet.");
  Loaded<Snapshot> source;
  if (ApiError error = LoadSnapshot(call, source_name, &source)) return error;
  if (source.document.status != "available") {
    return Bad(Fault::kInvalidSnapshotState,
               fmt::format("Snapshot {} is not in available state.", source_name));
  }
  if (bucket.empty()) return Copy(call, source, target, std::move(tags));
  return Export(call, &source, {target, bucket});
}

}  // namespace kiln
