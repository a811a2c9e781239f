#include "remote/peer.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "firn/base/assert.h"
#include "firn/base/log.h"
#include "remote/peer_drive.h"

namespace firn::volume {

namespace asio = boost::asio;

Peer::Peer(Runtime& runtime, std::shared_ptr<Dial> dial, std::shared_ptr<const RemoteDrives::Events> events)
    : runtime_(runtime), dial_(std::move(dial)), events_(std::move(events)), links_(runtime.io_threads()) {
  status_.node = dial_->node();
  status_.why_not = "not tried yet";
}

void Peer::start() {
  asio::post(runtime_.io(0), [self = shared_from_this()] { self->link(0).wake(); });
}

Link& Peer::link(std::size_t thread) {
  std::shared_ptr<Link>& link = links_[thread];
  if (!link) {
    std::optional<Link::Watch> watch;
    if (thread == 0) {
      const std::weak_ptr<Peer> peer = weak_from_this();
      watch = Link::Watch{.seen =
                              [peer](const auto& drives) {
                                if (const auto self = peer.lock()) self->seen(drives);
                              },
                          .lost =
                              [peer](const Error& why, Link::Loss how) {
                                if (const auto self = peer.lock()) self->lost(why, how);
                              }};
    }
    link = std::make_shared<Link>(runtime_.io(thread), dial_, std::move(watch));
  }
  return *link;
}

asio::awaitable<void> Peer::ask(Call& call) {
  const std::size_t thread = Runtime::current();
  FIRN_ASSERT(thread < links_.size());
  co_await link(thread).ask(call);
}

void Peer::move_to(PeerAddress address) {
  dial_->set_address(std::move(address));
  for (std::size_t thread = 0; thread < links_.size(); ++thread) {
    asio::post(runtime_.io(thread), [self = shared_from_this(), thread] {
      if (!self->links_[thread]) return;
      self->links_[thread]->disconnect(error(Errc::drive_unreachable, "its address has changed"));
    });
  }
}

PeerStatus Peer::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

void Peer::seen(const std::vector<wire::ServedDrive>& drives) {
  std::map<DriveIndex, wire::ServedDrive> now;
  for (const auto& drive : drives) now.insert_or_assign(drive.index, drive);
  const auto before = std::exchange(drives_, now);
  PeerStatus changed;
  bool came = false;
  {
    const std::lock_guard lock(mutex_);
    came = !std::exchange(status_.reachable, true);
    status_.gone = false;
    status_.why_not.clear();
    status_.drives = drives_.size();
    changed = status_;
  }
  if (came) {
    log::info("node {} is reached, with {} drives", node().value, drives_.size());
    if (events_->peer_changed) events_->peer_changed(changed);
  }
  for (const auto& [index, drive] : drives_) {
    const auto known = before.find(index);
    if (known != before.end() && known->second == drive) continue;
    if (events_->drive_opened) {
      events_->drive_opened(
          {.node = node(), .uuid = drive.uuid, .service = std::make_shared<PeerDrive>(shared_from_this(), drive)});
    }
  }
}

void Peer::lost(const Error& why, Link::Loss how) {
  PeerStatus changed;
  bool left = false;
  bool now_gone = false;
  bool other_reason = false;
  {
    const std::lock_guard lock(mutex_);
    left = std::exchange(status_.reachable, false);
    other_reason = status_.why_not != why.detail;
    status_.why_not = why.detail;
    now_gone = how != Link::Loss::ended && !std::exchange(status_.gone, true);
    changed = status_;
  }
  // A peer that stays away is tried every second, and said to be away once.
  if (left || other_reason) log::warn("node {} is not reachable: {}", node().value, why.detail);
  if (!left && !now_gone) return;
  // Where connections are ended, as by a node that stops, each of them says so when its answers are through.
  if (left && how == Link::Loss::silent) forget_links(why);
  if (events_->peer_changed) events_->peer_changed(changed);
}

/// The other threads need not find out for themselves.
void Peer::forget_links(const Error& why) {
  for (std::size_t thread = 1; thread < links_.size(); ++thread) {
    asio::post(runtime_.io(thread), [self = shared_from_this(), thread, why] {
      if (self->links_[thread]) self->links_[thread]->disconnect(why);
    });
  }
}

Task<> Peer::stop() {
  for (std::size_t thread = 0; thread < links_.size(); ++thread) {
    CO_TRY(co_await asio::co_spawn(runtime_.io(thread), stop_link(shared_from_this(), thread), asio::use_awaitable));
  }
  co_return Unit{};
}

Task<> Peer::stop_link(std::shared_ptr<Peer> self, std::size_t thread) {
  co_await self->link(thread).stop();
  co_return Unit{};
}

}  // namespace firn::volume
