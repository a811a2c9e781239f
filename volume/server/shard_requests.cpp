// ShardConnection: what peers ask.

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <utility>

#include "firn/base/log.h"
#include "server/shard_connection.h"

namespace firn::volume {

namespace asio = boost::asio;
using wire::FrameKind;

namespace {

/// Requests of one connection at once, whatever they weigh: some hundred coroutines per drive are plenty.
constexpr std::size_t kRequestsMax = 1024;

Error broken() { return error(Errc::corrupt, "a request that breaks the protocol"); }

/// Waits until the connection is done with an answer.
class Answer final : public wire::Outgoing {
 public:
  void written() override { written_.signal(); }
  asio::awaitable<void> send(wire::FrameWriter& writer) {
    frame.seal();
    writer.push(*this);
    co_await written_.wait();
  }

 private:
  Event written_;
};

}  // namespace

Task<> ShardConnection::take(const wire::Frame& frame) {
  if (frame.header.status != 0 || frame.header.request == 0) co_return broken();
  const bool may_have_payload = frame.kind() == FrameKind::append;
  switch (frame.kind()) {
    case FrameKind::append:
    case FrameKind::read:
    case FrameKind::remove:
    case FrameKind::list:
    case FrameKind::raise_epoch:
    case FrameKind::sync:
    case FrameKind::sync_index:
    case FrameKind::usage:
      break;
    default:
      co_return co_await take_unknown(frame);
  }
  if (reader_.payload_left() > 0 && !may_have_payload) co_return broken();
  while (under_way_ >= kRequestsMax) co_await request_ended_.wait();
  switch (frame.kind()) {
    case FrameKind::append:
      co_return co_await take_append(frame);
    case FrameKind::read:
      co_return co_await take_read(frame);
    case FrameKind::remove:
      co_return co_await take_remove(frame);
    case FrameKind::list:
      co_return co_await take_list(frame);
    case FrameKind::raise_epoch:
      co_return co_await take_epoch(frame);
    default:
      co_return co_await take_plain(frame);
  }
}

asio::awaitable<void> ShardConnection::wait_for_room(std::uint64_t bytes) {
  for (;;) {
    const std::uint64_t total = shared_->inflight_bytes.fetch_add(bytes) + bytes;
    // One request goes on however many others hold: it is what all of them wait for in the end.
    if (inflight_bytes_ == 0 || total <= shared_->inflight_bytes_max) break;
    shared_->inflight_bytes.fetch_sub(bytes);
    co_await request_ended_.wait();
  }
  inflight_bytes_ += bytes;
}

void ShardConnection::start(asio::awaitable<void> request, std::uint64_t bytes) {
  ++under_way_;
  asio::co_spawn(io_, std::move(request), [self = shared_from_this(), bytes](const std::exception_ptr& thrown) {
    if (thrown) {
      log::error("a request of node {} was thrown out of", self->peer_node_);
      self->channel_->cut();
    }
    --self->under_way_;
    self->inflight_bytes_ -= bytes;
    self->shared_->inflight_bytes.fetch_sub(bytes);
    self->request_ended_.signal();
  });
}

asio::awaitable<void> ShardConnection::answer(FrameKind kind, std::uint32_t request, Result<> outcome) {
  Answer answer;
  if (outcome) {
    answer.frame.begin(kind, request);
  } else {
    answer.frame.begin_failure(kind, request, outcome.error());
  }
  co_await answer.send(writer_);
}

Task<> ShardConnection::take_unknown(const wire::Frame& frame) {
  const auto kind = frame.kind();
  const std::uint32_t request = frame.header.request;
  CO_TRY(co_await reader_.skip());
  const Error why = error(Errc::not_implemented, "request " + std::to_string(static_cast<int>(kind)) + " is not known");
  co_await answer(kind, request, why);
  co_return Unit{};
}

Task<> ShardConnection::take_append(const wire::Frame& frame) {
  auto asked = wire::decode_append(frame.body);
  const std::uint32_t request = frame.header.request;
  const std::size_t bytes = reader_.payload_left();
  if (!asked || bytes < kPageBytes || bytes % kPageBytes != 0) co_return broken();
  co_await wait_for_room(bytes);
  Buffer record(bytes);
  const Result<> received = co_await reader_.read(record.span());
  if (!received) {
    inflight_bytes_ -= bytes;
    shared_->inflight_bytes.fetch_sub(bytes);
    co_return received;
  }
  start(append(shared_from_this(), request, std::move(*asked), std::move(record)), bytes);
  co_return Unit{};
}

asio::awaitable<void> ShardConnection::append(Self self, std::uint32_t request, wire::AppendRequest asked,
                                              Buffer record) {
  auto drive = self->shared_->drives.find(asked.target);
  if (!drive) co_return co_await self->answer(FrameKind::append, request, drive.error());
  asked.append.record = record.span();
  Result<> outcome = co_await (*drive)->append(asked.append);
  co_await self->answer(FrameKind::append, request, std::move(outcome));
}

Task<> ShardConnection::take_read(const wire::Frame& frame) {
  const auto asked = wire::decode_read(frame.body);
  const std::uint32_t request = frame.header.request;
  if (!asked) co_return broken();
  const std::uint64_t bytes = 2 * kPageBytes + round_up_to_page(asked->range.length);
  co_await wait_for_room(bytes);
  start(read(shared_from_this(), request, *asked), bytes);
  co_return Unit{};
}

Task<RecordBytes> ShardConnection::read_record(const wire::ReadRequest& asked) {
  CO_TRY_LET(const auto drive, shared_->drives.find(asked.drive));
  co_return co_await drive->read(asked.key, asked.range);
}

asio::awaitable<void> ShardConnection::read(Self self, std::uint32_t request, wire::ReadRequest asked) {
  const auto found = co_await self->read_record(asked);
  if (!found) co_return co_await self->answer(FrameKind::read, request, found.error());
  Answer answer;
  answer.frame.begin(FrameKind::read, request);
  answer.frame.put(wire::ReadAnswerBody{.first_block = found->first_block, .zero = 0});
  answer.frame.set_payload(found->memory.view());
  co_await answer.send(self->writer_);
}

Task<> ShardConnection::take_remove(const wire::Frame& frame) {
  auto asked = wire::decode_remove(frame.body);
  const std::uint32_t request = frame.header.request;
  const std::uint64_t bytes = frame.body.size();
  if (!asked) co_return broken();
  co_await wait_for_room(bytes);
  start(remove(shared_from_this(), request, std::move(*asked)), bytes);
  co_return Unit{};
}

asio::awaitable<void> ShardConnection::remove(Self self, std::uint32_t request, wire::RemoveRequest asked) {
  auto drive = self->shared_->drives.find(asked.target);
  if (!drive) co_return co_await self->answer(FrameKind::remove, request, drive.error());
  Result<> outcome = co_await (*drive)->remove(std::move(asked.extents));
  co_await self->answer(FrameKind::remove, request, std::move(outcome));
}

Task<> ShardConnection::take_list(const wire::Frame& frame) {
  const auto asked = wire::decode_list(frame.body);
  const std::uint32_t request = frame.header.request;
  if (!asked) co_return broken();
  co_await wait_for_room(wire::kBodyBytesMax);
  start(list(shared_from_this(), request, *asked), wire::kBodyBytesMax);
  co_return Unit{};
}

Task<wire::ListAnswer> ShardConnection::list_records(const wire::ListRequest& asked) {
  CO_TRY_LET(const auto drive, shared_->drives.find(asked.drive));
  const std::uint32_t limit = std::min(asked.limit, wire::kRowsPerList);
  wire::ListAnswer answer;
  CO_TRY_LET(answer.rows, co_await drive->list(asked.after, limit));
  answer.complete = answer.rows.size() < limit;
  co_return answer;
}

asio::awaitable<void> ShardConnection::list(Self self, std::uint32_t request, wire::ListRequest asked) {
  const auto found = co_await self->list_records(asked);
  if (!found) co_return co_await self->answer(FrameKind::list, request, found.error());
  Answer answer;
  answer.frame.begin(FrameKind::list, request);
  wire::put_rows(answer.frame, *found);
  co_await answer.send(self->writer_);
}

Task<> ShardConnection::take_epoch(const wire::Frame& frame) {
  const auto asked = wire::decode_epoch(frame.body);
  if (!asked) co_return broken();
  start(raise_epoch(shared_from_this(), frame.header.request, *asked), 0);
  co_return Unit{};
}

asio::awaitable<void> ShardConnection::raise_epoch(Self self, std::uint32_t request, wire::EpochRequest asked) {
  auto drive = self->shared_->drives.find(asked.target);
  if (!drive) co_return co_await self->answer(FrameKind::raise_epoch, request, drive.error());
  Result<> outcome = co_await (*drive)->raise_epoch(asked.set, asked.epoch);
  co_await self->answer(FrameKind::raise_epoch, request, std::move(outcome));
}

Task<> ShardConnection::take_plain(const wire::Frame& frame) {
  const auto asked = wire::decode_drive(frame.body);
  const std::uint32_t request = frame.header.request;
  if (!asked) co_return broken();
  if (frame.kind() == FrameKind::usage) {
    start(usage(shared_from_this(), request, *asked), 0);
  } else {
    start(flush(shared_from_this(), request, frame.kind(), *asked), 0);
  }
  co_return Unit{};
}

Task<> ShardConnection::flush_drive(FrameKind kind, const wire::DriveRequest& asked) {
  CO_TRY_LET(const auto drive, shared_->drives.find(asked));
  if (kind == FrameKind::sync_index) co_return co_await drive->sync_index();
  co_return co_await drive->sync();
}

asio::awaitable<void> ShardConnection::flush(Self self, std::uint32_t request, FrameKind kind,
                                             wire::DriveRequest asked) {
  Result<> outcome = co_await self->flush_drive(kind, asked);
  co_await self->answer(kind, request, std::move(outcome));
}

asio::awaitable<void> ShardConnection::usage(Self self, std::uint32_t request, wire::DriveRequest asked) {
  auto drive = self->shared_->drives.find(asked.drive);
  if (!drive) co_return co_await self->answer(FrameKind::usage, request, drive.error());
  const auto found = co_await (*drive)->usage();
  if (!found) co_return co_await self->answer(FrameKind::usage, request, found.error());
  Answer answer;
  answer.frame.begin(FrameKind::usage, request);
  wire::put_usage(answer.frame, *found);
  co_await answer.send(self->writer_);
}

}  // namespace firn::volume
