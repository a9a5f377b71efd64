// Geo commands about single members. A position is a sorted set's score; searches are in
// geo_search.cc.

#include <optional>
#include <vector>

#include "engine/commands/add_options.h"
#include "engine/commands/encoding_limits.h"
#include "engine/commands/geo_access.h"
#include "engine/commands/groups.h"
#include "engine/commands/replay_words.h"
#include "engine/store/types/sorted_set.h"

namespace kiln {
namespace {

using AddResult = SortedSet::AddResult;

struct Place {
  double score;
  std::string_view member;
};

// "longitude latitude member ...". Nothing when an error is replied.
std::optional<std::vector<Place>> TakePlaces(Call& call) {
  std::vector<Place> places;
  places.reserve(call.args.Left() / 3);
  while (call.args.More()) {
    std::optional<Position> position = TakePosition(call);
    if (!position) return std::nullopt;
    places.push_back({ScoreAt(*position), call.args.Text()});
  }
  return places;
}

// As the ZADD that it is; `options` are the request's words from the key on.
void ReplayPlaces(Call& call, Arguments options, const std::vector<Place>& places) {
  ReplayWords words;
  words.Add("ZADD");
  words.Add(options);
  for (const Place& place : places) {
    words.AddNumber(static_cast<int64_t>(place.score));
    words.Add(place.member);
  }
  call.ReplayAs(words.all());
}

// GEOADD key [NX | XX] [CH] longitude latitude member [longitude latitude member ...]
void GeoAdd(Call& call) {
  Key key = call.args.NextKey();
  AddOptions options = TakeAddOptions(call.args, AddWords::kOfPlaces);
  size_t left = call.args.Left();
  if (left == 0 || left % 3 != 0 || (options.only_new && options.only_present)) {
    return call.Fail(Error::kSyntax);
  }
  std::optional<std::vector<Place>> places = TakePlaces(call);
  if (!places) return;
  StoreResult<SortedSet*> set =
      options.only_present ? call.db.Change<SortedSet>(key) : call.db.FindOrCreate<SortedSet>(key);
  if (!set) return call.Fail(set.error());
  if (*set == nullptr) return call.reply.Integer(0);

  size_t added = 0;
  size_t updated = 0;
  for (const Place& place : *places) {
    bool is_present = (*set)->Score(place.member).has_value();
    if (is_present ? options.only_new : options.only_present) continue;
    AddResult result = (*set)->Add(place.score, place.member, ZsetLimitsOf(call.settings()));
    added += result == AddResult::kAdded;
    updated += result == AddResult::kUpdated;
  }
  if (added + updated > 0) {
    call.Changed(key, kEventSortedSet, "zadd");
    call.CountAs(added + updated);
    Arguments all = call.args.all();
    if (call.is_journaled()) ReplayPlaces(call, all.subspan(1, all.size() - left - 1), *places);
  }
  call.reply.Integer(static_cast<int64_t>(options.counts_changed ? added + updated : added));
}

// The position of a member; nothing when there is no such member or no set.
std::optional<Position> Find(const SortedSet* set, std::string_view member) {
  std::optional<double> score = set != nullptr ? set->Score(member) : std::nullopt;
  if (!score) return std::nullopt;
  return PositionOf(*score);
}

// Replies with something about each member; f(position) has it written, or a null for none.
template <class F>
void ReplyForEach(Call& call, F&& f) {
  StoreResult<SortedSet*> set = call.db.Find<SortedSet>(call.args.NextKey());
  if (!set) return call.Fail(set.error());
  Arguments members = call.args.Rest();
  call.reply.Array(members.size());
  for (std::string_view member : members) f(Find(*set, member));
}

// GEOPOS key [member [member ...]]
void GeoPos(Call& call) {
  ReplyForEach(call, [&](const std::optional<Position>& position) {
    position ? ReplyPosition(call, *position) : call.reply.NullArray();
  });
}

// GEOHASH key [member [member ...]]
void GeoHash(Call& call) {
  ReplyForEach(call, [&](const std::optional<Position>& position) {
    if (!position) return call.reply.Null();
    std::array<char, 11> text = GeohashText(*position);
    call.reply.Bulk({text.data(), text.size()});
  });
}

// GEODIST key member1 member2 [M | KM | FT | MI]
void GeoDist(Call& call) {
  Key key = call.args.NextKey();
  std::string_view first = call.args.Text();
  std::string_view second = call.args.Text();
  if (call.args.Left() > 1) return call.Fail(Error::kSyntax);
  std::optional<double> unit_metres = call.args.More() ? TakeUnit(call) : 1;
  if (!unit_metres) return;
  StoreResult<SortedSet*> set = call.db.Find<SortedSet>(key);
  if (!set) return call.Fail(set.error());
  std::optional<Position> from = Find(*set, first);
  std::optional<Position> to = Find(*set, second);
  if (!from || !to) return call.reply.Null();
  ReplyDistance(call, DistanceMetres(*from, *to) / *unit_metres);
}

// clang-format off
constexpr Command kGeoCommands[] = {
  // name     arity  keys         flags            acl        handler  since    usage                                              summary
  {"GEOADD",  -5,    Keys::One(), kWrite | kGrows, Acl::kGeo, GeoAdd,  "3.2.0", "key [condition=<NX|XX>@6.2.0] [change=CH@6.2.0] data=(longitude latitude member)...", "Adds members at positions, or moves them."},
  {"GEODIST", -4,    Keys::One(), kReadOnly,       Acl::kGeo, GeoDist, "3.2.0", "key member1 member2 [unit=<'m'|'km'|'ft'|'mi'>]", "Returns the distance between two members."},
  {"GEOHASH", -2,    Keys::One(), kReadOnly,       Acl::kGeo, GeoHash, "3.2.0", "key [member...]",                                 "Returns members' positions as geohashes."},
  {"GEOPOS",  -2,    Keys::One(), kReadOnly,       Acl::kGeo, GeoPos,  "3.2.0", "key [member...]",                                 "Returns members' longitudes and latitudes."},
};
// clang-format on
static_assert(WellFormed(kGeoCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> GeoCommands() {
  return kGeoCommands;
}

}  // namespace kiln
