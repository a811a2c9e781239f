#include "firn/metadata/peer_transport.h"

#include <grpc/support/log.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <map>
#include <utility>

#include "firn/base/log.h"
#include "transport/channel.h"
#include "transport/core.h"
#include "transport/peer_channel.h"
#include "transport/peer_service.h"

namespace firn::metadata {
namespace transport {
namespace {

class Transport final : public PeerTransport {
 public:
  Transport(Runtime& runtime, const Options& options, Credentials credentials)
      : credentials_(std::move(credentials)),
        core_(std::make_shared<Core>(runtime, options)),
        service_(std::make_unique<PeerService>(*core_)) {}
  ~Transport() override { stop(); }

  Result<> listen(const std::string& host, std::uint16_t port);

  std::uint16_t port() const override { return static_cast<std::uint16_t>(port_); }
  void set_cluster(Uuid cluster) override { core_->set_cluster(cluster); }
  void add(Peer peer) override;
  void remove(NodeId node) override;
  Task<std::string> hello(NodeId to, std::string request, std::chrono::milliseconds timeout) override;
  void stop() override;

  void attach(RaftEndpoint& endpoint) override { core_->endpoint.attach(endpoint); }
  void detach() override;
  void send(NodeId to, std::string message) override;
  Result<> fetch_snapshot(NodeId from, const std::string& name, SnapshotSink& sink) override;

 private:
  std::shared_ptr<PeerChannel> find(NodeId peer) const;
  std::vector<std::shared_ptr<PeerChannel>> channels() const;

  const Credentials credentials_;
  const std::shared_ptr<Core> core_;  // Shared with channels, which calls under way hold.
  const std::unique_ptr<PeerService> service_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
  mutable std::mutex mutex_;
  bool stopped_ = false;
  std::map<NodeId, std::shared_ptr<PeerChannel>> peers_;
};

/// What gRPC has to say of connections that fail is said by us already, once.
void quiet_grpc() {
  static const bool done = [] {
    gpr_set_log_function([](gpr_log_func_args* said) {
      if (said->severity == GPR_LOG_SEVERITY_ERROR) log::debug("gRPC: {}", said->message);
    });
    return true;
  }();
  (void)done;
}

Result<> Transport::listen(const std::string& host, std::uint16_t port) {
  constexpr int kPingsEveryMs = 500;
  quiet_grpc();
  grpc::ServerBuilder builder;
  builder.SetMaxReceiveMessageSize(kMessageBytesMax);
  builder.SetMaxSendMessageSize(kMessageBytesMax);
  // Peers ask every few seconds whether this node is there, also when nothing else is to be said.
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, kPingsEveryMs);
  // Two processes on one port would each get some of the peers.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddListeningPort(host + ":" + std::to_string(port), credentials_.server, &port_);
  builder.RegisterService(service_.get());
  server_ = builder.BuildAndStart();
  if (!server_ || port_ == 0) {
    return error(Errc::io_error, "metadata between nodes: can't listen on " + host + ":" + std::to_string(port));
  }
  return {};
}

void Transport::add(Peer peer) {
  auto channel =
      std::make_shared<PeerChannel>(core_, peer.node, make_channel(credentials_.channel, peer.host, peer.port));
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return;
    std::swap(peers_[peer.node], channel);
  }
  if (channel) channel->close();
}

void Transport::remove(NodeId node) {
  std::shared_ptr<PeerChannel> channel;
  {
    const std::lock_guard lock(mutex_);
    const auto found = peers_.find(node);
    if (found == peers_.end()) return;
    channel = std::move(found->second);
    peers_.erase(found);
  }
  channel->close();
}

std::shared_ptr<PeerChannel> Transport::find(NodeId peer) const {
  const std::lock_guard lock(mutex_);
  const auto found = peers_.find(peer);
  return found == peers_.end() ? nullptr : found->second;
}

std::vector<std::shared_ptr<PeerChannel>> Transport::channels() const {
  std::vector<std::shared_ptr<PeerChannel>> all;
  const std::lock_guard lock(mutex_);
  for (const auto& [node, channel] : peers_) all.push_back(channel);
  return all;
}

Task<std::string> Transport::hello(NodeId to, std::string request, std::chrono::milliseconds timeout) {
  const auto channel = find(to);
  if (!channel) co_return error(Errc::drive_unreachable, "node " + std::to_string(to.value) + " is no peer");
  co_return co_await channel->hello(std::move(request), timeout);
}

void Transport::send(NodeId to, std::string message) {
  if (const auto channel = find(to)) channel->send(std::move(message));
}

Result<> Transport::fetch_snapshot(NodeId from, const std::string& name, SnapshotSink& sink) {
  const auto channel = find(from);
  if (!channel) return error(Errc::drive_unreachable, "node " + std::to_string(from.value) + " is no peer");
  return channel->fetch_snapshot(name, sink);
}

void Transport::detach() {
  core_->endpoint.detach();
  service_->end_snapshots();
  for (const auto& channel : channels()) channel->cancel_fetches();
}

void Transport::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(stopped_, true)) return;
  }
  detach();
  for (const auto& channel : channels()) channel->close();
  if (!server_) return;
  server_->Shutdown(std::chrono::system_clock::now());
  server_->Wait();
  server_.reset();
}

}  // namespace
}  // namespace transport

Result<std::unique_ptr<PeerTransport>> PeerTransport::start(Runtime& runtime, Options options) {
  if (options.identity.key.size() < kClusterKeyBytesMin) {
    return error(Errc::invalid_argument,
                 "the cluster key is shorter than " + std::to_string(kClusterKeyBytesMin) + " bytes");
  }
  auto credentials = transport::load_credentials(options.identity);
  if (!credentials) return std::move(credentials).error();
  auto made = std::make_unique<transport::Transport>(runtime, options, std::move(*credentials));
  if (auto listening = made->listen(options.host, options.port); !listening) return std::move(listening).error();
  for (auto& peer : options.peers) made->add(std::move(peer));
  return std::unique_ptr<PeerTransport>(std::move(made));
}

}  // namespace firn::metadata
