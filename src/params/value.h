// The texts of parameters: checked, brought to the one form that CONFIG GET prints, and stored into
// Settings.
//
// The canonical text is what a ParameterSet keeps for every row; the typed field follows from it.
// Pure functions.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "params/parameter.h"

namespace kiln {

// What is wrong, in the words of Redis; empty when nothing is.
using ErrorText = std::string;

using Words = std::span<const std::string>;

// Reads the words that follow a directive. `*value` holds the canonical text before and after; on
// an error it stays. Save points are added to those before, and output limits replace only the
// classes they name.
[[nodiscard]] ErrorText ReadValue(const Parameter& row, Words words, std::string* value);

// The readers of the types that take several words (value_words.cc).
[[nodiscard]] ErrorText ReadAddresses(Words words, std::string* value);
[[nodiscard]] ErrorText ReadEndpoints(Words words, std::string* value);
[[nodiscard]] ErrorText ReadEnums(const Parameter& row, Words words, std::string* value);
[[nodiscard]] ErrorText ReadOomScores(Words words, std::string* value);
[[nodiscard]] ErrorText ReadOutputLimits(Words words, std::string* value);
[[nodiscard]] ErrorText ReadPercentiles(Words words, std::string* value);
[[nodiscard]] ErrorText ReadPrimary(Words words, std::string* value);
[[nodiscard]] ErrorText ReadSavePoints(Words words, std::string* value);

// Writes the field that the row names, if any. `value` is canonical.
void StoreValue(const Parameter& row, const std::string& value, Settings* settings);

// The output limits that a canonical text stands for.
std::array<OutputLimit, kClientClasses> OutputLimitsOf(std::string_view value);

// "a, b" for the row "a,b" of words.
std::string ListOfWords(std::string_view words);

// The place of a word, in any case, among "a,b,c"; negative when it is not there.
int IndexOfWord(std::string_view words, std::string_view word);

// Every single space separates: "a  b" has an empty word, "" has none.
std::vector<std::string> SplitAtSpaces(std::string_view text);
std::string JoinWithSpaces(Words words);

bool IsSameWord(std::string_view a, std::string_view b);  // In any case.

}  // namespace kiln
