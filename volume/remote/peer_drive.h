#pragma once

#include <memory>
#include <vector>

#include "firn/volume/drive_service.h"
#include "remote/peer.h"

namespace firn::volume {

/// One opening of a drive on another node.
///
/// Threads, durability: as DriveService. Holds no state but where it is.
class PeerDrive final : public DriveService {
 public:
  PeerDrive(std::shared_ptr<Peer> peer, const wire::ServedDrive& drive)
      : peer_(std::move(peer)), index_(drive.index), opening_(drive.opening) {}

  DriveIndex index() const override { return index_; }
  Task<> append(Append request) override;
  Task<> sync() override;
  Task<RecordBytes> read(RecordKey key, ByteRange range) override;
  Task<> remove(std::vector<ExtentId> extents) override;
  Task<> sync_index() override;
  Task<std::vector<RecordInfo>> list(RecordKey after, std::size_t limit) override;
  Task<> raise_epoch(SetId set, SetEpoch epoch) override;
  Task<DriveUsage> usage() override;

 private:
  wire::DriveRequest target() const { return {.drive = index_, .opening = opening_}; }
  /// What has no more to say than which drive.
  Task<> ask_plainly(wire::FrameKind kind);
  Error broken() const;

  const std::shared_ptr<Peer> peer_;
  const DriveIndex index_;
  const std::uint64_t opening_;
};

}  // namespace firn::volume
