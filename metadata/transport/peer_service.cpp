#include "transport/peer_service.h"

#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <utility>

#include "firn/base/log.h"
#include "transport/channel.h"
#include "transport/outgoing_snapshot.h"

namespace firn::metadata::transport {
namespace {

/// A reactor for a call that is refused.
template <class Reactor>
class Refused final : public Reactor {
 public:
  explicit Refused(const Error& why) { this->Finish(to_status(why)); }
  void OnDone() override { delete this; }
};

/// Raft's messages of one peer, as long as it sends some.
class IncomingMessages final : public grpc::ServerReadReactor<proto::MessageBatch> {
 public:
  IncomingMessages(Core& core, NodeId from) : core_(core), from_(from) {
    StartSendInitialMetadata();
    StartRead(&batch_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::OK);
    for (std::string& message : *batch_.mutable_message()) {
      core_.endpoint.with([&](RaftEndpoint& endpoint) { endpoint.receive(from_, std::move(message)); });
    }
    batch_.Clear();
    StartRead(&batch_);
  }
  void OnDone() override { delete this; }

 private:
  Core& core_;
  const NodeId from_;
  proto::MessageBatch batch_;
};

struct HelloCall {
  CallHeader header;
  std::string request;
  proto::HelloAnswer* answer;
  grpc::ServerUnaryReactor* reactor;
};

boost::asio::awaitable<void> answer_hello(Core& core, HelloCall call) {
  Result<std::string> answered = Errc::internal;
  try {
    answered = co_await core.hello(NodeId{call.header.from}, std::move(call.request));
  } catch (const std::exception& failure) {
    log::error("a hello of node {} was thrown out of: {}", call.header.from, failure.what());
  }
  if (!answered) {
    call.reactor->Finish(to_status(answered.error()));
    co_return;
  }
  call.answer->set_proof(answer_proof(core.key, call.header, *answered));
  call.answer->set_message(std::move(*answered));
  call.reactor->Finish(grpc::Status::OK);
}

}  // namespace

Result<CallHeader> PeerService::admit(grpc::CallbackServerContext& context, const CallSubject& subject) {
  const auto& entries = context.client_metadata();
  const auto entry = entries.find(kCallEntry);
  if (entry == entries.end()) return error(Errc::access_denied, "a call without proof");
  const auto header = parse_call({entry->second.data(), entry->second.size()});
  if (!header) return error(Errc::access_denied, "a call whose proof is of another form");
  const Result<> sound = core_.judge.check(*header, subject);
  if (sound) return *header;
  if (sound.code() == Errc::request_expired) {
    const Nonce& nonce = core_.judge.nonce();
    context.AddTrailingMetadata(kNonceEntry, {reinterpret_cast<const char*>(nonce.data()), nonce.size()});
  } else {
    log::warn("a call of node {} was refused: {}", header->from, sound.error().detail);
  }
  return sound.error();
}

Result<CallHeader> PeerService::admit_member(grpc::CallbackServerContext& context, const CallSubject& subject) {
  auto header = admit(context, subject);
  if (!header) return header;
  const Uuid cluster = core_.cluster();
  if (cluster == Uuid{} || header->cluster != cluster.bytes) {
    return error(Errc::invalid_argument, "node " + std::to_string(core_.own.value) + " is of cluster " +
                                             to_string(cluster) + ", not of " + to_string(Uuid{header->cluster}));
  }
  context.AddInitialMetadata(kProofEntry, answer_proof(core_.key, *header, {}));
  return header;
}

grpc::ServerUnaryReactor* PeerService::Hello(grpc::CallbackServerContext* context, const proto::HelloRequest* request,
                                             proto::HelloAnswer* answer) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  const auto header = admit(*context, {.method = "Hello", .content = request->message()});
  if (!header) {
    reactor->Finish(to_status(header.error()));
    return reactor;
  }
  HelloCall call{.header = *header, .request = request->message(), .answer = answer, .reactor = reactor};
  boost::asio::co_spawn(core_.runtime.io(0), answer_hello(core_, std::move(call)), [](const std::exception_ptr&) {});
  return reactor;
}

grpc::ServerReadReactor<proto::MessageBatch>* PeerService::Messages(grpc::CallbackServerContext* context,
                                                                    proto::MessagesEnd* /*end*/) {
  const auto header = admit_member(*context, {.method = "Messages", .content = {}});
  if (!header) return new Refused<grpc::ServerReadReactor<proto::MessageBatch>>(header.error());
  return new IncomingMessages(core_, NodeId{header->from});
}

grpc::ServerWriteReactor<proto::SnapshotPart>* PeerService::Snapshot(grpc::CallbackServerContext* context,
                                                                     const proto::SnapshotRequest* request) {
  const auto header = admit_member(*context, {.method = "Snapshot", .content = request->name()});
  if (!header) return new Refused<grpc::ServerWriteReactor<proto::SnapshotPart>>(header.error());
  return new OutgoingSnapshot(*this, request->name());
}

void PeerService::add(OutgoingSnapshot& snapshot) {
  const std::lock_guard lock(mutex_);
  snapshots_.insert(&snapshot);
}

void PeerService::remove(OutgoingSnapshot& snapshot) {
  const std::lock_guard lock(mutex_);
  snapshots_.erase(&snapshot);
}

void PeerService::end_snapshots() {
  const std::lock_guard lock(mutex_);
  for (OutgoingSnapshot* snapshot : snapshots_) snapshot->drop_source();
}

}  // namespace firn::metadata::transport
