#include "params/parameter_set.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "base/glob.h"

namespace kiln {
namespace {

ErrorText Failed(std::string_view name, std::string_view why) {
  return fmt::format("CONFIG SET failed (possibly related to argument '{}') - {}", name, why);
}

// The row's name or alias, whichever was meant.
std::string_view NameMeant(const Parameter& row, std::string_view given) {
  return IsSameWord(given, row.alias) ? row.alias : row.name;
}

// Finds the rows of a CONFIG SET and checks that all of them may be set.
ErrorText FindRows(std::span<const ParameterSet::NameValue> changes, bool may_set_protected,
                   std::vector<const Parameter*>* rows) {
  for (const auto& [name, text] : changes) {
    const Parameter* row = FindParameter(name);
    if (row == nullptr) {
      return fmt::format("Unknown option or number of arguments for CONFIG SET - '{}'", name);
    }
    if (row->apply == Apply::kStart) return Failed(name, "can't set immutable config");
    if (row->Has(kProtected) && !may_set_protected) {
      return Failed(name, "can't set protected config");
    }
    if (std::ranges::find(*rows, row) != rows->end()) return Failed(name, "duplicate parameter");
    rows->push_back(row);
  }
  return {};
}

}  // namespace

ParameterSet::ParameterSet(Settings* settings) : settings_(settings) {
  for (const Parameter* row : AllParameters()) {
    std::string value(row->initial);
    if (row->type == ParameterType::kDirectory) {
      ErrorText error = ReadValue(*row, std::span(&value, 1), &value);
      if (!error.empty()) value.clear();  // The current directory is gone: files have no place.
    }
    defaults_[row] = value;
    Store(*row, std::move(value));
  }
}

void ParameterSet::Store(const Parameter& row, std::string value) {
  StoreValue(row, value, settings_);
  values_[&row] = std::move(value);
}

ErrorText ParameterSet::Assign(const Parameter& row, Words words) {
  std::string value = ValueOf(row);
  ErrorText error = ReadValue(row, words, &value);
  if (error.empty()) Store(row, std::move(value));
  return error;
}

void ParameterSet::ClearSavePoints() {
  Store(*FindParameter("save"), "");
}

ErrorText ParameterSet::SetOne(const Parameter& row, const std::string& text) {
  if (!row.Has(kMultiWord)) return Assign(row, std::span(&text, 1));
  std::vector<std::string> words = SplitAtSpaces(text);
  if (row.type != ParameterType::kSavePoints) return Assign(row, words);
  std::string value;  // CONFIG SET replaces all save points.
  ErrorText error = ReadValue(row, words, &value);
  if (error.empty()) Store(row, std::move(value));
  return error;
}

ErrorText ParameterSet::ApplyAll(std::span<const Parameter* const> rows,
                                 const Parameter** culprit) {
  if (!listener_) return {};
  for (const Parameter* row : rows) {
    *culprit = row;
    if (ErrorText error = listener_(*row); !error.empty()) return error;
  }
  return {};
}

ErrorText ParameterSet::SetMany(std::span<const NameValue> changes, bool may_set_protected) {
  std::vector<const Parameter*> rows;
  if (ErrorText error = FindRows(changes, may_set_protected, &rows); !error.empty()) return error;

  std::vector<std::string> old_values;
  for (const Parameter* row : rows) old_values.push_back(ValueOf(*row));
  auto restore = [&] {
    for (size_t i = 0; i < rows.size(); ++i) Store(*rows[i], old_values[i]);
  };

  std::vector<const Parameter*> changed;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (ErrorText error = SetOne(*rows[i], changes[i].second); !error.empty()) {
      restore();
      return Failed(NameMeant(*rows[i], changes[i].first), error);
    }
    if (ValueOf(*rows[i]) != old_values[i]) changed.push_back(rows[i]);
  }

  const Parameter* culprit = nullptr;
  ErrorText error = ApplyAll(changed, &culprit);
  if (error.empty()) return {};
  restore();
  const Parameter* ignored = nullptr;
  ErrorText undo_error =
      ApplyAll(changed, &ignored);  // Best effort: the first error is the one to tell.
  return Failed(culprit->name, error);
}

ErrorText ParameterSet::Set(std::string_view name, std::string_view value) {
  NameValue change(name, value);
  return SetMany(std::span(&change, 1));
}

std::map<std::string, std::string> ParameterSet::Get(
    std::span<const std::string_view> patterns) const {
  std::map<std::string, std::string> found;
  for (std::string_view pattern : patterns) {
    if (pattern.find_first_of("[*?") == std::string_view::npos) {
      const Parameter* row = FindParameter(pattern);
      if (row != nullptr) found.emplace(pattern, ValueOf(*row));
      continue;
    }
    for (const Parameter* row : AllParameters()) {
      if (row->Has(kHidden)) continue;
      for (std::string_view name : {row->name, row->alias}) {
        if (!name.empty() && GlobMatches(pattern, name, true)) found.emplace(name, ValueOf(*row));
      }
    }
  }
  return found;
}

std::vector<std::string_view> ParameterSet::IneffectiveChanges() const {
  std::vector<std::string_view> names;
  for (const Parameter* row : AllParameters()) {
    if (row->Has(kNoEffect) && ValueOf(*row) != DefaultOf(*row)) names.push_back(row->name);
  }
  return names;
}

}  // namespace kiln
