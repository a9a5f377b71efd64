// The parameters of one API call, read by name: "Tags.Tag.1.Key=team" and the like.
//
// The first one that is missing or wrong is remembered, so a handler reads all it wants and asks
// error() once. Lists accept their item's own tag and "member". Numbering may start anywhere and
// have gaps; order is by number. Plain values, no thread of its own.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/aws/fault.h"

namespace kiln {

class Arguments {
 public:
  using Fields = std::map<std::string, std::string, std::less<>>;

  Arguments() = default;
  explicit Arguments(Fields fields) : fields_(std::move(fields)) {}

  bool Has(std::string_view name) const;
  // Missing or empty: MissingParameter, and "".
  std::string Required(std::string_view name);
  std::optional<std::string> String(std::string_view name) const;
  std::string StringOr(std::string_view name, std::string_view otherwise) const;
  // No number, or out of range: InvalidParameterValue.
  std::optional<int64_t> Integer(std::string_view name, int64_t low, int64_t high);
  // "true" and "false" in any case; otherwise InvalidParameterValue.
  std::optional<bool> Bool(std::string_view name);
  bool BoolOr(std::string_view name, bool otherwise) { return Bool(name).value_or(otherwise); }
  // ISO 8601, as milliseconds since 1970.
  std::optional<int64_t> Time(std::string_view name);
  // One of `allowed` (in any case, told in its case there); otherwise InvalidParameterValue.
  std::optional<std::string> OneOf(std::string_view name,
                                   std::initializer_list<std::string_view> allowed);

  // "SecurityGroupIds.SecurityGroupId.1". An empty value of the list's own name is an empty list.
  std::vector<std::string> List(std::string_view name, std::string_view item_tag) const;
  // The same of structures: each element reads "Key", "Value" ...
  std::vector<Arguments> Structures(std::string_view name, std::string_view item_tag) const;

  // The first error, of this object alone.
  const ApiError& error() const { return error_; }
  void Fail(Fault fault, std::string message);  // Remembered unless there was one before.

  const Fields& fields() const { return fields_; }

 private:
  const std::string* Find(std::string_view name) const;

  Fields fields_;
  ApiError error_;
};

}  // namespace kiln
