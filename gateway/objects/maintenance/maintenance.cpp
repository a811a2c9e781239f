#include "firn/objects/maintenance.h"

#include "maintenance/orphan_sweeper.h"
#include "maintenance/reclaimer.h"
#include "maintenance/repairer.h"

namespace firn::objects {
namespace {

class Workers final : public Maintenance {
 public:
  Workers(const MaintenanceContext& context, Options options)
      : reclaimer_(context, options.reclaim_grace), sweeper_(context), repairer_(context, {}) {}

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
  Task<> drive_returning(DriveIndex drive) override { return sweeper_.sweep_again(drive); }
  void drive_returned(DriveIndex) override {
    sweeper_.poke();
    repairer_.poke();
  }
  Progress progress() const override { return repairer_.progress(); }

 private:
  Reclaimer reclaimer_;
  OrphanSweeper sweeper_;
  Repairer repairer_;
};

}  // namespace

std::unique_ptr<Maintenance> Maintenance::make(MaintenanceContext context, Options options) {
  return std::make_unique<Workers>(context, options);
}

}  // namespace firn::objects
