#include "remote/link.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "firn/base/assert.h"
#include "firn/base/log.h"

namespace firn::volume {

namespace asio = boost::asio;

namespace {

Error unreachable(NodeId node, const std::string& why) {
  return error(Errc::drive_unreachable, "node " + std::to_string(node.value) + ": " + why);
}

/// A coroutine of the link ended by an exception: a bug, or out of memory.
void log_thrown(const std::exception_ptr& thrown) {
  if (!thrown) return;
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& failure) {
    log::error("a connection to a peer ended: {}", failure.what());
  }
}

}  // namespace

void Call::settle(Result<> outcome) {
  if (std::exchange(settled_, true)) return;
  outcome_ = std::move(outcome);
  // Else the connection still reads the caller's memory.
  if (stage_ != Stage::queued) done_.signal();
}

void Call::written() {
  stage_ = Stage::sent;
  if (settled_) done_.signal();
}

std::uint32_t CallTable::add(Call& call) {
  if (free_.empty()) {
    places_.emplace_back();
    FIRN_ASSERT(places_.size() <= UINT16_MAX);
    free_.push_back(static_cast<std::uint16_t>(places_.size() - 1));
  }
  const std::uint16_t at = free_.back();
  free_.pop_back();
  Place& place = places_[at];
  place.call = &call;
  ++place.round;
  ++size_;
  return std::uint32_t{place.round} << 16 | (at + 1U);
}

Call* CallTable::find(std::uint32_t request) const {
  const std::uint32_t at = (request & UINT16_MAX) - 1;
  if (at >= places_.size() || places_[at].round != request >> 16) return nullptr;
  return places_[at].call;
}

void CallTable::remove(std::uint32_t request) {
  const auto at = static_cast<std::uint16_t>((request & UINT16_MAX) - 1);
  if (std::exchange(places_[at].call, nullptr) == nullptr) return;
  free_.push_back(at);
  --size_;
}

std::vector<std::uint32_t> CallTable::requests() const {
  std::vector<std::uint32_t> all;
  for (std::size_t at = 0; at < places_.size(); ++at) {
    if (places_[at].call) all.push_back(std::uint32_t{places_[at].round} << 16 | static_cast<std::uint32_t>(at + 1));
  }
  return all;
}

Link::Link(asio::io_context& io, std::shared_ptr<const Dial> dial, std::optional<Watch> watch)
    : io_(io),
      dial_(std::move(dial)),
      watch_(std::move(watch)),
      gate_(io.get_executor()),
      why_down_(unreachable(dial_->node(), "not tried yet")),
      retry_after_(dial_->options().retry_min),
      retry_timer_(io),
      tick_timer_(io) {}

void Link::wake() {
  if (keeping_ || stopped_ || !gate_.enter()) return;
  keeping_ = true;
  asio::co_spawn(io_, keep(shared_from_this(), Gate::Pass(gate_)), log_thrown);
}

asio::awaitable<void> Link::ask(Call& call) {
  const Time now = std::chrono::steady_clock::now();
  call.deadline_ = now + dial_->options().answer_timeout;
  if (state_ == State::up) {
    begin(call);
  } else if (stopped_ || (state_ == State::down && (keeping_ || now < retry_at_))) {
    co_return call.settle(why_down_);
  } else {
    waiting_.push_back(&call);
    wake();
  }
  co_await call.done_.wait();
}

void Link::begin(Call& call) {
  if (calls_.size() == 0) asked_ = std::chrono::steady_clock::now();
  call.stage_ = Call::Stage::queued;
  call.frame.set_request(calls_.add(call));
  call.frame.seal();
  writer_->push(call);
}

asio::awaitable<void> Link::keep(std::shared_ptr<Link> self, Gate::Pass /*pass*/) {
  do {
    self->state_ = State::connecting;
    const Result<> connected = co_await self->connect();
    if (connected) {
      self->retry_after_ = self->dial_->options().retry_min;
      co_await self->serve();
    } else {
      self->why_down_ = connected.error();
      self->retry_at_ = std::chrono::steady_clock::now() + self->retry_after_;
      self->retry_after_ = std::min(self->retry_after_ * 2, self->dial_->options().retry_max);
    }
    self->state_ = State::down;
    self->fail_all(self->why_down_);
    if (self->watch_) self->watch_->lost(self->why_down_, std::exchange(self->loss_, Loss::ended));
    if (self->watch_ && !self->stopped_) co_await self->pause();
  } while (self->watch_ && !self->stopped_);
  self->keeping_ = false;
}

Task<> Link::connect() {
  if (stopped_) co_return error(Errc::drive_unreachable, "stopping");
  attempt_ = std::make_unique<DialAttempt>(io_, *dial_);
  auto dialled = co_await attempt_->run(watch_.has_value());
  if (attempt_->refused()) loss_ = Loss::refused;
  attempt_.reset();
  if (!dialled) co_return std::move(dialled).error();
  channel_ = std::move(dialled->channel);
  reader_ = std::move(dialled->reader);
  co_return Unit{};
}

asio::awaitable<void> Link::serve() {
  writer_ = std::make_unique<wire::FrameWriter>(*channel_);
  state_ = State::up;
  heard_ = std::chrono::steady_clock::now();
  why_ended_.reset();
  asio::co_spawn(io_, send(shared_from_this()), log_thrown);
  asio::co_spawn(io_, tick(shared_from_this()), log_thrown);
  for (Call* const call : std::exchange(waiting_, {})) begin(*call);

  const Result<> received = co_await receive();
  why_down_ = why_ended_ ? *why_ended_ : unreachable(dial_->node(), received.error().detail);
  state_ = State::down;
  channel_->cut();
  writer_->end();
  tick_timer_.cancel();
  co_await sender_ended_.wait();
  co_await ticker_ended_.wait();
  // Only now: until then the channel may have read the callers' memory.
  for (const std::uint32_t request : calls_.requests()) finish(request, why_down_);
  writer_.reset();
  reader_.reset();
  channel_.reset();
}

asio::awaitable<void> Link::send(std::shared_ptr<Link> self) {
  co_await self->writer_->run();
  if (self->state_ == State::up) self->channel_->cut();
  self->sender_ended_.signal();
}

asio::awaitable<void> Link::tick(std::shared_ptr<Link> self) {
  constexpr int kTicksPerSilence = 6;
  const auto period = std::max(self->dial_->options().silence_max / kTicksPerSilence, std::chrono::milliseconds(1));
  while (self->state_ == State::up) {
    self->tick_timer_.expires_after(period);
    co_await self->tick_timer_.async_wait(asio::as_tuple(asio::use_awaitable));
    if (self->state_ != State::up) break;
    const Time now = std::chrono::steady_clock::now();
    self->check_silence(now);
    self->check_deadlines(now);
  }
  self->ticker_ended_.signal();
}

void Link::check_silence(Time now) {
  if (!watch_ && calls_.size() == 0) return;
  const Time since = watch_ ? heard_ : std::max(heard_, asked_);
  if (now - since <= dial_->options().silence_max) return;
  loss_ = Loss::silent;
  disconnect(unreachable(dial_->node(), "it fell silent"));
}

void Link::check_deadlines(Time now) {
  for (const std::uint32_t request : calls_.requests()) {
    Call& call = *calls_.find(request);
    if (now < call.deadline_) continue;
    const Error late = unreachable(dial_->node(), "no answer in time");
    if (call.stage_ == Call::Stage::queued) {
      // Half a frame can't be taken back.
      if (!writer_->withdraw(call)) return disconnect(late);
      call.stage_ = Call::Stage::sent;
    }
    finish(request, late);
  }
}

Task<> Link::receive() {
  for (;;) {
    CO_TRY_LET(const wire::Frame frame, co_await reader_->next());
    heard_ = std::chrono::steady_clock::now();
    if (frame.kind() == wire::FrameKind::alive) {
      CO_TRY(take_alive(frame));
    } else {
      CO_TRY(co_await take_answer(frame));
    }
  }
}

Result<> Link::take_alive(const wire::Frame& frame) {
  const auto drives = wire::decode_served(frame.body);
  if (!drives || frame.header.payload_bytes > 0) return error(Errc::corrupt, "it broke the protocol");
  if (watch_) watch_->seen(*drives);
  return {};
}

Task<> Link::take_answer(const wire::Frame& frame) {
  const std::uint32_t request = frame.header.request;
  Call* call = calls_.find(request);
  if (call == nullptr) co_return co_await reader_->skip();  // It came too late.
  const std::size_t payload = reader_->payload_left();
  const bool may_have_payload = call->kind() == wire::FrameKind::read && frame.header.status == 0;
  if (frame.kind() != call->kind() || (payload > 0 && (!may_have_payload || payload < kPageBytes))) {
    co_return error(Errc::corrupt, "it broke the protocol");
  }
  if (auto failure = wire::failure_of(frame)) {
    failure->detail = "node " + std::to_string(dial_->node().value) + ": " + failure->detail;
    finish(request, std::move(*failure));
    co_return Unit{};
  }
  call->body_.assign(frame.body.begin(), frame.body.end());
  if (payload > 0) {
    Buffer bytes(payload);
    CO_TRY(co_await reader_->read(bytes.span()));
    call = calls_.find(request);
    if (call == nullptr) co_return Unit{};
    call->payload_ = std::move(bytes);
  }
  finish(request, {});
  co_return Unit{};
}

void Link::finish(std::uint32_t request, Result<> outcome) {
  Call* const call = calls_.find(request);
  calls_.remove(request);
  call->settle(std::move(outcome));
}

void Link::fail_all(const Error& why) {
  for (Call* const call : std::exchange(waiting_, {})) call->settle(why);
}

void Link::disconnect(Error why) {
  if (state_ != State::up) return;
  why_ended_ = std::move(why);
  channel_->cut();
}

asio::awaitable<void> Link::pause() {
  retry_timer_.expires_after(retry_after_);
  co_await retry_timer_.async_wait(asio::as_tuple(asio::use_awaitable));
}

asio::awaitable<void> Link::stop() {
  stopped_ = true;
  if (attempt_) attempt_->cancel();
  retry_timer_.cancel();
  disconnect(unreachable(dial_->node(), "connections are being ended"));
  co_await gate_.close();
}

}  // namespace firn::volume
