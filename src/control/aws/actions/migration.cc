// StartMigration, TestMigration, CompleteMigration: a replication group takes over the data of a
// running Redis server, by following it until it is told to stop.
#include <fmt/format.h>

#include "control/aws/actions/event.h"
#include "control/aws/actions/group_members.h"
#include "control/aws/actions/loading.h"
#include "control/aws/actions/replication_group_view.h"
#include "control/model/names.h"
#include "control/model/store_keys.h"

namespace kiln {
namespace {

constexpr int kMaxPort = 65535;

ApiError Bad(Fault fault, std::string message) {
  return {fault, std::move(message)};
}

// CustomerNodeEndpointList: one, for a group of one shard has one source.
ApiError ReadSource(ActionCall& call, Endpoint* source) {
  std::vector<Arguments> list = call.args.Structures("CustomerNodeEndpointList", "member");
  if (list.size() != 1) {
    return Bad(Fault::kInvalidParameterValue,
               "CustomerNodeEndpointList must have exactly one endpoint.");
  }
  source->address = list.front().Required("Address");
  source->port = static_cast<int>(list.front().Integer("Port", 1, kMaxPort).value_or(0));
  if (list.front().error()) return list.front().error();
  bool has_blanks = source->address.find_first_of(" \t\r\n") != std::string::npos;
  if (source->port != 0 && !has_blanks) return NoError();
  return Bad(Fault::kInvalidParameterValue, "An endpoint must have an address and a port.");
}

ApiError LookAt(ActionCall& call, const Endpoint& source, SourceState* state) {
  if (call.api.look_at_source == nullptr)
    return Bad(Fault::kUnsupportedOperation, "No other server can be reached from here.");
  *state = call.api.look_at_source(source);
  if (state->problem.empty()) return NoError();
  return Bad(Fault::kInvalidParameterValue, state->problem);
}

// The group, when it may begin to follow the source that the call names.
ApiError LoadTarget(ActionCall& call, Loaded<ReplicationGroup>* loaded, Endpoint* source) {
  std::string id = LowerCase(call.args.Required("ReplicationGroupId"));
  if (call.args.error()) return call.args.error();
  if (ApiError error = ReadSource(call, source)) return error;
  if (ApiError error = LoadReplicationGroup(call, id, loaded)) return error;
  if (!loaded->document.migrates_from.empty()) {
    return Bad(Fault::kReplicationGroupAlreadyUnderMigration,
               fmt::format("Replication group {} is under migration already.", id));
  }
  return CheckGroupAvailable(loaded->document);
}

ApiError PutWithEvent(ActionCall& call, const Loaded<ReplicationGroup>& loaded,
                      const std::string& message) {
  const ReplicationGroup& group = loaded.document;
  std::string key = ReplicationGroupKey(group.id);
  Transaction transaction{
      .compares = {{key, loaded.revision}}, .puts = {{key, ToJson(group)}}, .deletes = {}};
  AddEvent(&transaction,
           {group.id, std::string(kReplicationGroupSource), message, call.api.now_ms()});
  if (ApiError error = Commit(call, transaction)) return error;
  call.out.Element("ReplicationGroup", [&] { WriteReplicationGroup(call, group); });
  return NoError();
}

// ReplicationGroupId, CustomerNodeEndpointList
ApiError StartMigration(ActionCall& call) {
  Loaded<ReplicationGroup> loaded;
  Endpoint source;
  SourceState state;
  if (ApiError error = LoadTarget(call, &loaded, &source)) return error;
  if (ApiError error = LookAt(call, source, &state)) return error;
  ReplicationGroup& group = loaded.document;
  group.migrates_from = source;
  group.status = "modifying";
  return PutWithEvent(call, loaded,
                      fmt::format("Migration from {}:{} started for replication group {}",
                                  source.address, source.port, group.id));
}

// ReplicationGroupId, CustomerNodeEndpointList
ApiError TestMigration(ActionCall& call) {
  Loaded<ReplicationGroup> loaded;
  Endpoint source;
  SourceState state;
  if (ApiError error = LoadTarget(call, &loaded, &source)) return error;
  if (ApiError error = LookAt(call, source, &state)) return error;
  call.out.Element("ReplicationGroup", [&] { WriteReplicationGroup(call, loaded.document); });
  return NoError();
}

// ReplicationGroupId, Force. Without Force the group goes on until it has all that the source has
// now.
ApiError CompleteMigration(ActionCall& call) {
  std::string id = LowerCase(call.args.Required("ReplicationGroupId"));
  bool is_forced = call.args.BoolOr("Force", false);
  if (call.args.error()) return call.args.error();
  Loaded<ReplicationGroup> loaded;
  if (ApiError error = LoadReplicationGroup(call, id, &loaded)) return error;
  ReplicationGroup& group = loaded.document;
  if (group.migrates_from.empty()) {
    return Bad(Fault::kReplicationGroupNotUnderMigration,
               fmt::format("Replication group {} is not under migration.", id));
  }
  if (is_forced) {
    group.migrates_from = {};
    group.ends_migration = false;
    group.migration_offset = 0;
    return PutWithEvent(call, loaded,
                        fmt::format("Migration was ended by force for replication group {}", id));
  }
  SourceState state;
  if (LookAt(call, group.migrates_from, &state)) {
    return Bad(Fault::kInvalidReplicationGroupState,
               state.problem + " Use Force to end the migration with what there is.");
  }
  group.ends_migration = true;
  group.migration_offset = state.offset;
  return PutWithEvent(call, loaded,
                      fmt::format("Migration is being completed for replication group {}", id));
}

constexpr Action kActions[] = {
    {"CompleteMigration", CompleteMigration},
    {"StartMigration", StartMigration},
    {"TestMigration", TestMigration},
};

}  // namespace

std::span<const Action> MigrationActions() {
  return kActions;
}

}  // namespace kiln
