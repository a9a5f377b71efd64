#include "control/store/address_book.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>

#include "control/model/store_keys.h"
#include "net/socket.h"

namespace kiln {
namespace {

constexpr uint32_t kLoopbackCount = 254 * 254;  // y.z from 0.1 to 253.254

bool CanListen(const std::string& address, int port) {
  sockaddr_in where = {};
  where.sin_family = AF_INET;
  where.sin_port = htons(static_cast<uint16_t>(port));
  if (inet_pton(AF_INET, address.c_str(), &where.sin_addr) != 1) return true;  // It will show.
  Fd probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  int on = 1;
  ::setsockopt(probe.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  return ::bind(probe.get(), reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0 &&
         ::listen(probe.get(), 1) == 0;
}

std::string HostKey(const std::string& address, int port) {
  return AddressKey(fmt::format("{}:{}", address, port));
}

}  // namespace

std::optional<Endpoint> AddressBook::Reserve(int port, const std::string& owner,
                                             Transaction* transaction) {
  return site_.address_mode == AddressMode::kLoopback ? ReserveLoopback(port, owner, transaction)
                                                      : ReserveHost(port, owner, transaction);
}

void AddressBook::Release(const Endpoint& endpoint, Transaction* transaction) {
  if (endpoint.empty()) return;
  transaction->deletes.push_back(AddressKey(endpoint.address));
  transaction->deletes.push_back(HostKey(endpoint.address, endpoint.port));
}

std::optional<Endpoint> AddressBook::ReserveLoopback(int port, const std::string& owner,
                                                     Transaction* transaction) {
  for (uint32_t tried = 0; tried < kLoopbackCount; ++tried) {
    uint32_t number = next_.fetch_add(1, std::memory_order_relaxed) % kLoopbackCount;
    std::string address =
        fmt::format("127.{}.{}.{}", loopback_net_, number / 254, number % 254 + 1);
    if (CanListen(address, port) && Take(AddressKey(address), owner, transaction))
      return Endpoint{address, port};
  }
  return std::nullopt;
}

std::optional<Endpoint> AddressBook::ReserveHost(int port, const std::string& owner,
                                                 Transaction* transaction) {
  const std::string& address = site_.host_address;
  if (port != 0) {
    bool is_free = CanListen(address, port) && Take(HostKey(address, port), owner, transaction);
    return is_free ? std::optional(Endpoint{address, port}) : std::nullopt;
  }
  uint32_t count = static_cast<uint32_t>(site_.last_port - site_.first_port + 1);
  for (uint32_t tried = 0; tried < count; ++tried) {
    uint32_t offset = next_.fetch_add(1, std::memory_order_relaxed) % count;
    int candidate = site_.first_port + static_cast<int>(offset);
    if (CanListen(address, candidate) && Take(HostKey(address, candidate), owner, transaction))
      return Endpoint{address, candidate};
  }
  return std::nullopt;
}

bool AddressBook::Take(const std::string& key, const std::string& owner, Transaction* transaction) {
  auto is_taken_here = [&](const Transaction::Put& put) { return put.key == key; };
  if (std::any_of(transaction->puts.begin(), transaction->puts.end(), is_taken_here)) return false;
  auto entry = store_.Get(key);
  if (!entry || *entry) return false;
  transaction->compares.push_back({key, 0});
  transaction->puts.push_back({key, owner});
  return true;
}

}  // namespace kiln
