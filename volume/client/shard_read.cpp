#include "shard_read.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <utility>

#include "firn/base/assert.h"

namespace firn::volume {

namespace {

constexpr std::chrono::seconds kAnswerWait{30};

}  // namespace

ShardRead::ShardRead(std::shared_ptr<Core> core, std::shared_ptr<const View> view, const Request& request,
                     std::shared_ptr<Event> done)
    : core_(std::move(core)),
      view_(std::move(view)),
      request_(request),
      sources_(view_->sources(set(), request.key.shard)),
      drive_(sources_.empty() ? set().members[request.key.shard] : sources_.front()),
      done_(std::move(done)),
      answer_(error(sources_.empty() ? Errc::drive_out : Errc::not_found, "absent")) {}

std::shared_ptr<ShardRead> ShardRead::start(std::shared_ptr<Core> core, std::shared_ptr<const View> view,
                                            const Request& request, std::shared_ptr<Event> done) {
  const std::shared_ptr<ShardRead> read(new ShardRead(std::move(core), std::move(view), request, std::move(done)));
  read->core_->health().started();
  boost::asio::co_spawn(read->core_->executor(), run(read), [read](std::exception_ptr thrown) {
    if (thrown) read->answer_ = error(Errc::internal, "a read was thrown out of");
    read->state_ = State::unchecked;
    if (read->overdue_) read->core_->health().settled(read->drive_);
    read->done_->signal();
  });
  return read;
}

boost::asio::awaitable<void> ShardRead::run(std::shared_ptr<ShardRead> self) {
  for (const DriveIndex drive : self->sources_) {
    auto answer = co_await self->view_->service(drive)->read(self->request_.key, self->request_.blocks);
    // That neither has it is known only when both say so.
    if (answer || self->answer_.code() == Errc::not_found) {
      self->answer_ = std::move(answer);
      self->answered_by_ = drive;
    }
    if (self->answer_) break;
  }
  if (self->answer_) {
    self->core_->health().finished(self->answered_by_, std::chrono::steady_clock::now() - self->started_);
  }
}

ShardRead::State ShardRead::check() {
  if (state_ != State::unchecked) return state_;
  if (answer_) {
    if (auto verified = verify(); !verified) answer_ = std::move(verified).error();
  }
  state_ = answer_ ? State::good : State::bad;
  if (state_ == State::bad) report(answer_.error());
  return state_;
}

Result<> ShardRead::verify() const {
  if (answer_->memory.size() < kPageBytes) return error(Errc::corrupt, "no whole header page");
  const auto& [extent, key, blocks, tell_damage] = request_;
  const RecordHeader& h = header();
  if (auto identity = verify_identity(h, key); !identity) return identity;
  const erasure::Shape shape{h.data_shards, h.parity_shards};
  if (shape != extent.shape || h.extent_bytes != extent.length_bytes() ||
      h.chunk_bytes != extent.geometry.chunk_bytes(key.stripe) ||
      h.stored_bytes != extent.geometry.stored_bytes(key.stripe, key.shard)) {
    return error(Errc::corrupt, "the record's geometry is not its extent's");
  }
  const std::uint64_t first = std::uint64_t{answer_->first_block} * kBlockBytes;
  const std::uint64_t end = first + answer_->blocks().size();
  if (blocks.length > 0 && (first > blocks.offset || end < blocks.end())) {
    return error(Errc::corrupt, "the drive answered with other blocks");
  }
  if (end > h.stored_bytes) return error(Errc::corrupt, "blocks past the record's end");
  return verify_blocks(h, answer_->first_block, std::as_const(*answer_).blocks());
}

void ShardRead::report(const Error& failure) {
  switch (failure.code) {
    case Errc::io_error:
    case Errc::drive_out:
    case Errc::drive_unreachable:
    case Errc::request_timeout:
      core_->drive_failed(answered_by_, failure);
      break;
    default:
      break;
  }
  // A drive that is out is repaired as a whole, and what a newer version wrote is not ours to replace.
  if (failure.code == Errc::corrupt || failure.code == Errc::io_error) tell_damage(failure.code);
}

void ShardRead::tell_damage(Errc reason) {
  if (std::exchange(told_, true) || !request_.tell_damage) return;
  core_->record_damaged({.key = request_.key, .set = request_.extent.set, .reason = reason});
}

void ShardRead::report_missing() {
  if (state_ != State::bad || answer_.code() != Errc::not_found) return;
  if (view_->map().is_in(answered_by_)) tell_damage(Errc::not_found);
}

bool ShardRead::covers(const RecordKey& key, ByteRange blocks) const {
  return request_.key == key && request_.blocks.offset <= blocks.offset && request_.blocks.end() >= blocks.end();
}

void ShardRead::mark_overdue() {
  if (overdue_ || state_ != State::pending) return;
  overdue_ = true;
  core_->health().overdue(drive_);
}

MutableBytes ShardRead::bytes(ByteRange range) {
  FIRN_ASSERT(state_ == State::good);
  const std::uint64_t first = std::uint64_t{answer_->first_block} * kBlockBytes;
  return answer_->blocks().subspan(range.offset - first, range.length);
}

const RecordHeader& ShardRead::header() const { return answer_->header(); }

boost::asio::awaitable<void> wait_for_answers(Core& core, std::span<const std::shared_ptr<ShardRead>> reads,
                                              Event& done) {
  const auto deadline = SlowWatch::Clock::now() + kAnswerWait;
  const SlowWatch::Entry watch(core.slow_watch(), done, deadline);
  const auto pending = [](const std::shared_ptr<ShardRead>& read) { return read && read->is_pending(); };
  while (std::ranges::any_of(reads, pending) && SlowWatch::Clock::now() < deadline) co_await done.wait();
}

}  // namespace firn::volume
