// FeedInPieces: gives a request parser its bytes piece by piece, as a connection would. For tests
// and fuzz targets.
//
// Each call sees an exact copy of what is left, at another place each time: a sanitizer notices
// whoever reads past the end or keeps a pointer.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/argument_list.h"
#include "base/check.h"

namespace kiln {

// Calls visit(status, arguments) for every answer of the parser but "incomplete"; the feeding ends
// with the bytes or with "broken".
template <class Parser, class Limits, class Visit>
void FeedInPieces(Parser& parser, std::string_view bytes, size_t piece, const Limits& limits,
                  Visit visit) {
  using Status = typename Parser::Status;
  std::string input;
  for (size_t at = 0; at < bytes.size(); at += piece) {
    input += bytes.substr(at, piece);
    while (!input.empty()) {
      std::vector<char> exact(input.begin(), input.end());
      ArgumentList arguments;
      size_t consumed = 0;
      Status status = parser.Parse({exact.data(), exact.size()}, limits, &arguments, &consumed);
      if (status == Status::kIncomplete) {
        KILN_CHECK(consumed == 0 && arguments.size() == 0);
        break;
      }
      visit(status, arguments);
      if (status == Status::kBroken) return;
      KILN_CHECK(consumed > 0 && consumed <= input.size());
      input.erase(0, consumed);
    }
  }
}

}  // namespace kiln
