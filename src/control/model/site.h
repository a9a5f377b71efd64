// Where this installation is: what names, zones and addresses it hands out. Constant after start.
#pragma once

#include <string>
#include <vector>

namespace kiln {

// How caches are reached.
enum class AddressMode {
  kLoopback,  // Each node and endpoint has a 127.x.y.z of its own, so ports stay 6379 and 11211.
  kHost,      // All share the machine's address; each has a port of its own.
};

struct Site {
  std::string region = "us-east-1";
  std::string account_id = "000000000000";
  std::vector<std::string> zones = {"us-east-1a", "us-east-1b", "us-east-1c"};
  AddressMode address_mode = AddressMode::kLoopback;
  std::string host_address = "127.0.0.1";  // Mode kHost: what clients are told.
  int first_port = 20000;                  // Mode kHost: the range of ports.
  int last_port = 29999;
  int node_quota = 300;  // Nodes of all caches together.

  // "arn:aws:elasticache:us-east-1:000000000000:cluster:sessions"
  std::string Arn(const std::string& type, const std::string& name) const {
    return "arn:aws:elasticache:" + region + ":" + account_id + ":" + type + ":" + name;
  }
};

}  // namespace kiln
