// A row for each operation of the ElastiCache API, and what its handler is given.
//
// A handler parses, validates, makes one transaction on the state store and writes the members of
// the result. It starts nothing: the orchestrator acts on what it wrote. Handlers run on the
// threads of the HTTP server, several at a time.
#pragma once

#include <functional>
#include <span>
#include <string_view>

#include "control/aws/arguments.h"
#include "control/aws/fault.h"
#include "control/aws/xml_writer.h"
#include "control/model/site.h"
#include "control/model/source_state.h"
#include "control/store/address_book.h"
#include "control/store/store.h"

namespace kiln {

struct ApiContext {
  Store& store;
  const Site& site;
  std::function<int64_t()> now_ms;   // Wall clock.
  AddressBook* addresses = nullptr;  // For the actions that create nodes.
  // Why a file cannot be put into a bucket, or taken out of it, in AWS's words; or empty. Null:
  // there are no buckets.
  std::function<std::string(const std::string& bucket, const std::string& key)> cannot_write = {};
  std::function<std::string(const std::string& bucket, const std::string& key)> cannot_read = {};
  // Asks a server that data are to be migrated from. Null: nobody can.
  std::function<SourceState(const Endpoint& server)> look_at_source = {};
};

struct ActionCall {
  Arguments& args;
  XmlWriter& out;  // Inside <OpResult>.
  ApiContext& api;

  // The store's trouble as the error to answer.
  static ApiError StoreTrouble(StoreError error);
};

using ActionHandler = ApiError (*)(ActionCall&);

struct Action {
  std::string_view name;
  // Null: not built; answers UnsupportedOperation and says so.
  ActionHandler handler;
  bool has_result = true;  // False for the three deletions without a result element.
};

// The rows of each file in actions/.
std::span<const Action> CacheClusterActions();
std::span<const Action> ReplicationGroupActions();
std::span<const Action> ParameterGroupActions();
std::span<const Action> SubnetGroupActions();
std::span<const Action> MigrationActions();
std::span<const Action> SnapshotActions();
std::span<const Action> TagActions();
std::span<const Action> EventActions();
std::span<const Action> EngineVersionActions();
std::span<const Action> UnbuiltActions();

// All 75, by name; null when there is none.
const Action* FindAction(std::string_view name);

}  // namespace kiln
