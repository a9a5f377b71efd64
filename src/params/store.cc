// From the canonical text of a row to the typed field of Settings.
#include <cstdlib>

#include "base/number.h"
#include "params/event_classes.h"
#include "params/value.h"

namespace kiln {
namespace {

int64_t NumberOf(const Parameter& row, const std::string& value) {
  if (row.type == ParameterType::kOctal) return std::strtoll(value.c_str(), nullptr, 8);
  if (!value.empty() && value.back() == '%') return -std::strtoll(value.c_str(), nullptr, 10);
  return *ParseInt64(value);
}

// One function for each type of field.
struct Writer {
  const Parameter& row;
  const std::string& value;
  Settings* settings;

  void operator()(std::monostate) const {}
  void operator()(int64_t Settings::*field) const { settings->*field = NumberOf(row, value); }
  void operator()(bool Settings::*field) const { settings->*field = value == "yes"; }
  void operator()(std::string Settings::*field) const { settings->*field = value; }

  // Enumerators stand in the order of the row's words.
  template <class Enum>
  requires std::is_enum_v<Enum>
  void operator()(Enum Settings::*field) const {
    settings->*field = static_cast<Enum>(IndexOfWord(row.allowed, value));
  }

  void operator()(uint32_t Settings::*field) const {
    uint32_t bits = 0;
    if (row.type == ParameterType::kEventClasses) {
      bits = *ParseEventClasses(value);
    } else {
      for (const std::string& word : SplitAtSpaces(value))
        bits |= 1u << IndexOfWord(row.allowed, word);
      bits &= ~1u;  // The first word means none.
    }
    settings->*field = bits;
  }

  void operator()(std::vector<std::string> Settings::*field) const {
    settings->*field = SplitAtSpaces(value);
  }

  void operator()(std::vector<SavePoint> Settings::*field) const {
    std::vector<std::string> words = SplitAtSpaces(value);
    std::vector<SavePoint> points;
    for (size_t i = 0; i + 1 < words.size(); i += 2) {
      points.push_back({*ParseInt64(words[i]), *ParseInt64(words[i + 1])});
    }
    settings->*field = std::move(points);
  }

  void operator()(std::vector<double> Settings::*field) const {
    std::vector<double> numbers;
    for (const std::string& word : SplitAtSpaces(value)) numbers.push_back(*ParseDouble(word));
    settings->*field = std::move(numbers);
  }

  void operator()(std::array<OutputLimit, kClientClasses> Settings::*field) const {
    settings->*field = OutputLimitsOf(value);
  }
};

}  // namespace

void StoreValue(const Parameter& row, const std::string& value, Settings* settings) {
  std::visit(Writer{row, value, settings}, row.member);
}

}  // namespace kiln
