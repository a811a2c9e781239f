#include "server.h"

#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <cstdio>
#include <thread>
#include <utility>

#include "admin.h"
#include "banner.h"
#include "cluster/local_machine.h"
#include "firn/base/clock.h"
#include "firn/base/log.h"
#include "firn/base/runtime.h"
#include "firn/gateway/server.h"
#include "firn/server/access.h"
#include "gather.h"
#include "root_credential.h"
#include "storage.h"
#include "until_led.h"

namespace firn::server {
namespace {

std::size_t io_threads(const config::Config& config) {
  if (config.io_threads > 0) return config.io_threads;
  // Those it may run on: the machine may have more.
  cpu_set_t usable;
  CPU_ZERO(&usable);
  if (sched_getaffinity(0, sizeof usable, &usable) == 0)
    return static_cast<std::size_t>(std::max(1, CPU_COUNT(&usable)));
  return std::max(1U, std::thread::hardware_concurrency());
}

gateway::Server::Options gateway_options(const config::Config& config) {
  return {.listen_host = config.listen_host,
          .listen_port = config.listen_port,
          .region = config.region,
          .domains = config.domains,
          .tls_certificate_path = config.tls_certificate_path,
          .tls_key_path = config.tls_key_path,
          .access_log_path = config.access_log_path,
          .metrics_public = config.metrics_public,
          .metrics_token = config.metrics_token,
          .connections_max = config.connections_max};
}

std::optional<Cluster::Options> cluster_options(const config::Config& config) {
  if (!config.cluster) return std::nullopt;
  return Cluster::Options{.cluster = *config.cluster,
                          .listen_host = config.listen_host,
                          .drive_count = static_cast<std::uint16_t>(config.drives.size()),
                          .erasure = config.erasure};
}

/// Names may come up later than the node.
constexpr std::chrono::seconds kNameRetryPause{1};

Result<> find_own_node(config::Config& config, const std::function<bool()>& stopping) {
  const auto machine = local_machine();
  for (bool said = false; !stopping(); std::this_thread::sleep_for(kNameRetryPause)) {
    auto settled = config::settle_own_node(config, machine);
    if (settled || settled.error().code != Errc::request_timeout) return settled;
    if (!std::exchange(said, true)) log::info("waiting for a name to be known: {}", settled.error().detail);
  }
  return error(Errc::cancelled, "stopping");
}

/// What load balancers ask.
class StorageHealth final : public gateway::Health {
 public:
  explicit StorageHealth(const Storage& storage) : storage_(storage) {}
  bool ready() const override { return storage_.ready(); }
  bool write_quorum() const override { return storage_.ready() && storage_.write_quorum(); }

 private:
  const Storage& storage_;
};

class Process final : public Server {
 public:
  Process(config::Config config, std::function<bool()> stopping)
      : config_(std::move(config)),
        runtime_(io_threads(config_)),
        storage_(runtime_, {.drives = config_.drives,
                            .erasure = config_.erasure,
                            .write_memory_bytes = config_.write_memory_bytes,
                            .metadata_cache_bytes = config_.metadata_cache_bytes,
                            .body_cache_bytes = config_.body_cache_bytes,
                            .reclaim_grace = config_.reclaim_grace,
                            .scrub_period = config_.scrub_period,
                            .cluster = cluster_options(config_),
                            .stopping = std::move(stopping)}),
        health_(storage_),
        admin_(storage_) {}
  ~Process() override { stop(); }

  Result<> open();
  std::uint16_t port() const override { return gateway_->port(); }
  void stop() override;

 private:
  Task<RootPair> known_root();
  Result<> announce_root(const config::Config::Credential& pair);
  void say_started();

  const config::Config config_;
  Runtime runtime_;
  Storage storage_;
  StorageHealth health_;
  Admin admin_;
  RootPair root_;
  std::string root_file_;
  std::unique_ptr<gateway::Server> gateway_;
  bool storage_open_ = false;
  bool stopped_ = false;
};

Result<> Process::open() {
  runtime_.start();
  auto listening = gateway::Server::listen({.runtime = runtime_, .health = health_, .clock = system_clock_source()},
                                           gateway_options(config_));
  if (!listening) return std::move(listening).error();
  gateway_ = *std::move(listening);
  if (auto opened = storage_.open(); !opened) return opened;
  storage_open_ = true;
  auto root = wait_on(runtime_.io(0), until_led<RootPair>(
                                          runtime_, [this] { return known_root(); },
                                          [this] { return !config_.cluster || storage_.closing(); }));
  if (!root) return std::move(root).error();
  root_ = *std::move(root);
  gateway_->serve(storage_.store(), {root_.pair.user, root_.pair.password}, &admin_);
  storage_.serves();
  say_started();
  return {};
}

Task<RootPair> Process::known_root() {
  return settle_root(storage_.metadata(), config_.root, [this](const auto& pair) { return announce_root(pair); });
}

/// Before the pair is stored: on a terminal if somebody watches, else in a file only the owner reads.
Result<> Process::announce_root(const config::Config::Credential& pair) {
  if (isatty(STDOUT_FILENO) == 1) {
    fmt::print("{}", root_announcement(pair));
    std::fflush(stdout);
    return {};
  }
  const auto path = root_file(storage_.first_directory());
  if (auto written = write_root_file(path, pair); !written) return written;
  root_file_ = path.string();
  return {};
}

void Process::say_started() {
  const auto& plan = storage_.plan();
  fmt::print("{}", banner(config_, {.first_start = plan.first_start,
                                    .shape = plan.shape,
                                    .drives = plan.drives,
                                    .drives_in = storage_.drives_in(),
                                    .access_key = root_.pair.user,
                                    .root_file = root_file_,
                                    .port = gateway_->port()}));
  std::fflush(stdout);
}

void Process::stop() {
  if (std::exchange(stopped_, true)) return;
  if (storage_open_) storage_.leave();
  storage_.begin_close();
  if (gateway_) gateway_->stop(config_.stop_grace);
  if (storage_open_) {
    storage_.close();
    // After the drives have stopped: that is what ends a scrub.
    wait_on(runtime_.io(0), admin_.close());
  }
  runtime_.stop();
  log::info("stopped");
}

}  // namespace

Result<std::unique_ptr<Server>> Server::start(config::Config config, std::function<bool()> stopping) {
  if (config.cluster) {
    if (auto settled = find_own_node(config, stopping); !settled) return std::move(settled).error();
  }
  auto process = std::make_unique<Process>(std::move(config), std::move(stopping));
  if (auto opened = process->open(); !opened) return std::move(opened).error();
  return std::unique_ptr<Server>(std::move(process));
}

}  // namespace firn::server
