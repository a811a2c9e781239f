#include "transport/peer_channel.h"

#include <grpcpp/client_context.h>

#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstring>
#include <utility>

#include "firn/base/digest.h"
#include "firn/base/log.h"
#include "transport/channel.h"
#include "transport/message_stream.h"
#include "transport/server_proof.h"

namespace firn::metadata::transport {

namespace asio = boost::asio;

namespace {

/// What may wait for a peer, as RaftTransport says.
constexpr std::size_t kQueuedBytesMax = 64 << 20;
/// One write: several small messages, or a single one of 8 MiB.
constexpr std::size_t kBatchBytes = 1 << 20;
constexpr std::chrono::milliseconds kStreamRetry{100};
/// The first attempt may only learn the nonce.
constexpr int kAttempts = 2;

}  // namespace

PeerChannel::PeerChannel(std::shared_ptr<Core> core, NodeId peer, std::shared_ptr<grpc::Channel> channel)
    : core_(std::move(core)), peer_(peer), channel_(std::move(channel)), stub_(proto::Peer::NewStub(channel_)) {}

Nonce PeerChannel::nonce() const {
  const std::lock_guard lock(mutex_);
  return nonce_;
}

bool PeerChannel::learn_nonce(const grpc::Status& status, const grpc::ClientContext& context) {
  if (status.error_code() != grpc::StatusCode::UNAUTHENTICATED) return false;
  const auto& entries = context.GetServerTrailingMetadata();
  const auto entry = entries.find(kNonceEntry);
  if (entry == entries.end() || entry->second.size() != sizeof(Nonce)) return false;
  const std::lock_guard lock(mutex_);
  std::memcpy(nonce_.data(), entry->second.data(), sizeof(Nonce));
  return true;
}

CallHeader PeerChannel::sign(grpc::ClientContext& context, const CallSubject& subject) {
  const CallHeader header = core_->signer.sign(peer_, core_->cluster(), nonce(), subject);
  context.AddMetadata(kCallEntry, std::string(bytes_of(header)));
  return header;
}

bool PeerChannel::enter() {
  const std::lock_guard lock(mutex_);
  if (closed_) return false;
  ++calls_;
  return true;
}

void PeerChannel::leave() {
  const std::lock_guard lock(mutex_);
  --calls_;
  ended_.notify_all();
}

struct PeerChannel::HelloCall {
  grpc::ClientContext context;
  proto::HelloRequest request;
  proto::HelloAnswer answer;
  grpc::Status status;
};

asio::awaitable<void> PeerChannel::run(std::shared_ptr<HelloCall> call) {
  auto start = [this, &call](auto handler) {
    // gRPC copies what it is given; a coroutine's handler can only be moved.
    const auto resume = std::make_shared<decltype(handler)>(std::move(handler));
    stub_->async()->Hello(&call->context, &call->request, &call->answer,
                          [self = shared_from_this(), call, resume](grpc::Status status) {
                            call->status = std::move(status);
                            asio::post(std::move(*resume));
                            self->leave();
                          });
  };
  co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(start, asio::use_awaitable);
}

Task<std::string> PeerChannel::hello(std::string request, std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::system_clock::now() + timeout;
  Error failure = error(Errc::drive_unreachable, "stopping");
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    if (!enter()) break;
    // Shared with gRPC, which may outlast a coroutine that is destroyed.
    const auto call = std::make_shared<HelloCall>();
    call->request.set_message(request);
    call->context.set_deadline(deadline);
    const CallHeader header = sign(call->context, {.method = "Hello", .content = request});
    co_await run(call);
    if (call->status.ok()) {
      const std::string proof = answer_proof(core_->key, header, call->answer.message());
      if (!equal_in_constant_time(proof, call->answer.proof())) {
        co_return error(Errc::access_denied, "node " + std::to_string(peer_.value) + " has not proven itself");
      }
      co_return std::move(*call->answer.mutable_message());
    }
    failure = to_error(call->status, peer_);
    if (!learn_nonce(call->status, call->context)) break;
  }
  co_return failure;
}

void PeerChannel::send(std::string message) {
  std::shared_ptr<MessageStream> stream;
  bool begins = false;
  {
    const std::lock_guard lock(mutex_);
    if (closed_ || queued_bytes_ + message.size() > kQueuedBytesMax) return;
    if (!stream_ && std::chrono::steady_clock::now() < retry_at_) return;
    queued_bytes_ += message.size();
    queue_.push_back(std::move(message));
    begins = !stream_;
    if (begins) make_stream();
    stream = stream_;
  }
  begins ? stream->start() : stream->write_if_idle();
}

void PeerChannel::make_stream() {
  ++calls_;
  stream_ = std::make_shared<MessageStream>(shared_from_this());
}

bool PeerChannel::take_batch(proto::MessageBatch& batch) {
  batch.Clear();
  for (std::size_t bytes = 0; !queue_.empty() && bytes < kBatchBytes;) {
    bytes += queue_.front().size();
    queued_bytes_ -= queue_.front().size();
    batch.add_message(std::move(queue_.front()));
    queue_.pop_front();
  }
  return batch.message_size() > 0;
}

void PeerChannel::stream_ended(const grpc::Status& status, const grpc::ClientContext& context) {
  const bool learned = learn_nonce(status, context);
  std::shared_ptr<MessageStream> next;
  bool other_reason = false;
  {
    const std::lock_guard lock(mutex_);
    stream_.reset();
    if (!closed_ && learned && !std::exchange(challenged_, true)) {
      make_stream();
      next = stream_;
    } else {
      challenged_ = false;
      queue_.clear();
      queued_bytes_ = 0;
      retry_at_ = std::chrono::steady_clock::now() + kStreamRetry;
      other_reason = !closed_ && std::exchange(refusal_, status.error_message()) != status.error_message();
    }
  }
  if (next) {
    next->start();
  } else {
    if (other_reason) log::info("messages to node {} are dropped: {}", peer_.value, status.error_message());
    core_->endpoint.with([this](RaftEndpoint& endpoint) { endpoint.unreachable(peer_); });
  }
  leave();
}

void PeerChannel::close() {
  std::shared_ptr<MessageStream> stream;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    stream = stream_;
  }
  cancel_fetches();
  if (stream) stream->cancel();
  std::unique_lock lock(mutex_);
  ended_.wait(lock, [this] { return calls_ == 0; });
}

}  // namespace firn::metadata::transport
