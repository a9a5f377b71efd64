// SORT: the elements of a list, set or sorted set in order, of themselves or of other keys, and
// what other keys say of them.
//
// The patterns of BY and GET lead to keys that no row can name, so SORT runs alone in the process.

#include <algorithm>
#include <optional>
#include <string>

#include "base/number.h"
#include "engine/commands/access_control.h"
#include "engine/commands/call.h"
#include "engine/commands/encoding_limits.h"
#include "engine/commands/groups.h"
#include "engine/commands/services.h"
#include "engine/commands/sort_pattern.h"
#include "engine/store/types/set.h"
#include "engine/store/types/sorted_set.h"

namespace kiln {
namespace {

struct SortOptions {
  std::optional<SortPattern> by;  // none: by the elements themselves
  bool in_given_order = false;    // BY without a '*'
  bool by_text = false;
  bool descending = false;
  int64_t offset = 0;
  int64_t limit = -1;  // negative: none
  std::vector<SortPattern> gets;
  std::optional<Key> store;

  // What the limit leaves of `size` elements.
  ListSlice SliceOf(size_t size) const {
    size_t first = offset < 0 ? 0 : std::min(static_cast<size_t>(offset), size);
    size_t count = size - first;
    if (limit >= 0) count = std::min(count, static_cast<size_t>(limit));
    return {first, count};
  }
};

SortOptions ReadOptions(ArgumentCursor& args, bool may_store) {
  SortOptions options;
  while (args.More()) {
    if (args.Take("ASC")) {
      options.descending = false;
    } else if (args.Take("DESC")) {
      options.descending = true;
    } else if (args.Take("ALPHA")) {
      options.by_text = true;
    } else if (args.Left() >= 3 && args.Take("LIMIT")) {
      options.offset = args.Integer();
      options.limit = args.Integer();
    } else if (may_store && args.Left() >= 2 && args.Take("STORE")) {
      options.store = args.NextKey();
    } else if (args.Left() >= 2 && args.Take("BY")) {
      options.by = SortPattern(args.Text());
      options.in_given_order |= options.by->IsFixed();
    } else if (args.Left() >= 2 && args.Take("GET")) {
      options.gets.emplace_back(args.Text());
    } else {
      args.Fail(Error::kSyntax);
    }
  }
  return options;
}

// ---- Elements ----

struct SortItem {
  std::string element;
  double score = 0;
  std::optional<std::string> weight;  // what BY leads to, when that is compared as text
};

// Elements of the slice, in the value's own order or its reverse; a set has no order to reverse.
std::vector<SortItem> Load(const Record& record, ListSlice slice, bool reversed) {
  std::vector<SortItem> items;
  items.reserve(slice.count);
  auto add = [&](const Element& element) {
    ElementScratch scratch;
    items.push_back({std::string(element.ToString(scratch)), 0, std::nullopt});
  };
  if (record.type() == Type::kList) {
    record.collection<List>()->ForEach(slice, add, reversed ? End::kTail : End::kHead);
  } else if (record.type() == Type::kSet) {
    record.collection<Set>()->ForEach(add);
    items.erase(items.begin() + static_cast<ptrdiff_t>(slice.first + slice.count), items.end());
    items.erase(items.begin(), items.begin() + static_cast<ptrdiff_t>(slice.first));
  } else {
    auto* set = record.collection<SortedSet>();
    Order order = reversed ? Order::kDescending : Order::kAscending;
    set->ForEachIn(set->AllRanks().Slice(slice.first, slice.count, order), order,
                   [&](std::string_view member, double) {
                     items.push_back({std::string(member), 0, std::nullopt});
                   });
  }
  return items;
}

// As strtod() would read it all, up to the first NUL: nothing counts as 0, leading spaces are fine.
std::optional<double> ParseScore(std::string_view text) {
  text = text.substr(0, text.find('\0'));
  if (text.empty()) return 0;
  size_t spaces = text.find_first_not_of(" \t\n\v\f\r");
  return spaces == std::string_view::npos ? std::nullopt : ParseDouble(text.substr(spaces));
}

// Looks up what the items are compared by; false when that should be numbers and is not.
bool Weigh(Db& db, const SortOptions& options, std::vector<SortItem>& items) {
  if (options.by_text && !options.by) return true;
  for (SortItem& item : items) {
    std::optional<std::string> weight = item.element;
    if (options.by) weight = options.by->Resolve(db, item.element);
    if (options.by_text) {
      item.weight = std::move(weight);
    } else if (weight) {
      auto score = ParseScore(*weight);
      if (!score) return false;
      item.score = *score;
    }
  }
  return true;
}

// Bytes decide between equal scores, so the order never depends on chance. Texts without a weight
// come first.
int Compare(const SortOptions& options, const SortItem& a, const SortItem& b) {
  if (!options.by_text) {
    if (a.score != b.score) return a.score < b.score ? -1 : 1;
    return a.element.compare(b.element);
  }
  if (!options.by) return a.element.compare(b.element);
  if (!a.weight || !b.weight)
    return static_cast<int>(a.weight.has_value()) - static_cast<int>(b.weight.has_value());
  return a.weight->compare(*b.weight);
}

// The items that the reply is about, in its order; nothing when they cannot be compared.
std::optional<std::vector<SortItem>> SortedItems(Db& db, const Record& record,
                                                 const SortOptions& options) {
  size_t size = CollectionSize(record.type(), record.collection<void>());
  ListSlice slice = options.SliceOf(size);
  if (options.in_given_order) return Load(record, slice, options.descending);
  std::vector<SortItem> items = Load(record, {0, size}, false);
  // What is stored must not depend on how the set came about.
  if (options.store && record.type() == Type::kSet) {
    std::sort(items.begin(), items.end(),
              [](const SortItem& a, const SortItem& b) { return a.element < b.element; });
  }
  if (!Weigh(db, options, items)) return std::nullopt;
  std::stable_sort(items.begin(), items.end(), [&](const SortItem& a, const SortItem& b) {
    int order = Compare(options, a, b);
    return options.descending ? order > 0 : order < 0;
  });
  std::vector<SortItem> chosen;
  for (size_t i = 0; i < slice.count; ++i) chosen.push_back(std::move(items[slice.first + i]));
  return chosen;
}

// ---- Results ----

// Calls f(optional text) for each reply: the elements, or what GET finds for each.
template <class F>
void ForEachResult(Db& db, const SortOptions& options, const std::vector<SortItem>& items, F&& f) {
  for (const SortItem& item : items) {
    if (options.gets.empty()) f(std::optional<std::string>(item.element));
    for (const SortPattern& pattern : options.gets) f(pattern.Resolve(db, item.element));
  }
}

void ReplyResults(Call& call, const SortOptions& options, const std::vector<SortItem>& items) {
  call.reply.Array(items.size() * std::max<size_t>(1, options.gets.size()));
  ForEachResult(call.db, options, items, [&](const std::optional<std::string>& text) {
    text ? call.reply.Bulk(*text) : call.reply.Null();
  });
}

void StoreResults(Call& call, const SortOptions& options, const std::vector<SortItem>& items) {
  auto list = std::make_unique<List>();
  ListLimits limits = ListLimitsOf(call.settings());
  ForEachResult(call.db, options, items, [&](const std::optional<std::string>& text) {
    list->PushTail(text ? std::string_view(*text) : std::string_view(), limits);
  });
  size_t size = list->size();
  if (size > 0) {
    call.db.ReplaceWithCollection(*options.store, Type::kList, list.release());
    call.Changed(*options.store, kEventList, "sortstore");
    call.CountAs(size);
  } else if (call.db.Delete(*options.store)) {
    call.Changed(*options.store, kEventGeneric, "del");
  }
  call.reply.Integer(static_cast<int64_t>(size));
}

bool IsSortable(Type type) {
  return type == Type::kList || type == Type::kSet || type == Type::kZset;
}

// BY and GET read keys that the request does not name: that takes the right to read them all. False
// when it has replied with an error.
bool MayFollow(Call& call, const SortOptions& options) {
  bool follows_by = options.by && !options.by->IsFixed();
  if (!call.client.is_limited || (!follows_by && options.gets.empty())) return true;
  if (call.services.access->MayReadAllKeys(call.client, call.command, call.args.all())) return true;
  call.FailText("ERR " + std::string(follows_by ? "BY" : "GET") +
                " option of SORT denied due to insufficient ACL permissions.");
  return false;
}

void SortKey(Call& call, bool may_store) {
  Key key = call.args.NextKey();
  SortOptions options = ReadOptions(call.args, may_store);
  if (!call.args.ok()) return call.Fail(call.args.error());
  if (!MayFollow(call, options)) return;
  const Record* record = call.db.Find(key);
  std::optional<std::vector<SortItem>> items(std::in_place);
  if (record != nullptr) {
    if (!IsSortable(record->type())) return call.Fail(Error::kWrongType);
    // A set has no order of its own that a script or a stored list could rely on.
    if (options.in_given_order && record->type() == Type::kSet &&
        (options.store || call.client.in_script)) {
      options.in_given_order = false;
      options.by_text = true;
      options.by.reset();
    }
    items = SortedItems(call.db, *record, options);
  }
  if (!items) return call.FailText("ERR One or more scores can't be converted into double");
  options.store ? StoreResults(call, options, *items) : ReplyResults(call, options, *items);
}

// SORT key [BY pattern] [LIMIT offset count] [GET pattern [GET pattern ...]] [ASC | DESC] [ALPHA]
// [STORE destination]
void Sort(Call& call) {
  SortKey(call, true);
}
// SORT_RO key [BY pattern] [LIMIT offset count] [GET pattern [GET pattern ...]] [ASC | DESC]
// [ALPHA]
void SortRo(Call& call) {
  SortKey(call, false);
}

// The key, and the one after the last STORE. Words that are values of other options do not count.
bool FindSortKeys(Arguments arguments, std::vector<uint32_t>* positions) {
  uint32_t store = 0;
  for (uint32_t i = 2; i + 1 < arguments.size(); ++i) {
    if (EqualsWord(arguments[i], "LIMIT")) {
      i += 2;
    } else if (EqualsWord(arguments[i], "GET") || EqualsWord(arguments[i], "BY")) {
      ++i;
    } else if (EqualsWord(arguments[i], "STORE")) {
      store = ++i;
    }
  }
  positions->push_back(1);
  if (store != 0) positions->push_back(store);
  return true;
}

constexpr Acl kSortAcl = Acl::kSet | Acl::kSortedSet | Acl::kList | Acl::kDangerous;

// clang-format off
constexpr Command kSortCommands[] = {
  // name     arity  keys                             flags                                  acl       handler  since    usage summary
  {"SORT",    -2,    Keys::By(FindSortKeys, 1, 1, 1), kWrite | kGrows | kMovableKeys | kGate, kSortAcl, Sort,    "1.0.0", "key [BY by-pattern'pattern'#1] [LIMIT limit=(offset count)] [GET get-pattern'pattern'#1*] [order=<ASC|DESC>] [sorting=ALPHA] [STORE destination#2]", "Sorts the elements of a list, set or sorted set; replies with them or stores them."},
  {"SORT_RO", -2,    Keys::One(),                     kReadOnly | kMovableKeys | kGate,       kSortAcl, SortRo,  "7.0.0", "key [BY by-pattern'pattern'#1] [LIMIT limit=(offset count)] [GET get-pattern'pattern'#1*] [order=<ASC|DESC>] [sorting=ALPHA]", "Replies with the elements of a list, set or sorted set in order."},
};
// clang-format on
static_assert(WellFormed(kSortCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> SortCommands() {
  return kSortCommands;
}

}  // namespace kiln
