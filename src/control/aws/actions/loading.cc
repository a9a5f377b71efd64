#include "control/aws/actions/loading.h"

#include "control/model/parameter_groups.h"
#include "control/model/store_keys.h"

namespace kiln {

template <typename Document>
ApiError Load(ActionCall& call, const std::string& key, ApiError absent, Loaded<Document>* loaded) {
  auto entry = call.api.store.Get(key);
  if (!entry) return ActionCall::StoreTrouble(entry.error());
  if (!*entry) return absent;
  std::optional<Document> document = FromJson<Document>((*entry)->value);
  if (!document)
    return {Fault::kInternalFailure, "The document " + key + " cannot be read."};
  *loaded = {std::move(*document), (*entry)->revision};
  return NoError();
}

template ApiError Load(ActionCall&, const std::string&, ApiError, Loaded<CacheCluster>*);
template ApiError Load(ActionCall&, const std::string&, ApiError, Loaded<ReplicationGroup>*);
template ApiError Load(ActionCall&, const std::string&, ApiError, Loaded<ParameterGroup>*);
template ApiError Load(ActionCall&, const std::string&, ApiError, Loaded<SubnetGroup>*);

ApiError LoadCluster(ActionCall& call, const std::string& id, Loaded<CacheCluster>* loaded) {
  return Load(call, ClusterKey(id), {Fault::kCacheClusterNotFound, "CacheCluster not found: " + id},
              loaded);
}

ApiError LoadReplicationGroup(ActionCall& call, const std::string& id,
                              Loaded<ReplicationGroup>* loaded) {
  return Load(call, ReplicationGroupKey(id),
              {Fault::kReplicationGroupNotFound, "ReplicationGroup " + id + " not found."}, loaded);
}

ApiError LoadParameterGroup(ActionCall& call, const std::string& name, ParameterGroup* group) {
  if (std::optional<ParameterGroup> found = FindDefaultParameterGroup(name)) {
    *group = std::move(*found);
    return NoError();
  }
  Loaded<ParameterGroup> loaded;
  if (ApiError error =
          Load(call, ParameterGroupKey(name),
               {Fault::kCacheParameterGroupNotFound, "CacheParameterGroup not found: " + name},
               &loaded))
    return error;
  *group = std::move(loaded.document);
  return NoError();
}

ApiError CheckSubnetGroup(ActionCall& call, const std::string& name) {
  if (name == "default") return NoError();
  Loaded<SubnetGroup> loaded;
  return Load(call, SubnetGroupKey(name),
              {Fault::kCacheSubnetGroupNotFound, "Cache Subnet Group " + name + " does not exist."},
              &loaded);
}

ApiError Commit(ActionCall& call, const Transaction& transaction) {
  auto revision = call.api.store.Txn(transaction);
  return revision ? NoError() : ActionCall::StoreTrouble(revision.error());
}

}  // namespace kiln
