#include "map_keeper.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <utility>

#include "firn/base/assert.h"
#include "firn/base/log.h"

namespace firn::server {
namespace {

/// Between tries when metadata refuses a change: it has drives of its own to lose at such a moment. Doubles up to the
/// second.
constexpr std::chrono::milliseconds kRetryPauseMin{50};
constexpr std::chrono::milliseconds kRetryPauseMax{5'000};

std::string spelled(DriveIndex drive) { return "drive " + std::to_string(drive.value + 1); }

}  // namespace

MapKeeper::MapKeeper(Parts parts)
    : parts_(std::move(parts)),
      gate_(parts_.runtime.io(0).get_executor()),
      turn_ends_(parts_.runtime.io(0), boost::asio::steady_timer::time_point::max()) {}

boost::asio::awaitable<MapKeeper::Turn> MapKeeper::Turn::take(MapKeeper& keeper) {
  while (keeper.turn_taken_) {
    boost::system::error_code ignored;
    co_await keeper.turn_ends_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
  }
  keeper.turn_taken_ = true;
  co_return Turn(keeper);
}

MapKeeper::Turn::~Turn() {
  if (keeper_ == nullptr) return;
  keeper_->turn_taken_ = false;
  keeper_->turn_ends_.cancel();
}

Task<> MapKeeper::start(metadata::MapRecord recorded, std::function<void(MapChange&)> changes) {
  current_ = std::move(recorded);
  install(current_);
  co_return co_await record(changes);
}

boost::asio::awaitable<void> MapKeeper::stop() { co_await gate_.close(); }

Task<> MapKeeper::change(std::function<void(MapChange&)> changes) {
  while (!gate_.closed()) {
    auto recorded = co_await record(changes);
    // Another change was recorded between reading and writing: make this one on top of it.
    if (recorded || recorded.error().code != Errc::conditional_request_conflict) co_return recorded;
  }
  co_return error(Errc::cancelled, "stopping");
}

void MapKeeper::put_out(DriveIndex drive, const Error& why) {
  enqueue({drive, true, std::string(to_string(why.code)) + (why.detail.empty() ? "" : ": " + why.detail)});
}

void MapKeeper::put_in(DriveIndex drive) { enqueue({drive, false, {}}); }

void MapKeeper::enqueue(Request request) {
  boost::asio::post(parts_.runtime.io(0), [this, request = std::move(request)]() mutable {
    waiting_.push_back(std::move(request));
    if (running_ || !gate_.enter()) return;
    running_ = true;
    boost::asio::co_spawn(parts_.runtime.io(0), run(), boost::asio::detached);  // stop() waits at the gate.
  });
}

boost::asio::awaitable<void> MapKeeper::run() {
  const Gate::Pass pass(gate_);
  while (!waiting_.empty() && !gate_.closed()) co_await carry_out(std::exchange(waiting_, {}));
  running_ = false;
}

boost::asio::awaitable<void> MapKeeper::carry_out(std::deque<Request> requests) {
  for (const auto& request : requests) {
    if (!request.out || !is_in(current_, request.drive)) continue;  // Reported by every writer that meets it.
    log::error("{} is put out: {}", spelled(request.drive), request.why);
    co_await parts_.drive_lost(request.drive);
  }
  const auto changes = [&requests](MapChange& change) {
    for (const auto& request : requests) request.out ? change.put_out(request.drive) : change.put_in(request.drive);
  };
  for (auto pause = kRetryPauseMin; !gate_.closed(); pause = std::min(2 * pause, kRetryPauseMax)) {
    const auto recorded = co_await record(changes);
    if (recorded) co_return;
    log::error("the cluster map could not be changed ({} {}); trying again", to_string(recorded.error().code),
               recorded.error().detail);
    boost::asio::steady_timer timer(parts_.runtime.io(0), pause);
    co_await timer.async_wait(boost::asio::use_awaitable);
  }
}

Task<> MapKeeper::record(const std::function<void(MapChange&)>& changes) {
  const Turn turn = co_await Turn::take(*this);
  MapChange change(current_);
  changes(change);
  auto after = change.finish();
  if (!after) co_return Unit{};
  auto recorded = co_await parts_.metadata.put_cluster_map(*after);
  if (!recorded) {
    // An outcome that is not known, or a change by somebody else: what is recorded now decides what is left to do.
    auto newest = co_await parts_.metadata.cluster_map();
    if (newest && newest->version > current_.version) co_await adopt(*std::move(newest));
    co_return std::move(recorded).error();
  }
  co_await adopt(*std::move(after));
  co_return Unit{};
}

void MapKeeper::note(metadata::MapRecord map) {
  boost::asio::post(parts_.runtime.io(0), [this, map = std::move(map)]() mutable {
    if (!gate_.enter()) return;
    boost::asio::co_spawn(parts_.runtime.io(0), adopt_noted(std::move(map)),
                          boost::asio::detached);  // stop() waits at the gate.
  });
}

boost::asio::awaitable<void> MapKeeper::adopt_noted(metadata::MapRecord map) {
  const Gate::Pass pass(gate_);
  co_await adopt(std::move(map));
}

boost::asio::awaitable<void> MapKeeper::adopt(metadata::MapRecord map) {
  // One's own change may come back as noted before it is answered.
  if (map.version <= current_.version) co_return;
  metadata::MapRecord before = std::exchange(current_, std::move(map));
  install(current_);
  co_await raise_epochs(std::move(before), current_);
}

void MapKeeper::install(const metadata::MapRecord& map) {
  parts_.volumes.install_map(std::make_shared<const volume::ClusterMap>(to_cluster_map(map)));
  std::size_t out = 0;
  for (const auto& drive : map.drives) out += drive.out ? 1 : 0;
  log::info("cluster map {}: {} of {} drives in", map.version, map.drives.size() - out, map.drives.size());
}

/// Maps of its own: while it waits for a drive, the next one may be adopted.
boost::asio::awaitable<void> MapKeeper::raise_epochs(metadata::MapRecord before, metadata::MapRecord after) {
  for (const auto& set : after.sets) {
    const auto* old = find_set(before, set.id);
    if (old != nullptr && old->epoch == set.epoch) continue;
    auto holders = set.members;
    for (const auto& move : set.moves) {
      if (!move.done) holders.push_back(move.from);
    }
    for (const auto member : holders) {
      const auto service = parts_.drive(member);
      if (!is_in(after, member) || service == nullptr) continue;
      const auto raised = co_await service->raise_epoch(set.id, set.epoch);
      if (!raised) put_out(member, raised.error());
    }
  }
}

}  // namespace firn::server
