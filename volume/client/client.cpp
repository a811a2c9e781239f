#include "firn/volume/client.h"

#include "core.h"
#include "extent_reader.h"
#include "extent_writer.h"
#include "removal.h"
#include "repair.h"

namespace firn::volume {

namespace {

class CoreClient final : public Client {
 public:
  CoreClient(Runtime& runtime, Options options, Events events)
      : core_(std::make_shared<Core>(runtime, options, std::move(events))) {}
  ~CoreClient() override { core_->silence(); }

  void connect(DriveIndex drive, std::shared_ptr<DriveService> service) override {
    core_->connect(drive, std::move(service));
  }
  void install_map(std::shared_ptr<const ClusterMap> map) override { core_->install_map(std::move(map)); }
  std::shared_ptr<const ClusterMap> map() const override { return core_->map(); }

  Result<std::unique_ptr<ExtentWriter>> write(ExtentId id, std::uint64_t length_bytes, BucketId owner) override {
    FIRN_ASSERT(length_bytes > 0);
    const std::shared_ptr<const View> view = core_->view();
    const StripeSet* set = core_->choose_set(*view);
    if (!set) return error(Errc::durability_unavailable, "no open set has enough drives in");
    std::unique_ptr<ExtentWriter> writer =
        std::make_unique<StripeWriter>(core_, view, Extent(id, set->id, set->shape, length_bytes), owner);
    return writer;
  }

  std::unique_ptr<ExtentReader> read(std::vector<ExtentPart> parts) override {
    return std::make_unique<PieceReader>(core_, std::move(parts));
  }

  Task<erasure::ShardMask> repair(ExtentPart extent, erasure::ShardMask wanted) override {
    return repair_extent(core_, extent, wanted);
  }
  Task<erasure::ShardMask> verify(ExtentPart extent) override { return verify_extent(core_, extent); }
  Task<> remove(SetId set, std::vector<ExtentId> extents) override {
    return remove_extents(core_, set, std::move(extents));
  }

 private:
  // Shared with writers, readers and the work they have under way: they may outlive the client.
  std::shared_ptr<Core> core_;
};

}  // namespace

std::unique_ptr<Client> Client::make(Runtime& runtime, Options options, Events events) {
  return std::make_unique<CoreClient>(runtime, options, std::move(events));
}

}  // namespace firn::volume
