#include "control/agent/node_command.h"

#include "base/split_args.h"

namespace kiln {
namespace {

std::string HostAndPort(const Endpoint& endpoint) {
  bool is_v6 = endpoint.address.find(':') != std::string::npos;
  std::string host = is_v6 ? '[' + endpoint.address + ']' : endpoint.address;
  return host + ':' + std::to_string(endpoint.port);
}

void AppendLine(std::string_view name, std::string_view value, std::string* out) {
  out->append(name).append(1, ' ');
  AppendQuoted(value, out);
  out->append(1, '\n');
}

// "m" is -m, "o.idle_timeout" a part of -o, all else a long option.
void AppendMemcachedOption(const std::string& name, const std::string& value,
                           std::vector<std::string>* arguments, std::string* extended) {
  constexpr std::string_view kExtendedPrefix = "o.";
  if (name.starts_with(kExtendedPrefix)) {
    if (!extended->empty()) *extended += ',';
    *extended += name.substr(kExtendedPrefix.size());
    if (!value.empty()) *extended += '=' + value;
  } else if (name.size() == 1) {
    arguments->push_back('-' + name);
    if (!value.empty()) arguments->push_back(value);
  } else {
    arguments->push_back("--" + name + (value.empty() ? "" : '=' + value));
  }
}

std::vector<std::string> MemcachedArguments(const NodeSpec& spec, const NodeFolder& folder) {
  std::vector<std::string> arguments = {folder.path() + "/kiln-memcached", "-l",
                                        spec.listen.address, "-p",
                                        std::to_string(spec.listen.port)};
  std::string extended;
  for (const auto* parameters : {&spec.start_parameters, &spec.live_parameters}) {
    for (const auto& [name, value] : *parameters)
      AppendMemcachedOption(name, value, &arguments, &extended);
  }
  if (!extended.empty()) arguments.insert(arguments.end(), {"-o", extended});
  arguments.push_back("--" + std::string(kAdminSocketParameter) + '=' +
                      std::string(kAdminSocketPath));
  if (!spec.endpoints.empty()) {
    arguments.push_back("--" + std::string(kEndpointsParameter) + '=' +
                        EndpointsText(spec.endpoints, ','));
  }
  // From its first moment on, for clients of a shared endpoint may meet any node there.
  if (!spec.discovery.empty())
    arguments.push_back("--" + std::string(kDiscoveryParameter) + '=' + spec.discovery);
  return arguments;
}

}  // namespace

bool IsMemcached(const NodeSpec& spec) {
  return spec.engine == "memcached";
}

std::string EndpointsText(const std::vector<Endpoint>& endpoints, char separator) {
  std::string text;
  for (const Endpoint& endpoint : endpoints) {
    if (!text.empty()) text += separator;
    text += HostAndPort(endpoint);
  }
  return text;
}

std::vector<std::string> NodeArguments(const NodeSpec& spec, const NodeFolder& folder) {
  if (IsMemcached(spec)) return MemcachedArguments(spec, folder);
  return {folder.path() + "/kiln-server", folder.ConfigPath()};
}

std::string NodeConfig(const NodeSpec& spec, const NodeFolder& folder) {
  std::string text = "# Written by kilnd when it starts the node. Changes here are lost.\n";
  for (const auto* parameters : {&spec.start_parameters, &spec.live_parameters}) {
    for (const auto& [name, value] : *parameters) AppendLine(name, value, &text);
  }
  if (!spec.follows.empty()) {
    text.append("replicaof ").append(spec.follows.address).append(1, ' ');
    text.append(std::to_string(spec.follows.port)).append(1, '\n');
  }
  AppendLine("bind", spec.listen.address, &text);
  AppendLine("port", std::to_string(spec.listen.port), &text);
  if (!spec.endpoints.empty()) {
    text.append(kEndpointsParameter).append(1, ' ');
    text.append(EndpointsText(spec.endpoints, ' ')).append(1, '\n');
  }
  AppendLine(kAdminSocketParameter, kAdminSocketPath, &text);
  AppendLine(kManagedNodeParameter, "yes", &text);
  AppendLine("logfile", folder.LogPath(), &text);
  AppendLine("dir", folder.path(), &text);
  AppendLine("daemonize", "no", &text);
  AppendLine("save", "", &text);
  AppendLine("protected-mode", "no", &text);
  return text;
}

bool IsSameStart(const NodeSpec& a, const NodeSpec& b) {
  return a.boot == b.boot && a.engine == b.engine && a.listen == b.listen &&
         a.start_parameters == b.start_parameters &&
         (!IsMemcached(a) || a.endpoints == b.endpoints);
}

}  // namespace kiln
