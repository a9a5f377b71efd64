// The access keys of this installation: an AWS shared-credentials file in the data directory.
//
// The first start writes it, with one new key under [default] and mode 600. Every profile in the
// file may call the API; a key is added or removed by editing it and starting kilnd again. Format:
// the AWS CLI's "Configuration and credential file settings".
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace kiln {

class AccessKeys {
 public:
  // Reads the file, or writes a new one. An error text, or empty.
  std::string Load(const std::string& path);

  std::optional<std::string> SecretOf(std::string_view key_id) const;

 private:
  std::string Create(const std::string& path);
  void Parse(std::string_view text);

  std::map<std::string, std::string, std::less<>> secrets_;  // By key id.
};

}  // namespace kiln
