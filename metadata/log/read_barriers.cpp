#include "log/read_barriers.h"

#include <algorithm>
#include <utility>

namespace firn::metadata {

/// With the lock held. Another number each time: an answer to an older question says too little for those who came
/// since.
void ReadBarriers::ask(Clock::time_point now) {
  ++request_;
  for (Waiting& waiting : next_) {
    waiting.request = request_;
    asked_.push_back(std::move(waiting));
  }
  next_.clear();
  asked_at_ = now;
  ask_(request_);
}

void ReadBarriers::add(Barrier reached) {
  std::unique_lock lock(mutex_);
  if (!closed_) {
    Result<> closed = closed_;
    lock.unlock();
    return reached(std::move(closed));
  }
  const Clock::time_point now = Clock::now();
  next_.push_back({std::move(reached), now + patience_});
  if (asked_.empty()) ask(now);
}

void ReadBarriers::answered(std::uint64_t request, std::uint64_t index) {
  std::vector<Waiting> reached;
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(asked_, [&](Waiting& waiting) {
      if (waiting.request > request) return false;
      if (applied_ >= index) {
        reached.push_back(std::move(waiting));
      } else {
        answered_.emplace(index, std::move(waiting));
      }
      return true;
    });
    if (asked_.empty() && !next_.empty()) ask(Clock::now());
  }
  for (Waiting& waiting : reached) waiting.reached({});
}

void ReadBarriers::applied(std::uint64_t index) {
  std::vector<Waiting> reached;
  {
    const std::lock_guard lock(mutex_);
    applied_ = std::max(applied_, index);
    const auto end = answered_.upper_bound(applied_);
    for (auto waiting = answered_.begin(); waiting != end; ++waiting) reached.push_back(std::move(waiting->second));
    answered_.erase(answered_.begin(), end);
  }
  for (Waiting& waiting : reached) waiting.reached({});
}

void ReadBarriers::tick(Clock::time_point now) {
  std::vector<Waiting> late;
  {
    const std::lock_guard lock(mutex_);
    const auto take_late = [&](Waiting& waiting) {
      if (waiting.until > now) return false;
      late.push_back(std::move(waiting));
      return true;
    };
    std::erase_if(next_, take_late);
    std::erase_if(asked_, take_late);
    for (auto waiting = answered_.begin(); waiting != answered_.end();) {
      waiting = take_late(waiting->second) ? answered_.erase(waiting) : std::next(waiting);
    }
    if (!asked_.empty() && now - asked_at_ >= ask_again_) ask(now);
    if (asked_.empty() && !next_.empty()) ask(now);
  }
  for (Waiting& waiting : late) waiting.reached(error(Errc::durability_unavailable, "no metadata leader answers"));
}

void ReadBarriers::leader_changed() {
  const std::lock_guard lock(mutex_);
  if (!asked_.empty() || !next_.empty()) ask(Clock::now());
}

void ReadBarriers::close(const Error& why) {
  std::vector<Waiting> all;
  {
    const std::lock_guard lock(mutex_);
    closed_ = why;
    for (std::vector<Waiting>* waiting : {&next_, &asked_}) {
      all.insert(all.end(), std::make_move_iterator(waiting->begin()), std::make_move_iterator(waiting->end()));
      waiting->clear();
    }
    for (auto& [index, waiting] : answered_) all.push_back(std::move(waiting));
    answered_.clear();
  }
  for (Waiting& waiting : all) waiting.reached(why);
}

}  // namespace firn::metadata
