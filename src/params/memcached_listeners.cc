// memcached's -l: addresses with or without ports, and what may stand in front of them.
//
// "host", "host:port", "v6", "[v6]" and "[v6]:port", separated by commas or semicolons. In front
// may be "tag[NAME]:", which tells nothing here, "proto[NAME]:" of the one protocol that is spoken
// everywhere, and "notls:". Source: memcached 1.6.18's server_sockets.
#include <fmt/format.h>
#include <sysexits.h>

#include <algorithm>

#include "base/number.h"
#include "params/memcached_draft.h"

namespace kiln {
namespace {

// memcached fails when it comes to listen, so with the exit status of that.
void FailListening(MemcachedDraft& draft, std::string text) {
  draft.Fail(std::move(text), EX_OSERR);
}

// Takes "word[...]" and the colon behind it off the address; false when there is no such thing.
bool TakeBracketed(std::string_view word, std::string* address, std::string* inside) {
  if (!address->starts_with(std::string(word) + "[")) return false;
  size_t close = address->find(']');
  if (close == std::string::npos) return false;
  *inside = address->substr(word.size() + 1, close - word.size() - 1);
  address->erase(0, std::min(close + 2, address->size()));
  return true;
}

void TakePrefixes(MemcachedDraft& draft, std::string* address) {
  constexpr size_t kMaxTag = 8;
  std::string inside;
  if (address->starts_with("notls"))
    return FailListening(draft, "'notls' option is valid only when SSL is enabled");
  if (TakeBracketed("proto", address, &inside)) {
    bool is_known = inside == "negotiating" || inside == "ascii" || inside == "binary";
    MemcacheDialect dialect = inside == "ascii"    ? MemcacheDialect::kText
                              : inside == "binary" ? MemcacheDialect::kBinary
                                                   : MemcacheDialect::kAny;
    if (!is_known || dialect != draft.memcache.dialect)
      return FailListening(draft, fmt::format("Invalid protocol spec: \"{}\": all listeners speak "
                                              "what -B says",
                                              inside));
  }
  if (TakeBracketed("tag", address, &inside) && (inside.empty() || inside.size() > kMaxTag)) {
    FailListening(draft,
                  fmt::format("Listener tags must be between 1 and 8 characters: \"{}\"", inside));
  }
}

// -1 is any port, as of -p.
void AddListener(MemcachedDraft& draft, std::string host, int64_t port) {
  if (host == "*") {
    draft.memcache.listeners.push_back({"*", static_cast<uint16_t>(port)});
    host = "-::*";
  }
  draft.memcache.listeners.push_back({std::move(host), static_cast<uint16_t>(port)});
}

void ReadListener(MemcachedDraft& draft, std::string address) {
  TakePrefixes(draft, &address);
  if (!draft.error.empty()) return;
  std::string host = address;
  std::string port_text;
  size_t colon = address.find(':');
  if (address.starts_with('[')) {
    size_t close = address.find(']');
    if (close == std::string::npos)
      return FailListening(draft, fmt::format("Invalid IPV6 address: \"{}\"", address));
    host = address.substr(1, close - 1);
    if (close + 1 < address.size() && address[close + 1] == ':')
      port_text = address.substr(close + 2);
  } else if (colon != std::string::npos && address.find(':', colon + 1) == std::string::npos) {
    host = address.substr(0, colon);
    port_text = address.substr(colon + 1);
  }
  int64_t port = std::max<int64_t>(draft.port, 0);
  if (!port_text.empty()) {
    std::optional<int64_t> given = ParseInt64(port_text);
    if (!given || *given < -1 || *given > UINT16_MAX)
      return FailListening(draft, fmt::format("Invalid port number: \"{}\"", port_text));
    port = std::max<int64_t>(*given, 0);
  }
  AddListener(draft, std::move(host), port);
}

}  // namespace

void ReadListeners(MemcachedDraft& draft) {
  if (draft.port > UINT16_MAX)
    return draft.Fail(fmt::format("ERROR: Invalid port number {}.", draft.port), EX_USAGE);
  draft.memcache.interfaces = draft.addresses;
  draft.Tell("tcpport", std::to_string(draft.port));
  // Port 0 is none, whatever -l says; a unix socket takes the place of all.
  if (draft.port == 0 || draft.parameters.contains("unixsocket")) return;
  if (draft.addresses.empty()) return AddListener(draft, "*", std::max<int64_t>(draft.port, 0));
  std::string list = draft.addresses;
  std::replace(list.begin(), list.end(), ';', ',');
  for (std::string& address : SplitCommas(list)) {
    ReadListener(draft, std::move(address));
    if (!draft.error.empty()) {
      draft.error += fmt::format("\nfailed to listen on one of interface(s) {}", draft.addresses);
      return;
    }
  }
}

}  // namespace kiln
