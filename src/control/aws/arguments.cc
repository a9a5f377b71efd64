#include "control/aws/arguments.h"

#include <fmt/format.h>

#include "base/number.h"
#include "control/aws/iso_time.h"
#include "control/model/names.h"

namespace kiln {
namespace {

// Items beyond are not looked at; no list of the API may be nearly as long.
constexpr uint64_t kMaxItemNumber = 1000000;

// For each field "<prefix><number>" or "<prefix><number>.<rest>": visit(number, rest, value).
template <typename Visit>
void ForEachItem(const Arguments::Fields& fields, const std::string& prefix, Visit&& visit) {
  for (auto field = fields.lower_bound(prefix);
       field != fields.end() && field->first.starts_with(prefix); ++field) {
    std::string_view rest = std::string_view(field->first).substr(prefix.size());
    size_t dot = rest.find('.');
    std::optional<uint64_t> number = ParseUint64(rest.substr(0, dot));
    if (!number || *number > kMaxItemNumber) continue;
    rest = dot == std::string_view::npos ? std::string_view() : rest.substr(dot + 1);
    visit(*number, rest, field->second);
  }
}

template <typename Visit>
void ForEachItem(const Arguments::Fields& fields, std::string_view name, std::string_view item_tag,
                 Visit&& visit) {
  ForEachItem(fields, fmt::format("{}.{}.", name, item_tag), visit);
  if (item_tag != "member") ForEachItem(fields, fmt::format("{}.member.", name), visit);
}

}  // namespace

const std::string* Arguments::Find(std::string_view name) const {
  auto found = fields_.find(name);
  return found == fields_.end() ? nullptr : &found->second;
}

bool Arguments::Has(std::string_view name) const {
  return Find(name) != nullptr;
}

void Arguments::Fail(Fault fault, std::string message) {
  if (!error_) error_ = {fault, std::move(message)};
}

std::string Arguments::Required(std::string_view name) {
  const std::string* value = Find(name);
  if (value != nullptr && !value->empty()) return *value;
  Fail(Fault::kMissingParameter, fmt::format("The request must contain the parameter {}.", name));
  return "";
}

std::optional<std::string> Arguments::String(std::string_view name) const {
  const std::string* value = Find(name);
  return value == nullptr ? std::nullopt : std::optional(*value);
}

std::string Arguments::StringOr(std::string_view name, std::string_view otherwise) const {
  const std::string* value = Find(name);
  return value == nullptr ? std::string(otherwise) : *value;
}

std::optional<int64_t> Arguments::Integer(std::string_view name, int64_t low, int64_t high) {
  const std::string* text = Find(name);
  if (text == nullptr) return std::nullopt;
  std::optional<int64_t> value = ParseInt64(*text);
  if (value && *value >= low && *value <= high) return value;
  Fail(Fault::kInvalidParameterValue,
       fmt::format("Invalid value for {}: {}. It must be a number from {} to {}.", name, *text, low,
                   high));
  return std::nullopt;
}

std::optional<bool> Arguments::Bool(std::string_view name) {
  const std::string* text = Find(name);
  if (text == nullptr) return std::nullopt;
  std::string word = LowerCase(*text);
  if (word == "true" || word == "false") return word == "true";
  Fail(Fault::kInvalidParameterValue,
       fmt::format("Invalid value for {}: {}. It must be true or false.", name, *text));
  return std::nullopt;
}

std::optional<int64_t> Arguments::Time(std::string_view name) {
  const std::string* text = Find(name);
  if (text == nullptr) return std::nullopt;
  std::optional<int64_t> time_ms = ParseIsoTime(*text);
  if (!time_ms) {
    Fail(Fault::kInvalidParameterValue,
         fmt::format("Invalid value for {}: {}. It must be a time like 2024-01-02T03:04:05Z.", name,
                     *text));
  }
  return time_ms;
}

std::optional<std::string> Arguments::OneOf(std::string_view name,
                                            std::initializer_list<std::string_view> allowed) {
  const std::string* text = Find(name);
  if (text == nullptr) return std::nullopt;
  std::string word = LowerCase(*text);
  for (std::string_view one : allowed) {
    if (LowerCase(one) == word) return std::string(one);
  }
  Fail(Fault::kInvalidParameterValue, fmt::format("Invalid value for {}: {}. Valid values are {}.",
                                                  name, *text, fmt::join(allowed, ", ")));
  return std::nullopt;
}

std::vector<std::string> Arguments::List(std::string_view name, std::string_view item_tag) const {
  std::map<uint64_t, std::string> by_number;
  ForEachItem(fields_, name, item_tag,
              [&](uint64_t number, std::string_view rest, const std::string& value) {
                if (rest.empty()) by_number[number] = value;
              });
  std::vector<std::string> list;
  for (auto& [number, value] : by_number) list.push_back(std::move(value));
  return list;
}

std::vector<Arguments> Arguments::Structures(std::string_view name,
                                             std::string_view item_tag) const {
  std::map<uint64_t, Fields> by_number;
  ForEachItem(fields_, name, item_tag,
              [&](uint64_t number, std::string_view rest, const std::string& value) {
                if (!rest.empty()) by_number[number].emplace(rest, value);
              });
  std::vector<Arguments> structures;
  for (auto& [number, fields] : by_number) structures.emplace_back(std::move(fields));
  return structures;
}

}  // namespace kiln
