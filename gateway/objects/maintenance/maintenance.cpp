#include "firn/objects/maintenance.h"

#include "maintenance/orphan_sweeper.h"
#include "maintenance/reclaimer.h"
#include "maintenance/repairer.h"

namespace firn::objects {
namespace {

class Workers final : public Maintenance {
 public:
  Workers(const MaintenanceContext& context, LeaseId current_lease)
      : reclaimer_(context, {}), sweeper_(context, current_lease), repairer_(context, {}) {}

  void start() override {
    reclaimer_.start();
    sweeper_.start();
    repairer_.start();
  }
  boost::asio::awaitable<void> stop() override {
    co_await reclaimer_.stop();
    co_await sweeper_.stop();
    co_await repairer_.stop();
  }
  void record_damaged(const volume::DamagedRecord& record) override { repairer_.report(record); }
  void drive_returned(DriveIndex drive) override {
    sweeper_.sweep_whole(drive);
    repairer_.poke();
  }
  Progress progress() const override { return repairer_.progress(); }

 private:
  Reclaimer reclaimer_;
  OrphanSweeper sweeper_;
  Repairer repairer_;
};

}  // namespace

std::unique_ptr<Maintenance> Maintenance::make(MaintenanceContext context, LeaseId current_lease) {
  return std::make_unique<Workers>(context, current_lease);
}

}  // namespace firn::objects
