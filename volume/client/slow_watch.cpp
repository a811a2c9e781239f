#include "slow_watch.h"

namespace firn::volume {

SlowWatch::Entry::Entry(SlowWatch& watch, Event& event, Clock::time_point deadline)
    : watch_(watch), event_(event), deadline_(deadline), place_(watch.entries_.insert(watch.entries_.end(), this)) {
  if (!watch_.armed_) watch_.arm(std::make_shared<boost::asio::steady_timer>(watch_.io_));
}

void SlowWatch::arm(std::shared_ptr<boost::asio::steady_timer> timer) {
  armed_ = true;
  boost::asio::steady_timer& waiting = *timer;
  waiting.expires_after(kTick);
  waiting.async_wait([weak = weak_from_this(), timer = std::move(timer)](const boost::system::error_code& failure) {
    const auto self = weak.lock();
    if (!self || failure) return;
    self->tick();
    self->armed_ = !self->entries_.empty();
    if (self->armed_) self->arm(timer);
  });
}

void SlowWatch::tick() {
  const auto now = Clock::now();
  for (Entry* entry : entries_) {
    if (entry->deadline_ > now) continue;
    entry->deadline_ = Clock::time_point::max();
    entry->event_.signal();
  }
}

}  // namespace firn::volume
