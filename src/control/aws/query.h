// Takes apart application/x-www-form-urlencoded text, the form in which the AWS query protocol
// sends a call's parameters: as a body, or as the query string of the URL.
//
// Pure functions. Everything that comes out is UTF-8. Format: URL Standard, section 5.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "control/aws/arguments.h"
#include "control/aws/fault.h"

namespace kiln {

inline constexpr size_t kMaxFormFields = 10000;

// Adds the fields of `text` to `fields`; of two with one name the later counts. Broken escapes,
// text that is no UTF-8, a field without a name and more than kMaxFormFields: MalformedQueryString.
ApiError DecodeForm(std::string_view text, Arguments::Fields* fields);

// %XX as the byte it stands for; a "+" stays one. Nullopt when an escape is broken.
std::optional<std::string> PercentDecode(std::string_view text);

bool IsUtf8(std::string_view text);

}  // namespace kiln
