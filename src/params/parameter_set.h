// The parameters of one server: the value of every row, and CONFIG SET and GET upon them.
//
// Keeps the canonical text of each row and writes the typed fields of a Settings. Loading a file is
// config_file.h, writing one is config_rewrite.h. Threads: none of its own. Calls that change
// something run alone (see params/settings.h).
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "params/parameter.h"
#include "params/value.h"

namespace kiln {

class ParameterSet {
 public:
  using NameValue = std::pair<std::string, std::string>;
  // Called after a parameter changed, to make the change felt (listen on another port ...). An
  // error undoes it.
  using Listener = std::function<ErrorText(const Parameter&)>;

  // Gives every parameter its default. `settings` must outlive this object.
  explicit ParameterSet(Settings* settings);

  void OnChange(Listener listener) { listener_ = std::move(listener); }

  // CONFIG SET with one or more pairs: all of them, or none and the text of the error reply
  // (without "ERR"). `may_set_protected`: what enable-protected-configs says about this client.
  [[nodiscard]] ErrorText SetMany(std::span<const NameValue> changes,
                                  bool may_set_protected = true);
  [[nodiscard]] ErrorText Set(std::string_view name, std::string_view value);

  // CONFIG GET: the rows that match any of the patterns, sorted by name. A name without wildcards
  // comes back as it was written; aliases are names too.
  std::map<std::string, std::string> Get(std::span<const std::string_view> patterns) const;

  // What CONFIG GET prints for the row.
  const std::string& ValueOf(const Parameter& row) const { return values_.at(&row); }
  // The same for the row's default.
  const std::string& DefaultOf(const Parameter& row) const { return defaults_.at(&row); }

  // Parameters that were given another value than the default and have no effect, to be warned of.
  std::vector<std::string_view> IneffectiveChanges() const;

  // For loading: reads the words that follow a directive, whether or not it may be changed later.
  [[nodiscard]] ErrorText Assign(const Parameter& row, Words words);
  // Forgets the save points, so that those in a file replace the default and then add up.
  void ClearSavePoints();

  Settings* settings() { return settings_; }
  const Settings* settings() const { return settings_; }

 private:
  void Store(const Parameter& row, std::string value);
  ErrorText SetOne(const Parameter& row, const std::string& text);
  ErrorText ApplyAll(std::span<const Parameter* const> rows, const Parameter** culprit);

  Settings* settings_;
  std::map<const Parameter*, std::string> values_;
  std::map<const Parameter*, std::string> defaults_;
  Listener listener_;
};

}  // namespace kiln
