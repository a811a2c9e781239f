#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "firn/volume/remote_drives.h"
#include "remote/dial.h"
#include "remote/link.h"

namespace firn::volume {

/// One peer: its links, one per io thread, and what is known of it.
///
/// Threads: any, except where said. Shared by its owner and the drives it serves, which are held on to in no order.
class Peer : public std::enable_shared_from_this<Peer> {
 public:
  Peer(Runtime& runtime, std::shared_ptr<Dial> dial, std::shared_ptr<const RemoteDrives::Events> events);

  NodeId node() const { return dial_->node(); }
  /// Begins to watch it.
  void start();
  void move_to(PeerAddress address);
  PeerStatus status() const;
  /// Ends its connections, and lets none be made any more.
  Task<> stop();

  /// Sends `call` over the calling io thread's link.
  boost::asio::awaitable<void> ask(Call& call);

 private:
  Link& link(std::size_t thread);  ///< On that io thread.
  static Task<> stop_link(std::shared_ptr<Peer> self, std::size_t thread);
  // On the first io thread: what the watching link tells.
  void seen(const std::vector<wire::ServedDrive>& drives);
  void lost(const Error& why, Link::Loss how);
  void forget_links(const Error& why);

  Runtime& runtime_;
  const std::shared_ptr<Dial> dial_;
  const std::shared_ptr<const RemoteDrives::Events> events_;  // Shared with the other peers.
  std::vector<std::shared_ptr<Link>> links_;                  ///< Each its io thread's.
  std::map<DriveIndex, wire::ServedDrive> drives_;            ///< The first io thread's.
  mutable std::mutex mutex_;
  PeerStatus status_;
};

}  // namespace firn::volume
