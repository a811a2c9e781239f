#include "transport/outgoing_snapshot.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <span>
#include <utility>

#include "transport/channel.h"

namespace firn::metadata::transport {
namespace {

constexpr std::uint64_t kPartBytes = 1 << 20;

}  // namespace

OutgoingSnapshot::OutgoingSnapshot(PeerService& service, std::string name) : service_(service), name_(std::move(name)) {
  service_.add(*this);
  StartSendInitialMetadata();
  boost::asio::post(service_.core().runtime.blocking(), [this] { open(); });
}

OutgoingSnapshot::~OutgoingSnapshot() { service_.remove(*this); }

void OutgoingSnapshot::drop_source() {
  const std::lock_guard lock(mutex_);
  dropped_ = true;
  source_.reset();
}

void OutgoingSnapshot::open() {
  Result<std::shared_ptr<SnapshotSource>> opened = error(Errc::drive_unreachable, "no metadata runs here yet");
  service_.core().endpoint.with([&](RaftEndpoint& endpoint) {
    opened = endpoint.open_snapshot(name_);
    const std::lock_guard lock(mutex_);
    if (opened && !dropped_) source_ = std::move(*opened);
  });
  if (!opened) return Finish(to_status(opened.error()));
  send_next();
}

void OutgoingSnapshot::send_next() {
  const Result<Step> step = fill_part();
  if (!step) return Finish(to_status(step.error()));
  ending_ = *step == Step::end;
  StartWrite(&part_);
}

Result<OutgoingSnapshot::Step> OutgoingSnapshot::fill_part() {
  const std::lock_guard lock(mutex_);
  if (!source_) return error(Errc::drive_unreachable, "the node stops");
  part_.Clear();
  const auto& files = source_->files();
  if (file_ == files.size()) return Step::end;
  const SnapshotFile& file = files[file_];
  if (!std::exchange(begun_, true)) {
    part_.mutable_file()->set_name(file.name);
    part_.mutable_file()->set_bytes(file.bytes);
    part_.mutable_file()->set_xxh3(file.xxh3);
    offset_ = 0;
  }
  std::string& data = *part_.mutable_data();
  data.resize(std::min(file.bytes - offset_, kPartBytes));
  if (auto read = source_->read(file_, offset_, std::as_writable_bytes(std::span(data))); !read) return read.error();
  offset_ += data.size();
  if (offset_ == file.bytes) {
    ++file_;
    begun_ = false;
  }
  return Step::part;
}

void OutgoingSnapshot::OnWriteDone(bool ok) {
  if (!ok) return Finish({grpc::StatusCode::CANCELLED, "the peer is gone"});
  if (ending_) return Finish(grpc::Status::OK);
  boost::asio::post(service_.core().runtime.blocking(), [this] { send_next(); });
}

}  // namespace firn::metadata::transport
