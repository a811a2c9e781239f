// PeerChannel: snapshots that a peer sends.

#include <grpcpp/alarm.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/sync_stream.h>

#include <utility>

#include "transport/channel.h"
#include "transport/peer_channel.h"
#include "transport/server_proof.h"

namespace firn::metadata::transport {
namespace {

/// Cancels a call whose next part does not come in time.
class SilenceGuard {
 public:
  SilenceGuard(const std::shared_ptr<grpc::ClientContext>& context, std::chrono::milliseconds patience) {
    alarm_.Set(std::chrono::system_clock::now() + patience, [context](bool late) {
      if (late) context->TryCancel();
    });
  }

 private:
  grpc::Alarm alarm_;  // Cancelled when it goes.
};

/// One part for the sink. Success and `whole`: it was the last.
Result<> take_part(const proto::SnapshotPart& part, SnapshotSink& sink, bool& whole) {
  whole = !part.has_file() && part.data().empty();
  if (part.has_file()) {
    const SnapshotFile file{.name = part.file().name(), .bytes = part.file().bytes(), .xxh3 = part.file().xxh3()};
    if (auto begun = sink.begin_file(file); !begun) return begun;
  }
  return part.data().empty() ? Result<>() : sink.write(as_bytes(part.data()));
}

}  // namespace

Result<> PeerChannel::fetch_snapshot(const std::string& name, SnapshotSink& sink) {
  for (int attempt = 0;; ++attempt) {
    if (!enter()) return error(Errc::cancelled, "stopping");
    const auto context = std::make_shared<grpc::ClientContext>();  // Shared with the guards' handlers.
    {
      const std::lock_guard lock(mutex_);
      fetches_.insert(context);
    }
    const Fetched fetched = fetch_once(name, sink, context);
    const bool again = attempt == 0 && !fetched.sink_failure && learn_nonce(fetched.status, *context);
    {
      const std::lock_guard lock(mutex_);
      fetches_.erase(context);
    }
    leave();
    if (again) continue;
    if (fetched.sink_failure) return *fetched.sink_failure;
    if (!fetched.status.ok()) return to_error(fetched.status, peer_);
    if (!fetched.whole) return error(Errc::drive_unreachable, "a snapshot that ended early");
    return {};
  }
}

PeerChannel::Fetched PeerChannel::fetch_once(const std::string& name, SnapshotSink& sink,
                                             const std::shared_ptr<grpc::ClientContext>& context) {
  Fetched fetched;
  proto::SnapshotRequest request;
  request.set_name(name);
  const CallHeader header = sign(*context, {.method = "Snapshot", .content = name});
  const auto reader = stub_->Snapshot(context.get(), request);
  bool proven = false;
  for (proto::SnapshotPart part; !fetched.whole && !fetched.sink_failure;) {
    bool came = false;
    {
      const SilenceGuard guard(context, core_->silence_max);
      came = reader->Read(&part);
    }
    if (!came) break;
    if (!proven && !is_proven(*context, core_->key, header)) {
      fetched.sink_failure =
          error(Errc::access_denied, "node " + std::to_string(peer_.value) + " has not proven itself");
      break;
    }
    proven = true;
    if (auto taken = take_part(part, sink, fetched.whole); !taken) fetched.sink_failure = taken.error();
  }
  if (fetched.sink_failure) context->TryCancel();
  fetched.status = reader->Finish();
  return fetched;
}

void PeerChannel::cancel_fetches() {
  const std::lock_guard lock(mutex_);
  for (const auto& context : fetches_) context->TryCancel();
}

}  // namespace firn::metadata::transport
