// Hands out the addresses of nodes and endpoints, each to one owner.
//
// A reservation is a document under "address/" that the transaction of its owner puts. An address
// that another program of the machine listens on is passed over. Any thread.
#pragma once

#include <atomic>
#include <optional>
#include <string>

#include "control/model/documents.h"
#include "control/model/site.h"
#include "control/store/store.h"

namespace kiln {

class AddressBook {
 public:
  // `loopback_net`: the second number of the 127.x.y.z that it hands out, 1 to 254.
  AddressBook(Store& store, const Site& site, int loopback_net)
      : store_(store), site_(site), loopback_net_(loopback_net) {}

  // A free address for `owner`, reserved by what it adds to `transaction`. `port`: the one wanted;
  // 0 lets the book choose in mode kHost. Nullopt: none is free (mode kHost: not that one).
  std::optional<Endpoint> Reserve(int port, const std::string& owner, Transaction* transaction);
  // The same for those nodes and endpoints of a cache that need not have the port asked for where
  // all share the machine's address.
  std::optional<Endpoint> ReserveFurther(int port, const std::string& owner,
                                         Transaction* transaction) {
    int wanted = site_.address_mode == AddressMode::kHost ? 0 : port;
    return Reserve(wanted, owner, transaction);
  }
  static void Release(const Endpoint& endpoint, Transaction* transaction);

 private:
  std::optional<Endpoint> ReserveLoopback(int port, const std::string& owner,
                                          Transaction* transaction);
  std::optional<Endpoint> ReserveHost(int port, const std::string& owner, Transaction* transaction);
  bool Take(const std::string& key, const std::string& owner, Transaction* transaction);

  Store& store_;
  const Site& site_;
  const int loopback_net_;
  std::atomic<uint32_t> next_{0};  // Where to look first.
};

}  // namespace kiln
