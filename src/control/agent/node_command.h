// A node's specification as kiln-server reads it: a configuration file (redis), or a command line
// (memcached).
//
// The process's name, argv[0], is that of a file in the node's folder that does not exist:
// "DATA/nodes/sessions.0001/kiln-server". By it the process is found again (process_scan.h) by a
// kilnd that did not start it, and no editor or pager is mistaken for one. Pure functions; any
// thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "control/agent/node_folder.h"
#include "control/model/node_spec.h"

namespace kiln {

// kiln-server makes its socket under this name. A process's working folder is that of its node, and
// a path through /proc is short, whatever the length of DATA: a socket's may have 107 bytes.
inline constexpr std::string_view kAdminSocketPath = "/proc/self/cwd/admin.sock";
inline constexpr std::string_view kAdminSocketName = "admin.sock";

// kiln-server's parameters for nodes that somebody manages.
inline constexpr std::string_view kAdminSocketParameter = "admin-socket";
inline constexpr std::string_view kEndpointsParameter = "endpoints";
inline constexpr std::string_view kDiscoveryParameter = "auto-discovery";  // Of memcached alone.
inline constexpr std::string_view kManagedNodeParameter = "managed-node";

bool IsMemcached(const NodeSpec& spec);

// argv, its name first.
std::vector<std::string> NodeArguments(const NodeSpec& spec, const NodeFolder& folder);

// kiln.conf of a redis node.
std::string NodeConfig(const NodeSpec& spec, const NodeFolder& folder);

// "127.0.0.1:6379 [::1]:6379"
std::string EndpointsText(const std::vector<Endpoint>& endpoints, char separator);

// Whether a process started with one runs as the other asks for, but for what it can be told.
bool IsSameStart(const NodeSpec& a, const NodeSpec& b);

}  // namespace kiln
