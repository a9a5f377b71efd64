// Restrictions: the commands that only clients of the admin socket may run.
//
// To everybody else they do not exist: not on a connection, not within MULTI, not from a script.
// CommandTable::Restrict puts the rows into force at the start; nothing is looked at when a command
// runs. Constant data; any thread.
#pragma once

#include <span>
#include <string_view>

namespace kiln {

// On a managed node (parameter managed-node): what ElastiCache keeps to itself. Source: "Supported
// and restricted commands" in https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/
// CONFIG GET is not among them; it masks secrets there. Nor are PSYNC and SYNC: they ask for the
// secret that the nodes of a replication group share (commands/replication.cc).
std::span<const std::string_view> ManagedRestrictions();
// Of memcached's verbs, on every node.
std::span<const std::string_view> MemcacheRestrictions();

}  // namespace kiln
