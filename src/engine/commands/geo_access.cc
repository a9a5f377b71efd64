#include "engine/commands/geo_access.h"

#include <fmt/format.h>

#include <cmath>

#include "base/number.h"

namespace kiln {

std::optional<Position> TakePosition(Call& call) {
  Position position;
  position.longitude = call.args.Double();
  position.latitude = call.args.Double();
  if (!call.args.ok()) return call.Fail(call.args.error()), std::nullopt;
  if (position.IsOnMap()) return position;
  call.FailText(fmt::format("ERR invalid longitude,latitude pair {:f},{:f}", position.longitude,
                            position.latitude));
  return std::nullopt;
}

std::optional<double> TakeUnit(Call& call) {
  struct Unit {
    std::string_view name;
    double metres;
  };
  constexpr Unit kUnits[] = {{"M", 1}, {"KM", 1000}, {"FT", 0.3048}, {"MI", 1609.34}};
  for (const Unit& unit : kUnits) {
    if (call.args.Take(unit.name)) return unit.metres;
  }
  call.FailText("ERR unsupported unit provided. please use M, KM, FT, MI");
  return std::nullopt;
}

void ReplyPosition(Call& call, Position position) {
  call.reply.Array(2);
  call.reply.NumberText(FormatLongDouble(position.longitude));
  call.reply.NumberText(FormatLongDouble(position.latitude));
}

void ReplyDistance(Call& call, double distance) {
  // Halfway cases go to the even digit of the scaled number, not to that of the exact one.
  int64_t scaled = std::llrint(distance * 10000);
  call.reply.Bulk(fmt::format("{}.{:04}", scaled / 10000, scaled % 10000));
}

}  // namespace kiln
