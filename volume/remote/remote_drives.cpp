#include "firn/volume/remote_drives.h"

#include <map>
#include <mutex>
#include <utility>

#include <boost/asio/co_spawn.hpp>

#include "firn/base/gate.h"
#include "firn/base/log.h"
#include "remote/peer.h"
#include "wire/handshake.h"

namespace firn::volume {
namespace {

class Peers final : public RemoteDrives {
 public:
  Peers(Runtime& runtime, Options options, std::shared_ptr<wire::TlsFiles> tls, Events events)
      : runtime_(runtime),
        options_(std::move(options)),
        tls_(std::move(tls)),
        events_(std::make_shared<const Events>(std::move(events))) {}

  void add(PeerAddress peer) override;
  void remove(NodeId node) override;
  std::vector<PeerStatus> status() const override;
  Task<> stop() override;

 private:
  Runtime& runtime_;
  const Options options_;
  const std::shared_ptr<wire::TlsFiles> tls_;
  const std::shared_ptr<const Events> events_;
  mutable std::mutex mutex_;
  bool stopped_ = false;
  std::map<NodeId, std::shared_ptr<Peer>> peers_;
  std::vector<std::shared_ptr<Peer>> removed_;  ///< Their connections may still be ending.
};

void Peers::add(PeerAddress peer) {
  const std::lock_guard lock(mutex_);
  if (stopped_) return;
  std::shared_ptr<Peer>& known = peers_[peer.node];
  if (known) return known->move_to(std::move(peer));
  known = std::make_shared<Peer>(runtime_, std::make_shared<Dial>(options_, tls_, std::move(peer)), events_);
  known->start();
}

void Peers::remove(NodeId node) {
  const std::lock_guard lock(mutex_);
  const auto found = peers_.find(node);
  if (found == peers_.end()) return;
  const std::shared_ptr<Peer> peer = found->second;
  removed_.push_back(peer);
  peers_.erase(found);
  boost::asio::co_spawn(runtime_.io(0), peer->stop(), [peer](const std::exception_ptr&, const Result<>&) {});
}

std::vector<PeerStatus> Peers::status() const {
  const std::lock_guard lock(mutex_);
  std::vector<PeerStatus> all;
  for (const auto& [node, peer] : peers_) all.push_back(peer->status());
  return all;
}

Task<> Peers::stop() {
  std::vector<std::shared_ptr<Peer>> peers;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    peers = std::move(removed_);
    for (auto& [node, peer] : peers_) peers.push_back(std::move(peer));
    peers_.clear();
  }
  for (const auto& peer : peers) CO_TRY(co_await peer->stop());
  co_return Unit{};
}

}  // namespace

Result<std::unique_ptr<RemoteDrives>> RemoteDrives::make(Runtime& runtime, Options options, Events events) {
  auto tls = wire::load_identity(options.identity);
  if (!tls) return std::move(tls).error();
  return std::unique_ptr<RemoteDrives>(
      std::make_unique<Peers>(runtime, std::move(options), *std::move(tls), std::move(events)));
}

}  // namespace firn::volume
