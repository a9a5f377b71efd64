// kilnd: the managed service. Speaks the AWS ElastiCache API and runs the caches that it creates.
//
// main() reads as a list of steps: read the options, open the state, take over the nodes, serve,
// and on SIGINT or SIGTERM stop in the opposite order.

#include <signal.h>
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <thread>

#include "base/log.h"
#include "base/number.h"
#include "base/time.h"
#include "control/agent/migration_source.h"
#include "control/agent/process_agent.h"
#include "control/agent/simulated_agent.h"
#include "control/aws/access_keys.h"
#include "control/aws/api.h"
#include "control/backup/s3_vault.h"
#include "control/backup/snapshot_keeper.h"
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
  std::string snapshot_target;
  std::string bucket_path;
  std::string s3_endpoint;
  std::string checker_path;
  int loopback_net = 0;
  int node_quota = 300;
  int64_t failover_after_ms = NodeTimes{}.silent_after_ms;
  int64_t lease_ms = 0;
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
  app.add_option("--snapshot-target", options->snapshot_target,
                 "Where snapshots are kept: a folder, or s3://bucket/prefix")
      ->default_str("snapshots in the data directory");
  app.add_option("--bucket-dir", options->bucket_path,
                 "The folders in it are the buckets that snapshots are exported to and read from")
      ->default_str("buckets in the data directory");
  app.add_option("--s3-endpoint", options->s3_endpoint,
                 "URL of an S3-compatible store; it has the buckets then")
      ->default_str("AWS's, where snapshots are kept in S3");
  app.add_option("--node-quota", options->node_quota, "Nodes of all caches together")
      ->capture_default_str();
  app.add_option("--failover-after-ms", options->failover_after_ms,
                 "How long a primary that runs may be silent before a replica takes its place")
      ->check(CLI::Range(int64_t{200}, int64_t{600'000}))
      ->capture_default_str();
  app.add_option("--lease-ms", options->lease_ms,
                 "Primaries of groups with automatic failover take writes on a lease of so long, "
                 "and a silent one is waited out; 0: its process is ended, and no lease is needed")
      ->check(CLI::Range(kShortestLeaseMs, kLongestLeaseMs) | CLI::IsMember({0}))
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
  std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  options->checker_path = (self.parent_path() / "kiln-check").string();
  if (options->server_path.empty())
    options->server_path = (self.parent_path() / "kiln-server").string();
  if (options->snapshot_target.empty())
    options->snapshot_target = options->data_path + "/snapshots";
  if (options->bucket_path.empty()) options->bucket_path = options->data_path + "/buckets";
  return {};
}

std::unique_ptr<Agent> MakeAgent(const Options& options) {
  if (options.simulates_nodes) return std::make_unique<SimulatedAgent>();
  ProcessAgentOptions agent;
  agent.data_path = options.data_path;
  agent.node.server_path = options.server_path;
  agent.keep_nodes_on_exit = options.keeps_nodes;
  agent.node.times.silent_after_ms = options.failover_after_ms;
  return std::make_unique<ProcessAgent>(agent);
}

// For the keeper of snapshots, which knows no agent.
SnapshotNodes SnapshotNodesOf(std::unique_ptr<Agent>& agent) {
  auto has_data = [&agent](const std::string& key) {
    std::vector<NodeReport> reports = agent->Observe();
    return std::any_of(reports.begin(), reports.end(), [&](const NodeReport& report) {
      const ReplicationReport& replication = report.replication;
      bool is_in_step =
          !report.running.is_grouped ||
          (replication.is_known && (replication.is_primary || replication.is_link_up));
      return report.running.Key() == key && report.state == NodeState::kReady && is_in_step;
    });
  };
  auto save = [&agent](const std::string& key, const std::string& path,
                       const std::function<bool()>& goes_on) {
    return agent->Save(key, path, goes_on);
  };
  return {has_data, save};
}

SnapshotJobOptions SnapshotOptionsOf(const Options& options) {
  SnapshotJobOptions job;
  job.staging_path = options.data_path + "/staging";
  job.check = [checker = options.checker_path](const std::string& path,
                                               const std::function<bool()>& goes_on) {
    return CheckSnapshot(checker, path, goes_on);
  };
  return job;
}

// Where snapshots are kept, and where buckets are.
struct Vaults {
  std::unique_ptr<FileVault> snapshots;
  OpenBucket buckets;
};

// An error text, or empty.
std::string MakeVaults(const Options& options, std::function<bool()> goes_on, Vaults* vaults) {
  bool is_s3 = options.snapshot_target.starts_with("s3:");
  if (!is_s3) vaults->snapshots = std::make_unique<FolderVault>(options.snapshot_target, false);
  if (!is_s3 && options.s3_endpoint.empty()) {
    vaults->buckets = BucketFolders(options.bucket_path);
    return {};
  }
  S3Access access;
  access.endpoint = options.s3_endpoint.empty() ? "https://s3." + options.region + ".amazonaws.com"
                                                : options.s3_endpoint;
  while (access.endpoint.ends_with('/')) access.endpoint.pop_back();
  access.region = options.region;
  access.goes_on = std::move(goes_on);
  if (!FindS3Credentials(&access))
    return "There are no credentials for S3: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.";
  vaults->buckets = S3Buckets(access);
  if (!is_s3) return {};
  std::optional<S3Place> place = ParseS3Place(options.snapshot_target);
  if (!place) return "--snapshot-target must be a folder or s3://bucket/prefix.";
  vaults->snapshots = std::make_unique<S3Vault>(access, *place);
  return {};
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
  std::atomic<bool> is_stopping = false;
  Vaults vaults;
  problem = MakeVaults(
      options, [&] { return !is_stopping; }, &vaults);
  if (!problem.empty()) return Fail(problem);
  ApiContext context{*store, site, NowMs, &addresses};
  context.cannot_write = [&](const std::string& bucket, const std::string& key) {
    return CannotWrite(vaults.buckets, bucket, key);
  };
  context.cannot_read = [&](const std::string& bucket, const std::string& key) {
    return CannotRead(vaults.buckets, bucket, key);
  };
  context.look_at_source = LookAtSource;
  Api api(context, [&](std::string_view id) { return keys.SecretOf(id); });
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
  Orchestrator orchestrator(*store, *agent, addresses, NowMs,
                            {.silent_ms = options.failover_after_ms,
                             .can_end = options.lease_ms == 0,
                             .lease_ms = options.lease_ms});
  SnapshotKeeper keeper(*store, *vaults.snapshots, vaults.buckets, SnapshotNodesOf(agent),
                        SnapshotOptionsOf(options), NowMs);
  keeper.CleanUp();
  orchestrator.Start();
  keeper.Start();
  std::thread serving([&] { server.Run(); });
  SayHello(options, "http://" + address + ":" + std::to_string(server.port()));
  int signal_number = 0;
  sigwait(&signals, &signal_number);
  std::printf("kilnd is stopping%s\n", options.keeps_nodes ? "; its nodes serve on" : "");
  is_stopping = true;
  server.Stop();
  serving.join();
  keeper.Stop();
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
