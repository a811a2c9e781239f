#include "transport/call_proof.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "firn/base/digest.h"

namespace firn::metadata::transport {
namespace {

using namespace std::string_view_literals;

Mac mac_of(std::string_view key, const CallHeader& header, const CallSubject& subject) {
  std::string said("firn metadata call\0"sv);
  said += subject.method;
  said += '\0';
  said += bytes_of(header).substr(0, offsetof(CallHeader, mac));
  said += sha256(as_bytes(subject.content));
  const std::string digest = hmac_sha256(key, said);
  Mac mac;
  std::memcpy(mac.data(), digest.data(), mac.size());
  return mac;
}

template <class Array>
Array random_array() {
  Array bytes;
  fill_random(std::as_writable_bytes(std::span(bytes)));
  return bytes;
}

std::string_view text(const Mac& mac) { return {reinterpret_cast<const char*>(mac.data()), mac.size()}; }

}  // namespace

Nonce fresh_nonce() { return random_array<Nonce>(); }

std::string_view bytes_of(const CallHeader& header) { return {reinterpret_cast<const char*>(&header), sizeof header}; }

std::optional<CallHeader> parse_call(std::string_view bytes) {
  CallHeader header;
  if (bytes.size() != sizeof header) return std::nullopt;
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.zero != 0) return std::nullopt;
  return header;
}

CallSigner::CallSigner(std::string key, NodeId own)
    : key_(std::move(key)), own_(own), caller_(random_array<std::array<std::uint8_t, 16>>()) {}

CallHeader CallSigner::sign(NodeId to, const Uuid& cluster, const Nonce& server, const CallSubject& subject) {
  CallHeader header{.version = kProtocolVersion,
                    .version_min = kProtocolVersionMin,
                    .from = own_.value,
                    .to = to.value,
                    .zero = 0,
                    .cluster = cluster.bytes,
                    .caller = caller_,
                    .sequence = 0,
                    .server = server,
                    .mac = {}};
  {
    const std::lock_guard lock(mutex_);
    header.sequence = ++sequence_;
  }
  header.mac = mac_of(key_, header, subject);
  return header;
}

bool SequenceWindow::take(std::uint64_t sequence) {
  if (sequence > highest_) {
    const std::uint64_t ahead = sequence - highest_;
    seen_ = ahead < kWidth ? seen_ << ahead | 1 : 1;
    highest_ = sequence;
    return true;
  }
  const std::uint64_t behind = highest_ - sequence;
  if (behind >= kWidth || (seen_ >> behind & 1) != 0) return false;
  seen_ |= std::uint64_t{1} << behind;
  return true;
}

CallJudge::CallJudge(std::string key, NodeId own) : key_(std::move(key)), own_(own), nonce_(fresh_nonce()) {}

Result<> CallJudge::check(const CallHeader& header, const CallSubject& subject) {
  const std::string own = "node " + std::to_string(own_.value);
  if (header.version_min > kProtocolVersion || header.version < kProtocolVersionMin) {
    return error(Errc::unsupported_version, own + " speaks versions " + std::to_string(kProtocolVersionMin) + " to " +
                                                std::to_string(kProtocolVersion) + " of the metadata protocol, node " +
                                                std::to_string(header.from) + " speaks " +
                                                std::to_string(header.version_min) + " to " +
                                                std::to_string(header.version));
  }
  if (header.to != own_.value) {
    return error(Errc::invalid_argument, "this is " + own + ", not node " + std::to_string(header.to));
  }
  if (header.server != nonce_) return error(Errc::request_expired, "another nonce is due");
  if (!equal_in_constant_time(text(mac_of(key_, header, subject)), text(header.mac))) {
    return error(Errc::access_denied, "the nodes have different cluster keys");
  }
  if (!is_new(header.caller, header.sequence)) return error(Errc::access_denied, "the call was made before");
  return {};
}

bool CallJudge::is_new(const Caller& caller, std::uint64_t sequence) {
  const std::lock_guard lock(mutex_);
  const auto known = std::ranges::find(callers_, caller, &Known::caller);
  if (known == callers_.end()) {
    // A caller that was forgotten could be replayed: so many processes with the key are not there.
    if (callers_.size() == kCallersMax) callers_.pop_back();
    callers_.push_front({.caller = caller, .window = {}});
  } else {
    callers_.splice(callers_.begin(), callers_, known);
  }
  return callers_.front().window.take(sequence);
}

std::string answer_proof(std::string_view key, const CallHeader& call, std::string_view answer) {
  std::string said("firn metadata answer\0"sv);
  said += bytes_of(call);
  said += answer;
  return hmac_sha256(key, said);
}

}  // namespace firn::metadata::transport
