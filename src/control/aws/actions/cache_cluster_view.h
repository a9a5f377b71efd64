// The XML of cache clusters. Field order and presence follow the API's model. Any thread.
#pragma once

#include <string>
#include <vector>

#include "control/aws/xml_writer.h"
#include "control/model/documents.h"
#include "control/model/site.h"

namespace kiln {

// The members of a CacheCluster, into an element that is open.
void WriteCacheCluster(XmlWriter& out, const CacheCluster& cluster, const Site& site,
                       bool with_nodes);
void WriteEndpoint(XmlWriter& out, std::string_view tag, const Endpoint& endpoint);

// The zone of all nodes, or "Multiple".
std::string ZoneOf(const CacheCluster& cluster);

}  // namespace kiln
