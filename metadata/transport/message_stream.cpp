#include "transport/message_stream.h"

#include <chrono>
#include <utility>

#include "firn/base/digest.h"
#include "transport/channel.h"
#include "transport/server_proof.h"

namespace firn::metadata::transport {

namespace {

/// How long a peer that has not proven itself may take to end the stream.
constexpr std::chrono::seconds kRefusalPatience{1};

}  // namespace

void MessageStream::start() {
  self_ = shared_from_this();
  header_ = channel_->sign(context_, {.method = "Messages", .content = {}});
  channel_->stub_->async()->Messages(&context_, &end_, this);
  AddHold();
  StartCall();
  bool cancelled = false;
  {
    const std::lock_guard lock(channel_->mutex_);
    started_ = true;
    cancelled = failed_;
  }
  if (cancelled) let_go();
}

void MessageStream::let_go() {
  {
    const std::lock_guard lock(channel_->mutex_);
    failed_ = true;
    if (std::exchange(let_go_, true)) return;
  }
  RemoveHold();
}

void MessageStream::cancel() {
  context_.TryCancel();
  bool idle = false;
  {
    const std::lock_guard lock(channel_->mutex_);
    failed_ = true;
    idle = started_ && !writing_;
  }
  if (idle) let_go();  // Else the end of the write, or of the start, does.
}

void MessageStream::OnReadInitialMetadataDone(bool ok) {
  if (!ok || !is_proven(context_, channel_->core_->key, header_)) {
    // Not cancelled at once: a refusal that is on its way, and says how to sign, would be lost.
    unproven_.Set(std::chrono::system_clock::now() + kRefusalPatience, [stream = weak_from_this()](bool late) {
      const auto self = late ? stream.lock() : nullptr;
      if (self) self->context_.TryCancel();
    });
    return let_go();
  }
  {
    const std::lock_guard lock(channel_->mutex_);
    proven_ = true;
    channel_->challenged_ = false;
    channel_->refusal_.clear();
  }
  write_if_idle();
}

void MessageStream::write_if_idle() {
  {
    const std::lock_guard lock(channel_->mutex_);
    if (!proven_ || writing_ || failed_ || !channel_->take_batch(batch_)) return;
    writing_ = true;
  }
  StartWrite(&batch_);
}

void MessageStream::OnWriteDone(bool ok) {
  bool failed = false;
  {
    const std::lock_guard lock(channel_->mutex_);
    writing_ = false;
    failed = failed_ || !ok;
  }
  if (failed) return let_go();
  write_if_idle();
}

void MessageStream::OnDone(const grpc::Status& status) {
  const auto last = std::move(self_);
  channel_->stream_ended(status, context_);
}

}  // namespace firn::metadata::transport
