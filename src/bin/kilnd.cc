// kilnd: the managed service. Speaks the AWS ElastiCache API and runs the caches that it creates.
//
// main() reads as a list of steps: read the options, open the state, take over the nodes, serve,
// and on SIGINT or SIGTERM stop in the opposite order.

#include <signal.h>
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <thread>

#include "base/log.h"
#include "base/number.h"
#include "base/time.h"
#include "control/agent/process_agent.h"
#include "control/agent/simulated_agent.h"
#include "control/aws/access_keys.h"
#include "control/aws/api.h"
#include "control/metrics/collector.h"
#include "control/metrics/prometheus.h"
#include "control/orchestrator/orchestrator.h"
#include "control/store/address_book.h"
#include "control/store/sqlite_store.h"
#include "http/server.h"

namespace kiln {
namespace {

struct Options {
  std::string data_path;
  std::string listen = "127.0.0.1:8380";
  std::string region = "us-east-1";
  std::string account_id = "000000000000";
  std::string address_mode = "loopback";
  std::string host_address = "127.0.0.1";
  std::string ports = "20000-29999";
  std::string server_path;
  int loopback_net = 0;
  int node_quota = 300;
  bool keeps_nodes = false;
  bool simulates_nodes = false;
};

// The data directory chooses among 127.64 to 127.191, so that two installations on one machine
// seldom want the same addresses.
int LoopbackNetOf(const std::string& data_path) {
  uint32_t hash = 2166136261u;  // FNV-1a.
  for (char c : data_path) hash = (hash ^ static_cast<uint8_t>(c)) * 16777619u;
  return static_cast<int>(64 + hash % 128);
}

// "a:b" into its parts; an error text, or empty.
std::string SplitNumber(const std::string& text, char separator, std::string* before, int* number) {
  size_t place = text.rfind(separator);
  std::optional<int64_t> parsed =
      place == std::string::npos ? std::nullopt : ParseInt64(text.substr(place + 1));
  if (!parsed || *parsed < 0 || *parsed > 65535) return "Cannot read " + text + ".";
  *before = text.substr(0, place);
  *number = static_cast<int>(*parsed);
  return {};
}

std::string MakeSite(const Options& options, Site* site) {
  site->region = options.region;
  site->account_id = options.account_id;
  site->zones = {options.region + "a", options.region + "b", options.region + "c"};
  site->address_mode = options.address_mode == "host" ? AddressMode::kHost : AddressMode::kLoopback;
  site->host_address = options.host_address;
  site->node_quota = options.node_quota;
  std::string first;
  if (std::string error = SplitNumber(options.ports, '-', &first, &site->last_port); !error.empty())
    return error;
  site->first_port = static_cast<int>(ParseInt64(first).value_or(0));
  bool is_range = site->first_port > 0 && site->first_port <= site->last_port;
  return is_range ? "" : "--port-range must be two ports with a hyphen between.";
}

void AddOptions(CLI::App& app, Options* options) {
  app.add_option("--data-dir", options->data_path, "Where everything is kept; made if need be")
      ->required();
  app.add_option("--listen", options->listen, "Address and port of the API")->capture_default_str();
  app.add_option("--region", options->region, "The region that requests must name")
      ->capture_default_str();
  app.add_option("--account-id", options->account_id, "The account in ARNs")->capture_default_str();
  app.add_option("--address-mode", options->address_mode,
                 "loopback: each cache has a 127.x.y.z of its own; host: ports of --host-address")
      ->check(CLI::IsMember({"loopback", "host"}))
      ->capture_default_str();
  app.add_option("--host-address", options->host_address, "What clients of mode host connect to")
      ->capture_default_str();
  app.add_option("--port-range", options->ports, "Ports of mode host")->capture_default_str();
  app.add_option("--loopback-net", options->loopback_net,
                 "The x of 127.x.y.z; 0 chooses by the data directory")
      ->check(CLI::Range(0, 254));
  app.add_option("--kiln-server", options->server_path, "The program that nodes run")
      ->default_str("beside kilnd");
  app.add_option("--node-quota", options->node_quota, "Nodes of all caches together")
      ->capture_default_str();
  app.add_flag("--keep-nodes-on-exit", options->keeps_nodes,
               "Nodes serve on when kilnd stops, and are adopted by the next one");
  app.add_flag("--simulate-nodes", options->simulates_nodes,
               "No processes: every node is said to run (for trying the API)");
}

std::string MakeDataFolder(Options* options) {
  ::umask(077);  // All that is made is the owner's alone; what is there already stays as it is.
  std::error_code error;
  std::filesystem::path path(options->data_path);
  std::filesystem::create_directories(path, error);
  if (!error) options->data_path = std::filesystem::canonical(path, error).string();
  if (error)
    return "Cannot make the data directory " + path.string() + ": " + error.message() + ".";
  if (options->loopback_net == 0) options->loopback_net = LoopbackNetOf(options->data_path);
  if (options->server_path.empty()) {
    std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
    options->server_path = (self.parent_path() / "kiln-server").string();
  }
  return {};
}

std::unique_ptr<Agent> MakeAgent(const Options& options) {
  if (options.simulates_nodes) return std::make_unique<SimulatedAgent>();
  ProcessAgentOptions agent;
  agent.data_path = options.data_path;
  agent.node.server_path = options.server_path;
  agent.keep_nodes_on_exit = options.keeps_nodes;
  return std::make_unique<ProcessAgent>(agent);
}

// For the collector, which knows no agent.
std::vector<NodeIdentity> NodesOf(Agent& agent) {
  std::vector<NodeIdentity> nodes;
  for (const NodeReport& report : agent.Observe()) {
    const NodeSpec& spec = report.running;
    nodes.push_back({spec.Key(), spec.cluster_id, spec.node_id, spec.engine});
  }
  return nodes;
}

int Fail(const std::string& text) {
  std::fprintf(stderr, "kilnd: %s\n", text.c_str());
  return 1;
}

void SayHello(const Options& options, const std::string& url) {
  std::printf(
      "kilnd is ready on %s. In another terminal:\n\n"
      "  export AWS_SHARED_CREDENTIALS_FILE=%s/credentials AWS_DEFAULT_REGION=%s\n"
      "  alias kiln='aws --endpoint-url %s elasticache'\n"
      "  kiln create-cache-cluster --cache-cluster-id my-cache --engine redis"
      " --cache-node-type cache.t3.micro\n"
      "  kiln wait cache-cluster-available --cache-cluster-id my-cache\n"
      "  kiln describe-cache-clusters --cache-cluster-id my-cache --show-cache-node-info\n\n",
      url.c_str(), options.data_path.c_str(), options.region.c_str(), url.c_str());
  std::fflush(stdout);
}

// Signals are taken by sigwait alone, so that stopping is ordinary code.
sigset_t BlockStopSignals() {
  signal(SIGPIPE, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);  // A file that may not grow is an error, as on a full disk.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

int Serve(const Options& options, const Site& site) {
  std::string problem;
  std::unique_ptr<SqliteStore> store = SqliteStore::Open(options.data_path + "/state.db", &problem);
  if (store == nullptr) return Fail(problem);
  AccessKeys keys;
  problem = keys.Load(options.data_path + "/credentials");
  if (!problem.empty()) return Fail(problem);

  sigset_t signals = BlockStopSignals();
  AddressBook addresses(*store, site, options.loopback_net);
  std::unique_ptr<Agent> agent;
  std::unique_ptr<Collector> collector;
  Api api({*store, site, NowMs, &addresses},
          [&](std::string_view id) { return keys.SecretOf(id); });
  HttpServer server([&](const HttpRequest& request) {
    if (request.method == "GET" && request.Path() == "/metrics")
      return HttpResponse{
          200, std::string(kPrometheusContentType), {}, WritePrometheus(collector->Samples())};
    return api.Handle(request);
  });
  std::string address;
  int port = 0;
  problem = SplitNumber(options.listen, ':', &address, &port);
  if (problem.empty()) problem = server.Listen(address, port);
  if (!problem.empty()) return Fail(problem);

  // Only now, for whoever lets go of the agent ends the nodes it has taken over.
  agent = MakeAgent(options);
  collector = std::make_unique<Collector>(
      Collector::Source{[&] { return NodesOf(*agent); },
                        [&](const std::string& key) { return agent->Statistics(key); }});
  Orchestrator orchestrator(*store, *agent, addresses, NowMs);
  orchestrator.Start();
  std::thread serving([&] { server.Run(); });
  SayHello(options, "http://" + address + ":" + std::to_string(server.port()));
  int signal_number = 0;
  sigwait(&signals, &signal_number);
  std::printf("kilnd is stopping%s\n", options.keeps_nodes ? "; its nodes serve on" : "");
  server.Stop();
  serving.join();
  orchestrator.Stop();
  return 0;
}

int Main(int argc, char** argv) {
  Options options;
  Site site;
  CLI::App app("Kiln's managed service: the AWS ElastiCache API over caches that it runs itself");
  AddOptions(app, &options);
  CLI11_PARSE(app, argc, argv);
  if (std::string error = MakeSite(options, &site); !error.empty()) return Fail(error);
  if (std::string error = MakeDataFolder(&options); !error.empty()) return Fail(error);
  return Serve(options, site);
}

}  // namespace
}  // namespace kiln

int main(int argc, char** argv) {
  return kiln::Main(argc, argv);
}
