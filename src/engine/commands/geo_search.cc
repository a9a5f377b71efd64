// Geo commands that search an area. GEORADIUS and its kin are the older form of GEOSEARCH.

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "engine/commands/encoding_limits.h"
#include "engine/commands/geo_access.h"
#include "engine/commands/geo_area.h"
#include "engine/commands/groups.h"
#include "engine/commands/sorted_set_access.h"

namespace kiln {
namespace {

// What a command lets its arguments say.
struct Form {
  enum class Centre : uint8_t { kPosition, kMember, kOption };
  Centre centre;
  bool may_store = false;  // takes STORE and STOREDIST with a key
  bool stores = false;     // GEOSEARCHSTORE

  bool is_search() const { return centre == Centre::kOption; }
};

enum class Sorting : uint8_t { kNone, kAscending, kDescending };

// What the arguments ask for.
struct Search {
  const SortedSet* set = nullptr;  // null: the key is absent
  GeoArea area;
  bool has_member = false;
  bool has_position = false;
  bool has_radius = false;
  bool has_box = false;
  bool with_distance = false;
  bool with_score = false;
  bool with_position = false;
  Sorting sorting = Sorting::kNone;
  size_t count = 0;  // 0: all
  bool any = false;  // the first found will do
  std::optional<Key> destination;
  bool stores_distances = false;
};

// Reads the arguments of one command. Every function that may fail returns false when an error is
// replied.
class SearchReader {
 public:
  SearchReader(Call& call, const Form& form, Search* search)
      : call_(call), args_(call.args), form_(form), search_(*search) {}

  bool Read() {
    if (!ReadSet() || !ReadFixed()) return false;
    while (args_.More()) {
      if (TakeWord()) continue;
      if (std::optional<bool> is_read = TakeOption(); is_read.has_value()) {
        if (!*is_read) return false;
      } else {
        return call_.Fail(Error::kSyntax), false;
      }
    }
    return CheckWhole();
  }

 private:
  bool ReadSet() {
    if (form_.stores) search_.destination = args_.NextKey();
    StoreResult<SortedSet*> set = call_.db.Find<SortedSet>(args_.NextKey());
    if (!set) return call_.Fail(set.error()), false;
    search_.set = *set;
    return true;
  }

  // The centre and the radius where they have their fixed places.
  bool ReadFixed() {
    if (form_.centre == Form::Centre::kPosition) return ReadPosition() && ReadRadius();
    if (form_.centre == Form::Centre::kMember && search_.set == nullptr) {
      args_.Several(3);  // nobody looks at them
      return true;
    }
    return form_.is_search() || (ReadMember() && ReadRadius());
  }

  bool ReadPosition() {
    std::optional<Position> position = TakePosition(call_);
    if (position) search_.area.centre = *position;
    return position.has_value();
  }

  bool ReadMember() {
    std::string_view member = args_.Text();
    if (search_.set == nullptr) return true;
    std::optional<double> score = search_.set->Score(member);
    if (!score) return call_.FailText("ERR could not decode requested zset member"), false;
    search_.area.centre = PositionOf(*score);
    return true;
  }

  std::optional<double> ReadLength(std::string_view refusal) {
    std::optional<double> length = ParseDouble(args_.Text());
    if (!length) call_.FailText(refusal);
    return length;
  }

  bool ReadUnit() {
    std::optional<double> unit_metres = TakeUnit(call_);
    if (unit_metres) search_.area.unit_metres = *unit_metres;
    return unit_metres.has_value();
  }

  bool ReadRadius() {
    std::optional<double> radius = ReadLength("ERR need numeric radius");
    if (!radius) return false;
    if (*radius < 0) return call_.FailText("ERR radius cannot be negative"), false;
    search_.area.radius = *radius;
    search_.area.is_box = false;
    return ReadUnit();
  }

  bool ReadBox() {
    std::optional<double> width = ReadLength("ERR need numeric width");
    if (!width) return false;
    std::optional<double> height = ReadLength("ERR need numeric height");
    if (!height) return false;
    if (*width < 0 || *height < 0) {
      return call_.FailText("ERR height or width cannot be negative"), false;
    }
    search_.area.width = *width;
    search_.area.height = *height;
    search_.area.is_box = true;
    return ReadUnit();
  }

  bool ReadCount() {
    int64_t count = args_.Integer();
    if (!args_.ok()) return call_.Fail(args_.error()), false;
    if (count <= 0) return call_.FailText("ERR COUNT must be > 0"), false;
    search_.count = static_cast<size_t>(count);
    return true;
  }

  // An option of one word.
  bool TakeWord() {
    if (args_.Take("WITHDIST")) return search_.with_distance = true;
    if (args_.Take("WITHHASH")) return search_.with_score = true;
    if (args_.Take("WITHCOORD")) return search_.with_position = true;
    if (args_.Take("ANY")) return search_.any = true;
    if (args_.Take("ASC")) return search_.sorting = Sorting::kAscending, true;
    if (args_.Take("DESC")) return search_.sorting = Sorting::kDescending, true;
    if (form_.stores && args_.Take("STOREDIST")) return search_.stores_distances = true;
    return false;
  }

  // An option with arguments of its own; nothing when there is none. Where too few arguments are
  // left for it, or its opposite was said, it is none.
  std::optional<bool> TakeOption() {
    if (TakeWith(1, "COUNT")) return ReadCount();
    if (form_.may_store) {
      bool of_distances = TakeWith(1, "STOREDIST");
      if (!of_distances && !TakeWith(1, "STORE")) return std::nullopt;
      search_.destination = args_.NextKey();
      search_.stores_distances = of_distances;
      return true;
    }
    if (!form_.is_search()) return std::nullopt;
    if (!search_.has_position && TakeWith(1, "FROMMEMBER")) {
      search_.has_member = true;
      return ReadMember();
    }
    if (!search_.has_member && TakeWith(2, "FROMLONLAT")) {
      search_.has_position = true;
      return ReadPosition();
    }
    if (!search_.has_box && TakeWith(2, "BYRADIUS")) {
      search_.has_radius = true;
      return ReadRadius();
    }
    if (!search_.has_radius && TakeWith(3, "BYBOX")) {
      search_.has_box = true;
      return ReadBox();
    }
    return std::nullopt;
  }

  bool TakeWith(size_t arguments, std::string_view word) {
    return args_.Left() > arguments && args_.Take(word);
  }

  bool CheckWhole() {
    const Search& search = search_;
    if (search.destination && (search.with_distance || search.with_score || search.with_position)) {
      return Refuse(form_.stores ? "GEOSEARCHSTORE" : "STORE option in GEORADIUS",
                    " is not compatible with WITHDIST, WITHHASH and WITHCOORD options");
    }
    std::string_view name = args_.all()[0];
    if (form_.is_search() && !search.has_member && !search.has_position) {
      return Refuse("exactly one of FROMMEMBER or FROMLONLAT can be specified for ", name);
    }
    if (form_.is_search() && !search.has_radius && !search.has_box) {
      return Refuse("exactly one of BYRADIUS and BYBOX can be specified for ", name);
    }
    if (search.any && search.count == 0) {
      return Refuse("the ANY argument requires COUNT argument", "");
    }
    // The first so many are the nearest.
    if (search.count > 0 && search.sorting == Sorting::kNone && !search.any) {
      search_.sorting = Sorting::kAscending;
    }
    return true;
  }

  bool Refuse(std::string_view begin, std::string_view end) {
    call_.FailText("ERR " + std::string(begin) + std::string(end));
    return false;
  }

  Call& call_;
  ArgumentCursor& args_;
  const Form& form_;
  Search& search_;
};

struct Match {
  std::string member;
  double distance;  // metres
  double score;
  Position position;
};

// Appends what lies in the area among the members with these scores, until there are `limit`
// matches.
void Collect(const Search& search, const ScoreRange& scores, size_t limit,
             std::vector<Match>* matches) {
  constexpr size_t kAtOnce = 256;  // so that ANY stops soon
  RankRange ranks = search.set->RanksIn(scores);
  while (ranks.count > 0 && matches->size() < limit) {
    RankRange some = ranks.Slice(0, kAtOnce);
    search.set->ForEachIn(some, Order::kAscending, [&](std::string_view member, double score) {
      if (matches->size() >= limit) return;
      Position position = PositionOf(score);
      std::optional<double> distance = search.area.DistanceTo(position);
      if (distance) matches->push_back({std::string(member), *distance, score, position});
    });
    ranks = {ranks.first + some.count, ranks.count - some.count};
  }
}

void Sort(const Search& search, std::vector<Match>* matches) {
  if (search.sorting == Sorting::kNone) return;
  bool descends = search.sorting == Sorting::kDescending;
  auto is_before = [descends](const Match& a, const Match& b) {
    return descends ? a.distance > b.distance : a.distance < b.distance;
  };
  if (search.count > 0 && search.count < matches->size()) {
    auto end = matches->begin() + static_cast<ptrdiff_t>(search.count);
    std::partial_sort(matches->begin(), end, matches->end(), is_before);
  } else {
    std::stable_sort(matches->begin(), matches->end(), is_before);
  }
}

std::vector<Match> FindMatches(const Search& search) {
  std::vector<Match> matches;
  if (search.set == nullptr) return matches;
  size_t limit = search.any ? search.count : std::numeric_limits<size_t>::max();
  GeoCover cover(search.area);
  for (const ScoreRange& scores : cover.ranges()) Collect(search, scores, limit, &matches);
  Sort(search, &matches);
  if (search.count > 0 && search.count < matches.size()) {
    matches.erase(matches.begin() + static_cast<ptrdiff_t>(search.count), matches.end());
  }
  return matches;
}

void ReplyMatches(Call& call, const Search& search, const std::vector<Match>& matches) {
  size_t extras = search.with_distance + search.with_score + search.with_position;
  call.reply.Array(matches.size());
  for (const Match& match : matches) {
    if (extras > 0) call.reply.Array(extras + 1);
    call.reply.Bulk(match.member);
    if (search.with_distance) ReplyDistance(call, match.distance / search.area.unit_metres);
    if (search.with_score) call.reply.Integer(static_cast<int64_t>(match.score));
    if (search.with_position) ReplyPosition(call, match.position);
  }
}

void StoreMatches(Call& call, const Search& search, const std::vector<Match>& matches,
                  std::string_view event) {
  SortedSet result;
  for (const Match& match : matches) {
    double score = search.stores_distances ? match.distance / search.area.unit_metres : match.score;
    result.Add(score, match.member, ZsetLimitsOf(call.settings()));
  }
  StoreSortedSet(call, *search.destination, std::move(result), event);
  if (!matches.empty()) call.CountAs(matches.size());
}

void RunSearch(Call& call, const Form& form) {
  Search search;
  if (!SearchReader(call, form, &search).Read()) return;
  std::vector<Match> matches = FindMatches(search);
  if (!search.destination) return ReplyMatches(call, search, matches);
  StoreMatches(call, search, matches, form.stores ? "geosearchstore" : "georadiusstore");
}

// GEORADIUS key longitude latitude radius M | KM | FT | MI [WITHCOORD] [WITHDIST] [WITHHASH]
//   [COUNT count [ANY]] [ASC | DESC] [STORE key | STOREDIST key]
void GeoRadius(Call& call) {
  RunSearch(call, {.centre = Form::Centre::kPosition, .may_store = true});
}
// GEORADIUS_RO: the same without STORE and STOREDIST.
void GeoRadiusRo(Call& call) {
  RunSearch(call, {.centre = Form::Centre::kPosition});
}
// GEORADIUSBYMEMBER key member radius M | KM | FT | MI ... as GEORADIUS
void GeoRadiusByMember(Call& call) {
  RunSearch(call, {.centre = Form::Centre::kMember, .may_store = true});
}
// GEORADIUSBYMEMBER_RO: the same without STORE and STOREDIST.
void GeoRadiusByMemberRo(Call& call) {
  RunSearch(call, {.centre = Form::Centre::kMember});
}
// GEOSEARCH key FROMMEMBER member | FROMLONLAT longitude latitude BYRADIUS radius M | KM | FT | MI
//   | BYBOX width height M | KM | FT | MI [ASC | DESC] [COUNT count [ANY]] [WITHCOORD] [WITHDIST]
//   [WITHHASH]
void GeoSearch(Call& call) {
  RunSearch(call, {.centre = Form::Centre::kOption});
}
// GEOSEARCHSTORE destination source ... as GEOSEARCH, with [STOREDIST] in place of the WITH...
void GeoSearchStore(Call& call) {
  RunSearch(call, {.centre = Form::Centre::kOption, .stores = true});
}

// The key and, behind the last STORE or STOREDIST, another.
bool FindRadiusKeys(Arguments arguments, std::vector<uint32_t>* positions) {
  constexpr size_t kFirstOption = 5;
  positions->push_back(1);
  size_t destination = 0;
  for (size_t i = kFirstOption; i + 1 < arguments.size(); ++i) {
    if (EqualsWord(arguments[i], "STORE") || EqualsWord(arguments[i], "STOREDIST")) {
      destination = ++i;
    }
  }
  if (destination > 0) positions->push_back(static_cast<uint32_t>(destination));
  return true;
}

constexpr Keys kRadiusKeys = Keys::By(FindRadiusKeys, 1, 1, 1);
constexpr uint32_t kStores = kWrite | kGrows;

// clang-format off
constexpr Command kGeoSearchCommands[] = {
  // name                  arity  keys                  flags                   acl        handler              since     usage summary
  {"GEORADIUS",            -6,    kRadiusKeys,          kStores | kMovableKeys, Acl::kGeo, GeoRadius,           "3.2.0",  "key longitude latitude radius unit=<'m'|'km'|'ft'|'mi'> [WITHCOORD] [WITHDIST] [WITHHASH] [count-block=(COUNT count [ANY@6.2.0])] [order=<ASC|DESC>] [store=<STORE storekey'key'|STOREDIST storedistkey'key'>]", "Returns or stores the members within a distance of a position."},
  {"GEORADIUSBYMEMBER",    -5,    kRadiusKeys,          kStores | kMovableKeys, Acl::kGeo, GeoRadiusByMember,   "3.2.0",  "key member radius unit=<'m'|'km'|'ft'|'mi'> [WITHCOORD] [WITHDIST] [WITHHASH] [count-block=(COUNT count [ANY])] [order=<ASC|DESC>] [store=<STORE storekey'key'|STOREDIST storedistkey'key'>]", "Returns or stores the members within a distance of a member."},
  {"GEORADIUSBYMEMBER_RO", -5,    Keys::One(),          kReadOnly,              Acl::kGeo, GeoRadiusByMemberRo, "3.2.10", "key member radius unit=<'m'|'km'|'ft'|'mi'> [WITHCOORD] [WITHDIST] [WITHHASH] [count-block=(COUNT count [ANY])] [order=<ASC|DESC>]", "Returns the members within a distance of a member."},
  {"GEORADIUS_RO",         -6,    Keys::One(),          kReadOnly,              Acl::kGeo, GeoRadiusRo,         "3.2.10", "key longitude latitude radius unit=<'m'|'km'|'ft'|'mi'> [WITHCOORD] [WITHDIST] [WITHHASH] [count-block=(COUNT count [ANY@6.2.0])] [order=<ASC|DESC>]", "Returns the members within a distance of a position."},
  {"GEOSEARCH",            -7,    Keys::One(),          kReadOnly,              Acl::kGeo, GeoSearch,           "6.2.0",  "key from=<FROMMEMBER member|FROMLONLAT fromlonlat=(longitude latitude)> by=<circle=(BYRADIUS radius unit=<'m'|'km'|'ft'|'mi'>)|box=(BYBOX width height unit=<'m'|'km'|'ft'|'mi'>)> [order=<ASC|DESC>] [count-block=(COUNT count [ANY])] [WITHCOORD] [WITHDIST] [WITHHASH]", "Returns the members in a circle or a box."},
  {"GEOSEARCHSTORE",       -8,    Keys::Range(1, 2, 1), kStores,                Acl::kGeo, GeoSearchStore,      "6.2.0",  "destination source from=<FROMMEMBER member|FROMLONLAT fromlonlat=(longitude latitude)> by=<circle=(BYRADIUS radius unit=<'m'|'km'|'ft'|'mi'>)|box=(BYBOX width height unit=<'m'|'km'|'ft'|'mi'>)> [order=<ASC|DESC>] [count-block=(COUNT count [ANY])] [STOREDIST]", "Stores the members in a circle or a box."},
};
// clang-format on
static_assert(WellFormed(kGeoSearchCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> GeoSearchCommands() {
  return kGeoSearchCommands;
}

}  // namespace kiln
