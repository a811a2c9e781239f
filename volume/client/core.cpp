#include "core.h"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>

#include "firn/base/assert.h"

namespace firn::volume {

namespace {

/// How long a set with a full drive comes last. Space returns with rewriting and deletes, which take seconds.
constexpr std::chrono::seconds kFullSetRest{2};

}  // namespace

Core::Core(Runtime& runtime, Client::Options options, Client::Events events)
    : options_(options),
      events_(std::move(events)),
      admission_(std::make_shared<Admission>(runtime, options.admission_bytes_max)),
      read_budget_(std::make_shared<Admission>(runtime, options.read_bytes_max)),
      newest_(std::make_shared<const View>(std::make_shared<const ClusterMap>(),
                                           std::vector<std::shared_ptr<DriveService>>{})) {
  for (std::size_t i = 0; i < runtime.io_threads(); ++i) threads_.push_back(std::make_unique<Thread>(runtime.io(i)));
}

void Core::connect(DriveIndex drive, std::shared_ptr<DriveService> service) {
  const std::lock_guard lock(mutex_);
  auto services = newest_->services();
  if (drive.value >= services.size()) services.resize(drive.value + 1U);
  services[drive.value] = std::move(service);
  replace_view(std::make_shared<const View>(newest_->shared_map(), std::move(services)));
}

void Core::install_map(std::shared_ptr<const ClusterMap> map) {
  {
    const std::lock_guard lock(mutex_);
    if (has_map_ && map->version <= newest_->map().version) return;
    has_map_ = true;
    replace_view(std::make_shared<const View>(std::move(map), newest_->services()));
  }
  for (const auto& thread : threads_) {
    boost::asio::post(*thread->io, [self = shared_from_this(), &waiters = thread->map_waiters] {
      for (boost::asio::steady_timer* waiter : waiters) waiter->cancel();
    });
  }
}

void Core::replace_view(std::shared_ptr<const View> view) {
  newest_ = std::move(view);
  generation_.fetch_add(1, std::memory_order_release);
}

std::shared_ptr<const ClusterMap> Core::map() const {
  const std::lock_guard lock(mutex_);
  return newest_->shared_map();
}

Core::Thread& Core::here() {
  const std::size_t index = Runtime::current();
  FIRN_ASSERT(index < threads_.size());
  return *threads_[index];
}

const std::shared_ptr<const View>& Core::view() {
  Thread& thread = here();
  if (thread.generation != generation_.load(std::memory_order_acquire)) {
    const std::lock_guard lock(mutex_);
    // A copy with a reference count of its own: counting on one shared by all threads would make them contend.
    thread.view = std::make_shared<const View>(newest_->shared_map(), newest_->services());
    thread.generation = generation_.load(std::memory_order_relaxed);
  }
  return thread.view;
}

boost::asio::awaitable<bool> Core::wait_for_map(std::uint64_t version, SteadyTime deadline) {
  Thread& thread = here();
  struct Waiting {  // Leaves the list however the coroutine ends.
    Thread& thread;
    boost::asio::steady_timer timer;
    std::list<boost::asio::steady_timer*>::iterator place;
    ~Waiting() { thread.map_waiters.erase(place); }
  } waiting{thread, boost::asio::steady_timer(*thread.io, deadline),
            thread.map_waiters.insert(thread.map_waiters.end(), nullptr)};
  *waiting.place = &waiting.timer;
  while (view()->map().version <= version) {
    boost::system::error_code woken;
    co_await waiting.timer.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, woken));
    if (!woken) co_return view()->map().version > version;
  }
  co_return true;
}

void Core::drive_failed(DriveIndex drive, const Error& failure) {
  if (silent_.load() || !events_.drive_failed || !view()->map().is_in(drive)) return;
  events_.drive_failed(drive, failure);
}

void Core::record_damaged(const DamagedRecord& record) {
  if (!silent_.load() && events_.record_damaged) events_.record_damaged(record);
}

const StripeSet* Core::choose_set(const View& view) {
  Thread& thread = here();
  const auto& sets = view.writable_sets();
  if (sets.empty()) return nullptr;
  const std::size_t whole = view.whole_sets();
  const std::size_t turn = thread.turn++;
  if (whole == 1 && sets.size() == 1) return sets.front();  // The embedded default.

  const auto now = std::chrono::steady_clock::now();
  const auto first_with_room = [&](std::size_t from, std::size_t count) -> const StripeSet* {
    for (std::size_t i = 0; i < count; ++i) {
      const StripeSet* set = sets[from + (turn + i) % count];
      if (!is_full(thread, set->id, now)) return set;
    }
    return nullptr;
  };
  if (const StripeSet* set = first_with_room(0, whole)) return set;
  if (const StripeSet* set = first_with_room(whole, sets.size() - whole)) return set;
  return sets[turn % sets.size()];  // All are full as far as we know: only trying tells when space is back.
}

bool Core::is_full(Thread& thread, SetId set, SteadyTime now) {
  std::erase_if(thread.full_sets, [now](const auto& entry) { return entry.second <= now; });
  return std::ranges::any_of(thread.full_sets, [set](const auto& entry) { return entry.first == set; });
}

void Core::set_is_full(SetId set) {
  auto& full_sets = here().full_sets;
  std::erase_if(full_sets, [set](const auto& entry) { return entry.first == set; });
  full_sets.emplace_back(set, std::chrono::steady_clock::now() + kFullSetRest);
}

}  // namespace firn::volume
