#include "remote/peer_drive.h"

#include <algorithm>
#include <span>
#include <utility>

namespace firn::volume {

using wire::FrameKind;

Error PeerDrive::broken() const {
  return error(Errc::drive_unreachable,
               "node " + std::to_string(peer_->node().value) + ": its answer breaks the protocol");
}

Task<> PeerDrive::ask_plainly(FrameKind kind) {
  Call call(kind);
  call.frame.begin(kind, 0);
  wire::put_drive(call.frame, target());
  co_await peer_->ask(call);
  co_return call.outcome();
}

Task<> PeerDrive::append(Append request) {
  if (request.record.size() < kPageBytes || request.record.size() > wire::kPayloadBytesMax) {
    co_return error(Errc::invalid_argument, "append: lengths");
  }
  Call call(FrameKind::append);
  call.frame.begin(FrameKind::append, 0);
  wire::put_append(call.frame, opening_, index_, request);
  call.frame.set_payload(request.record);
  co_await peer_->ask(call);
  co_return call.outcome();
}

Task<> PeerDrive::sync() { return ask_plainly(FrameKind::sync); }

Task<> PeerDrive::sync_index() { return ask_plainly(FrameKind::sync_index); }

Task<RecordBytes> PeerDrive::read(RecordKey key, ByteRange range) {
  if (range.offset > kChunkBytesMax || range.length > kChunkBytesMax - range.offset) {
    co_return error(Errc::invalid_argument, "read: past what a record may store");
  }
  Call call(FrameKind::read);
  call.frame.begin(FrameKind::read, 0);
  wire::put_read(call.frame, {.drive = index_, .key = key, .range = range});
  co_await peer_->ask(call);
  CO_TRY(call.outcome());
  const auto first_block = wire::decode_first_block(call.body());
  if (!first_block) co_return broken();
  RecordBytes bytes;
  bytes.memory = call.take_payload();
  bytes.first_block = *first_block;
  // The bytes prove themselves to the caller, their number does not.
  const std::uint64_t first = range.offset / kBlockBytes;
  const std::uint64_t wanted = range.length == 0 ? 0 : round_up_to_page(range.end()) - first * kBlockBytes;
  if (bytes.memory.size() != kPageBytes + wanted || bytes.first_block != first) co_return broken();
  co_return bytes;
}

Task<> PeerDrive::remove(std::vector<ExtentId> extents) {
  for (std::span<const ExtentId> left = extents; !left.empty();) {
    const auto part = left.first(std::min(left.size(), wire::kExtentsPerRemove));
    left = left.subspan(part.size());
    Call call(FrameKind::remove);
    call.frame.begin(FrameKind::remove, 0);
    wire::put_drive(call.frame, target());
    for (const ExtentId& extent : part) {
      call.frame.put(wire::ExtentBody{.lease = extent.lease.value, .counter = extent.counter});
    }
    co_await peer_->ask(call);
    CO_TRY(call.outcome());
  }
  co_return Unit{};
}

Task<std::vector<RecordInfo>> PeerDrive::list(RecordKey after, std::size_t limit) {
  std::vector<RecordInfo> rows;
  while (rows.size() < limit) {
    Call call(FrameKind::list);
    call.frame.begin(FrameKind::list, 0);
    const auto wanted = static_cast<std::uint32_t>(std::min<std::size_t>(limit - rows.size(), wire::kRowsPerList));
    wire::put_list(call.frame, {.drive = index_, .after = after, .limit = wanted});
    co_await peer_->ask(call);
    CO_TRY(call.outcome());
    auto answer = wire::decode_rows(call.body());
    const bool sound = answer && answer->rows.size() <= wanted && (answer->complete || !answer->rows.empty());
    if (!sound) co_return broken();
    rows.insert(rows.end(), answer->rows.begin(), answer->rows.end());
    if (answer->complete) break;
    after = rows.back().key;
  }
  co_return rows;
}

Task<> PeerDrive::raise_epoch(SetId set, SetEpoch epoch) {
  Call call(FrameKind::raise_epoch);
  call.frame.begin(FrameKind::raise_epoch, 0);
  wire::put_epoch(call.frame, {.target = target(), .set = set, .epoch = epoch});
  co_await peer_->ask(call);
  co_return call.outcome();
}

Task<DriveUsage> PeerDrive::usage() {
  Call call(FrameKind::usage);
  call.frame.begin(FrameKind::usage, 0);
  wire::put_drive(call.frame, target());
  co_await peer_->ask(call);
  CO_TRY(call.outcome());
  const auto found = wire::decode_usage(call.body());
  if (!found) co_return broken();
  co_return *found;
}

}  // namespace firn::volume
