#include "cluster/leadership.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <set>
#include <utility>

#include "firn/base/log.h"

namespace firn::server {

boost::asio::awaitable<void> Leadership::run() {
  while (!parts_.closing()) {
    woken_ = false;
    co_await follow_leader();
    if (liveness_) co_await watch_nodes(*liveness_);
    if (liveness_ && parts_.after_look) co_await parts_.after_look();
    if (woken_) continue;
    pause_.expires_after(kWatchPause);
    boost::system::error_code ignored;
    co_await pause_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
  }
}

void Leadership::wake() {
  woken_ = true;
  pause_.cancel();
}

boost::asio::awaitable<void> Leadership::follow_leader() {
  const bool leads = parts_.leads();
  if (leads == (liveness_ != nullptr)) co_return;
  if (leads) {
    log::info("this node leads");
    liveness_ = std::make_unique<Liveness>(parts_.nodes);
    if (parts_.roster) liveness_->know(parts_.roster(), std::chrono::steady_clock::now());
    liveness_->begin(std::chrono::steady_clock::now());
    maintenance_ = parts_.begin_maintenance();
  } else {
    log::info("this node leads no longer");
    maintenance_ = nullptr;
    co_await parts_.end_maintenance();
    liveness_.reset();
  }
}

boost::asio::awaitable<void> Leadership::watch_nodes(Liveness& liveness) {
  auto hellos = co_await parts_.hellos();
  const auto now = std::chrono::steady_clock::now();
  if (parts_.roster) liveness.know(parts_.roster(), now);
  std::set<NodeId> answered;
  for (auto& hello : hellos) {
    answered.insert(hello.node);
    liveness.heard(std::move(hello), now);
  }
  for (const auto node : parts_.gone ? parts_.gone() : std::vector<NodeId>{}) {
    if (!answered.contains(node)) liveness.gone(node);
  }
  const auto changes = liveness.changes(parts_.keeper.current(), now);
  if (changes.empty()) co_return;
  const auto done = co_await carry_out(changes);
  if (!done) {
    log::warn("the cluster map could not be changed: {} {}", to_string(done.error().code), done.error().detail);
  }
}

Task<> Leadership::carry_out(const Liveness::Changes& changes) {
  for (const auto drive : changes.out)
    log::warn("drive {} is put out: its node is silent or without it", drive.value + 1);
  for (const auto drive : changes.closing) log::info("drive {} takes no new extents: its node stops", drive.value + 1);
  for (const auto drive : changes.in) {
    log::info("drive {} is there again", drive.value + 1);
    CO_TRY(co_await maintenance_->drive_returning(drive));
  }
  CO_TRY(co_await parts_.keeper.change([&changes](MapChange& change) {
    for (const auto drive : changes.out) change.put_out(drive);
    for (const auto drive : changes.in) change.put_in(drive);
    for (const auto drive : changes.closing) change.set_closing(drive, true);
    for (const auto drive : changes.reopening) change.set_closing(drive, false);
  }));
  for (const auto drive : changes.in) maintenance_->drive_returned(drive);
  co_return Unit{};
}

}  // namespace firn::server
