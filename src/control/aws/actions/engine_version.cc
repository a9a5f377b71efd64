// DescribeCacheEngineVersions.

#include <fmt/format.h>

#include <algorithm>

#include "control/aws/action.h"
#include "control/aws/actions/paging.h"
#include "control/model/engine_versions.h"
#include "control/model/names.h"

namespace kiln {
namespace {

struct Filter {
  std::string engine;
  std::string version;
  std::string family;
  bool is_default_only = false;

  bool Lets(const EngineVersion& row) const {
    if (!engine.empty() && row.engine != engine) return false;
    if (!family.empty() && row.family != family) return false;
    return version.empty() || version == row.version || version == ListedVersion(row);
  }
};

struct Listed {
  std::string key;  // Its place in the table.
  const EngineVersion* row;
};

std::vector<Listed> Matches(const Filter& filter) {
  std::vector<Listed> matches;
  for (const EngineVersion& row : AllEngineVersions()) {
    if (!filter.Lets(row)) continue;
    // Within an engine the table goes from old to new, and the newest is the default.
    bool is_newer = !matches.empty() && matches.back().row->engine == row.engine;
    if (filter.is_default_only && is_newer) matches.pop_back();
    size_t place = static_cast<size_t>(&row - AllEngineVersions().data());
    matches.push_back({fmt::format("{:04}", place), &row});
  }
  return matches;
}

ApiError DescribeCacheEngineVersions(ActionCall& call) {
  Arguments& args = call.args;
  Filter filter;
  filter.engine = LowerCase(args.StringOr("Engine", ""));
  filter.version = args.StringOr("EngineVersion", "");
  filter.family = LowerCase(args.StringOr("CacheParameterGroupFamily", ""));
  filter.is_default_only = args.BoolOr("DefaultOnly", false);
  PageRequest request = ReadPageRequest(args);
  if (args.error()) return args.error();

  Page<Listed> page =
      CutPage(Matches(filter), request, [](const Listed& listed) { return listed.key; });
  XmlWriter& out = call.out;
  out.OptionalText("Marker", page.marker);
  out.List("CacheEngineVersions", "CacheEngineVersion", page.items, [&](const Listed& listed) {
    const EngineVersion& row = *listed.row;
    std::string_view version = ListedVersion(row);
    out.Text("Engine", row.engine);
    out.Text("EngineVersion", version);
    out.Text("CacheParameterGroupFamily", row.family);
    out.Text("CacheEngineDescription", EngineDescription(row.engine));
    out.Text("CacheEngineVersionDescription", fmt::format("{} version {}", row.engine, version));
  });
  return NoError();
}

constexpr Action kEngineVersionActions[] = {
    {"DescribeCacheEngineVersions", DescribeCacheEngineVersions},
};

}  // namespace

std::span<const Action> EngineVersionActions() {
  return kEngineVersionActions;
}

}  // namespace kiln
