#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "transport/peer_service.h"

namespace firn::metadata::transport {

/// A snapshot on its way to a peer: read part by part on the blocking pool, each when the one before is sent.
///
/// Threads: gRPC's and the blocking pool's, one at a time; `drop_source` from any. Deletes itself.
class OutgoingSnapshot final : public grpc::ServerWriteReactor<proto::SnapshotPart> {
 public:
  OutgoingSnapshot(PeerService& service, std::string name);
  ~OutgoingSnapshot() override;

  /// The snapshot is not touched any more when this returns; the peer is told that it has ended.
  void drop_source();

  void OnWriteDone(bool ok) override;
  void OnDone() override { delete this; }

 private:
  enum class Step : std::uint8_t { part, end };
  void open();
  void send_next();
  Result<Step> fill_part();

  PeerService& service_;
  const std::string name_;
  std::mutex mutex_;
  bool dropped_ = false;
  std::shared_ptr<SnapshotSource> source_;
  std::size_t file_ = 0;
  bool begun_ = false;  ///< The file's beginning has been sent.
  bool ending_ = false;
  std::uint64_t offset_ = 0;
  proto::SnapshotPart part_;
};

}  // namespace firn::metadata::transport
