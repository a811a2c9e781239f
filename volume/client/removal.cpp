#include "removal.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <string>

#include "event.h"

namespace firn::volume {

namespace {

/// What the drives that are being told have in common. Shared with them: they may outlive a caller that gives up.
struct Round {
  std::shared_ptr<const View> view;  // Keeps the services alive.
  std::vector<ExtentId> extents;
  std::size_t under_way = 0;
  std::string untold;  // Drives that are in and could not be told, for the log.
  Event ended;

  void failed(DriveIndex drive, const std::string& why) {
    if (!view->map().is_in(drive)) return;
    untold += " drive " + std::to_string(drive.value) + ": " + why + ";";
  }
};

boost::asio::awaitable<void> tell(std::shared_ptr<Round> round, DriveIndex drive) {
  DriveService* service = round->view->service(drive);
  if (!service) {
    round->failed(drive, "absent");
    co_return;
  }
  Result<> told = co_await service->remove(round->extents);
  if (told) told = co_await service->sync_index();
  if (!told) round->failed(drive, told.error().detail);
}

}  // namespace

Task<> remove_extents(std::shared_ptr<Core> core, SetId set_id, std::vector<ExtentId> extents) {
  const std::shared_ptr<const View> view = core->view();
  const StripeSet* set = view->find_set(set_id);
  if (!set) co_return error(Errc::internal, "the cluster map has no set " + std::to_string(set_id.value));
  auto drives = set->members;
  for (const Move& move : set->moves) {
    if (!move.done) drives.push_back(move.from);
  }
  std::ranges::sort(drives);
  const auto repeated = std::ranges::unique(drives);
  drives.erase(repeated.begin(), repeated.end());

  const auto round = std::make_shared<Round>();
  round->view = view;
  round->extents = std::move(extents);
  for (const DriveIndex drive : drives) {
    ++round->under_way;
    boost::asio::co_spawn(core->executor(), tell(round, drive), [round, drive](std::exception_ptr thrown) {
      if (thrown) round->failed(drive, "thrown out of");
      --round->under_way;
      round->ended.signal();
    });
  }
  while (round->under_way > 0) co_await round->ended.wait();
  if (!round->untold.empty())
    co_return error(Errc::drive_out, "extents could not be removed everywhere:" + round->untold);
  co_return Unit{};
}

}  // namespace firn::volume
