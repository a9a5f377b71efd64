// Parameters that change how the system sees the process: its title and its score.

#include "base/number.h"
#include "engine/server/server.h"

namespace kiln {

// What {name} of proc-title-template stands for.
std::optional<std::string> Server::TitlePart(std::string_view name) const {
  const Settings& now = settings();
  if (name == "title") return title_ == nullptr ? std::string() : title_->program();
  if (name == "listen-addr") {
    if (now.port == 0) return "unixsocket:" + now.unixsocket;
    std::string address = now.bind.empty() ? "*" : now.bind.front();
    return address + ":" + std::to_string(now.port);
  }
  if (name == "server-mode") return now.cluster_enabled ? "[cluster]" : "";
  if (name == "config-file") return config_file_.empty() ? "-" : config_file_;
  if (name == "port") return std::to_string(now.port);
  if (name == "tls-port") return parameters_.ValueOf(*FindParameter("tls-port"));
  if (name == "unixsocket") return now.unixsocket;
  return std::nullopt;
}

// Whoever manages a node finds it by its arguments, so those of a managed node stay.
std::string Server::ApplyTitle() {
  const std::string& text = parameters_.ValueOf(*FindParameter("proc-title-template"));
  auto title = ExpandTitle(text, [this](std::string_view name) { return TitlePart(name); });
  if (!title) return "template format is invalid or contains unknown variables";
  bool is_wanted = parameters_.ValueOf(*FindParameter("set-proc-title")) == "yes";
  if (title_ != nullptr && is_wanted && !settings().managed_node) title_->Set(*title);
  return {};
}

std::string Server::ApplyOomScore() {
  // Of primary, replica and background process.
  const std::string& scores = parameters_.ValueOf(*FindParameter("oom-score-adj-values"));
  auto score = ParseInt64(scores.substr(0, scores.find(' '))).value_or(0);
  return oom_score_.Apply(parameters_.ValueOf(*FindParameter("oom-score-adj")),
                          static_cast<int>(score));
}

std::string Server::ShowProcess(ProcessTitle* title) {
  title_ = title;
  if (std::string error = ApplyTitle(); !error.empty()) return "proc-title-template: " + error;
  return ApplyOomScore();
}

}  // namespace kiln
