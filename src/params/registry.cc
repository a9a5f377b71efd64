// All tables together, and finding a row by name.
#include <algorithm>
#include <cctype>
#include <vector>

#include "params/parameter.h"
#include "params/tables.h"

namespace kiln {
namespace {

struct Name {
  std::string_view name;
  const Parameter* row;
};

// Built at the first use and constant from then on.
struct Registry {
  std::vector<const Parameter*> rows;
  std::vector<Name> names;  // And aliases; sorted.

  Registry() {
    for (std::span<const Parameter> table :
         {ClientsParameters(), ClusterParameters(), EncodingsParameters(), MemoryParameters(),
          MonitoringParameters(), NetworkParameters(), PersistenceParameters(), ProcessParameters(),
          ReplicationParameters(), SecurityParameters(), TlsParameters()}) {
      for (const Parameter& row : table) Add(row);
    }
    std::ranges::sort(rows, {}, &Parameter::name);
    std::ranges::sort(names, {}, &Name::name);
  }

  void Add(const Parameter& row) {
    rows.push_back(&row);
    names.push_back({row.name, &row});
    if (!row.alias.empty()) names.push_back({row.alias, &row});
  }
};

const Registry& TheRegistry() {
  static const Registry registry;
  return registry;
}

}  // namespace

std::span<const Parameter* const> AllParameters() {
  return TheRegistry().rows;
}

const Parameter* FindParameter(std::string_view name) {
  std::string lower(name);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const std::vector<Name>& names = TheRegistry().names;
  auto found = std::ranges::lower_bound(names, std::string_view(lower), {}, &Name::name);
  return found != names.end() && found->name == lower ? found->row : nullptr;
}

}  // namespace kiln
