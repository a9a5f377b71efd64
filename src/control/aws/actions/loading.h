// Reading documents for a handler, with the error to answer when there is none.
#pragma once

#include <optional>
#include <string>

#include "control/aws/action.h"
#include "control/aws/actions/paging.h"
#include "control/model/documents.h"
#include "control/store/load.h"

namespace kiln {

// `absent`: what to answer when there is none.
template <typename Document>
ApiError LoadOr(ActionCall& call, const std::string& key, ApiError absent,
                Loaded<Document>* loaded) {
  auto found = Load<Document>(call.api.store, key);
  if (!found) return ActionCall::StoreTrouble(found.error());
  if (!*found) return absent;
  *loaded = std::move(**found);
  return NoError();
}

ApiError LoadCluster(ActionCall& call, const std::string& id, Loaded<CacheCluster>* loaded);
ApiError LoadReplicationGroup(ActionCall& call, const std::string& id,
                              Loaded<ReplicationGroup>* loaded);
// Stored or default.
ApiError LoadParameterGroup(ActionCall& call, const std::string& name, ParameterGroup* group);
// Whether the subnet group exists; "default" always does.
ApiError CheckSubnetGroup(ActionCall& call, const std::string& name);

// The cluster's transaction fails when a group that it is about to use goes or changes meanwhile.
ApiError HoldGroups(ActionCall& call, const CacheCluster& cluster, Transaction* transaction);

// Commits. When somebody else has changed the same documents meanwhile, the answer makes the API
// run the handler again.
ApiError Commit(ActionCall& call, const Transaction& transaction);
// The commonest: one document instead of what was loaded.
template <typename Document>
ApiError Replace(ActionCall& call, const std::string& key, const Loaded<Document>& loaded) {
  return Commit(call, {.compares = {{key, loaded.revision}},
                       .puts = {{key, ToJson(loaded.document)}},
                       .deletes = {}});
}

// A page of the documents under a prefix that `lets` through. Those that cannot be read are left
// out.
template <typename Document, typename Filter>
ApiError ListPage(ActionCall& call, std::string_view prefix, const PageRequest& request,
                  Filter&& lets, Page<Document>* page) {
  std::string last = request.after;  // Of the last one in the page.
  std::string after = last.empty() ? "" : std::string(prefix) + last;
  while (true) {
    auto entries = call.api.store.List(prefix, after, request.limit + 1);
    if (!entries) return ActionCall::StoreTrouble(entries.error());
    for (const StoreEntry& entry : *entries) {
      std::optional<Document> document = FromJson<Document>(entry.value);
      if (!document || !lets(*document)) continue;
      if (page->items.size() == request.limit) {
        page->marker = MarkerOf(last);
        return NoError();
      }
      page->items.push_back(std::move(*document));
      last = entry.key.substr(prefix.size());
    }
    if (entries->size() <= request.limit) return NoError();
    after = entries->back().key;
  }
}

}  // namespace kiln
