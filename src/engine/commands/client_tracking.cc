// CLIENT TRACKING and what belongs to it: a client says what it caches and how it is to be told of
// changes.

#include "engine/commands/client_tracking.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include "engine/commands/call.h"
#include "engine/commands/groups.h"
#include "engine/commands/output_source.h"
#include "engine/commands/replication.h"
#include "engine/commands/services.h"

namespace kiln {

// Here because only here the type of Client::tracking is known.
Client::Client() = default;
Client::~Client() = default;

namespace {

using Mode = ClientTracking::Mode;

// ---- CLIENT TRACKING ----

struct TrackingWish {
  std::optional<ClientHandle> redirect;
  bool is_broadcast = false;
  bool opts_in = false;
  bool opts_out = false;
  bool is_noloop = false;
  std::vector<std::string_view> prefixes;

  Mode mode() const {
    if (is_broadcast) return Mode::kBroadcast;
    if (opts_in) return Mode::kOptIn;
    return opts_out ? Mode::kOptOut : Mode::kAll;
  }
};

// False when it has replied with an error.
bool ReadRedirect(Call& call, std::string_view word, TrackingWish* wish) {
  if (wish->redirect)
    return call.FailText("ERR A client can only redirect to a single other client"), false;
  auto id = ParseInt64(word);
  if (!id) return call.Fail(Error::kNotInteger), false;
  call.services.clients->ForEach([&](const Client& client) {
    if (client.handle.id == static_cast<uint64_t>(*id)) wish->redirect = client.handle;
  });
  if (!wish->redirect)
    return call.FailText("ERR The client ID you want redirect to does not exist"), false;
  return true;
}

// False when it has replied with an error.
bool ReadTracking(Call& call, TrackingWish* wish) {
  while (call.args.More()) {
    bool has_value = call.args.Left() > 1;
    if (has_value && call.args.Take("REDIRECT")) {
      if (!ReadRedirect(call, call.args.Text(), wish)) return false;
    } else if (has_value && call.args.Take("PREFIX")) {
      wish->prefixes.push_back(call.args.Text());
    } else if (call.args.Take("BCAST")) {
      wish->is_broadcast = true;
    } else if (call.args.Take("OPTIN")) {
      wish->opts_in = true;
    } else if (call.args.Take("OPTOUT")) {
      wish->opts_out = true;
    } else if (call.args.Take("NOLOOP")) {
      wish->is_noloop = true;
    } else {
      return call.Fail(Error::kSyntax), false;
    }
  }
  return true;
}

// Why the client may not track like this; empty when it may.
std::string_view Refusal(const TrackingWish& wish, const ClientTracking* now) {
  if (!wish.is_broadcast && !wish.prefixes.empty())
    return "ERR PREFIX option requires BCAST mode to be enabled";
  if (now != nullptr && now->is_broadcast() != wish.is_broadcast)
    return "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and "
           "then re-enabling it with a different mode.";
  if (wish.is_broadcast && (wish.opts_in || wish.opts_out))
    return "ERR OPTIN and OPTOUT are not compatible with BCAST";
  if (wish.opts_in && wish.opts_out) return "ERR You can't specify both OPTIN mode and OPTOUT mode";
  bool switches = now != nullptr && ((wish.opts_in && now->mode == Mode::kOptOut) ||
                                     (wish.opts_out && now->mode == Mode::kOptIn));
  if (switches)
    return "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and "
           "then re-enabling it with a different mode.";
  return {};
}

// Whether both would be told of the same key.
bool Overlap(std::string_view a, std::string_view b) {
  return a.starts_with(b) || b.starts_with(a);
}

// One of the client's prefixes that overlaps with this one; null when there is none. As they do not
// overlap among themselves, only the neighbours in order can.
const std::string* FindOverlap(const ClientTracking& tracking, std::string_view prefix) {
  auto next = tracking.prefixes.lower_bound(prefix);
  if (next != tracking.prefixes.begin() && Overlap(prefix, *std::prev(next)))
    return &*std::prev(next);
  return next != tracking.prefixes.end() && Overlap(prefix, *next) ? &*next : nullptr;
}

// Why these prefixes are refused; empty when they are not.
std::string PrefixRefusal(const TrackingWish& wish, const ClientTracking* now) {
  auto text = [](std::string_view prefix, std::string_view which, std::string_view other) {
    return "ERR Prefix '" + std::string(prefix) + "' overlaps with " + std::string(which) +
           " prefix '" + std::string(other) + "'. Prefixes for a single client must not overlap.";
  };
  for (std::string_view prefix : wish.prefixes) {
    const std::string* other = now == nullptr ? nullptr : FindOverlap(*now, prefix);
    if (other != nullptr) return text(prefix, "an existing", *other);
  }
  std::vector<size_t> order(wish.prefixes.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return wish.prefixes[a] < wish.prefixes[b]; });
  for (size_t i = 1; i < order.size(); ++i) {
    std::string_view earlier = wish.prefixes[std::min(order[i - 1], order[i])];
    std::string_view later = wish.prefixes[std::max(order[i - 1], order[i])];
    if (Overlap(earlier, later)) return text(earlier, "another provided", later);
  }
  return {};
}

// CLIENT TRACKING <ON | OFF> [REDIRECT client-id] [PREFIX prefix [PREFIX prefix ...]] [BCAST]
// [OPTIN] [OPTOUT] [NOLOOP]
void Tracking(Call& call) {
  std::string_view what = call.args.Text();
  TrackingWish wish;
  if (!ReadTracking(call, &wish)) return;
  if (EqualsWord(what, "OFF")) {
    call.services.tracker->Stop(call.client);
    return call.reply.Ok();
  }
  if (!EqualsWord(what, "ON")) return call.Fail(Error::kSyntax);
  const ClientTracking* now = call.client.tracking.get();
  if (std::string_view refusal = Refusal(wish, now); !refusal.empty())
    return call.FailText(refusal);
  if (std::string refusal = PrefixRefusal(wish, now); !refusal.empty())
    return call.FailText(refusal);
  ClientTracking tracking;
  tracking.mode = wish.mode();
  tracking.is_noloop = wish.is_noloop;
  tracking.redirect = wish.redirect.value_or(ClientHandle{});
  tracking.prefixes.insert(wish.prefixes.begin(), wish.prefixes.end());
  if (wish.is_broadcast && wish.prefixes.empty()) tracking.prefixes.insert("");
  call.services.tracker->Start(call.client, std::move(tracking));
  call.reply.Ok();
}

// ---- The others ----

// CLIENT CACHING <YES | NO>
void Caching(Call& call) {
  ClientTracking* tracking = call.client.tracking.get();
  if (tracking == nullptr) {
    return call.FailText(
        "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or "
        "OPTOUT mode enabled");
  }
  bool yes = call.args.Take("YES");
  if (!yes && !call.args.Take("NO")) return call.Fail(Error::kSyntax);
  if (yes && tracking->mode != Mode::kOptIn) {
    return call.FailText(
        "ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.");
  }
  if (!yes && tracking->mode != Mode::kOptOut) {
    return call.FailText(
        "ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.");
  }
  tracking->has_caching = true;
  call.reply.Ok();
}

int64_t RedirectOf(const Client& client) {
  return client.tracking == nullptr ? -1 : static_cast<int64_t>(client.tracking->redirect.id);
}

// CLIENT GETREDIR
void GetRedir(Call& call) {
  call.reply.Integer(RedirectOf(call.client));
}

// The words of CLIENT TRACKINGINFO.
std::vector<std::string_view> FlagsOf(const ClientTracking* tracking) {
  if (tracking == nullptr) return {"off"};
  std::vector<std::string_view> flags = {"on"};
  if (tracking->is_broadcast()) flags.push_back("bcast");
  if (tracking->mode == Mode::kOptIn) {
    flags.push_back("optin");
    if (tracking->has_caching) flags.push_back("caching-yes");
  }
  if (tracking->mode == Mode::kOptOut) {
    flags.push_back("optout");
    if (tracking->has_caching) flags.push_back("caching-no");
  }
  if (tracking->is_noloop) flags.push_back("noloop");
  if (tracking->is_redirection_broken) flags.push_back("broken_redirect");
  return flags;
}

// CLIENT TRACKINGINFO
void TrackingInfo(Call& call) {
  const ClientTracking* tracking = call.client.tracking.get();
  call.reply.Map(3);
  call.reply.Bulk("flags");
  std::vector<std::string_view> flags = FlagsOf(tracking);
  call.reply.Set(flags.size());
  for (std::string_view flag : flags) call.reply.Bulk(flag);
  call.reply.Bulk("redirect");
  call.reply.Integer(RedirectOf(call.client));
  call.reply.Bulk("prefixes");
  call.reply.Array(tracking == nullptr ? 0 : tracking->prefixes.size());
  if (tracking == nullptr) return;
  for (const std::string& prefix : tracking->prefixes) call.reply.Bulk(prefix);
}

constexpr uint32_t kOwn = kNoScript | kLoading | kStale;
constexpr Acl kAcl = Acl::kConnection;

// clang-format off
constexpr Command kClientTrackingCommands[] = {
  // name                  arity  keys          flags                      acl   handler       since    usage                                                                                              summary
  {"CLIENT|CACHING",       3,     Keys::None(), kOwn,                      kAcl, Caching,      "6.0.0", "mode=<YES|NO>",                                                                                   "Says whether the keys of the next command are tracked."},
  {"CLIENT|GETREDIR",      2,     Keys::None(), kOwn,                      kAcl, GetRedir,     "6.0.0", "",                                                                                                "Returns the client that gets the connection's tracking messages."},
  {"CLIENT|TRACKING",      -3,    Keys::None(), kOwn | kGate | kEndsBatch, kAcl, Tracking,     "6.0.0", "status=<ON|OFF> [REDIRECT client-id:integer] [PREFIX prefix*] [BCAST] [OPTIN] [OPTOUT] [NOLOOP]", "Says whether the connection is told when keys change that it has read."},
  {"CLIENT|TRACKINGINFO",  2,     Keys::None(), kOwn,                      kAcl, TrackingInfo, "6.2.0", "",                                                                                                "Returns how the connection's keys are tracked."},
};
// clang-format on
static_assert(WellFormed(kClientTrackingCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> ClientTrackingCommands() {
  return kClientTrackingCommands;
}

}  // namespace kiln
