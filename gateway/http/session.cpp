#include "http/session.h"

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <utility>

#include "auth/hoisted_headers.h"
#include "firn/base/digest.h"
#include "firn/base/log.h"
#include "http/admin_endpoint.h"
#include "http/response_head.h"
#include "http/service_endpoints.h"
#include "http/target.h"

namespace firn::gateway {
namespace {

constexpr std::string_view kMalformed = "Malformed";  // The operation of what is no request.
constexpr std::string_view kUnrouted = "Unknown";
constexpr unsigned kFirstServerError = 500;

/// Ids unique enough to find one request in a log: a random start per thread, then SplitMix64.
std::uint64_t next_request_number() {
  thread_local std::uint64_t state = [] {
    std::uint64_t random = 0;
    fill_random(std::as_writable_bytes(std::span(&random, 1)));
    return random;
  }();
  state += 0x9E3779B97F4A7C15ULL;
  std::uint64_t mixed = state;
  mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9ULL;
  mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EBULL;
  return mixed ^ mixed >> 31;
}

Scope scope_of(const Request& request) {
  if (request.bucket.empty()) return Scope::service;
  return request.key.empty() ? Scope::bucket : Scope::object;
}

MutableBytes discard_room() {
  constexpr std::size_t kDiscardBytes = 64 * 1024;
  thread_local const auto room = std::make_unique_for_overwrite<std::byte[]>(kDiscardBytes);
  return {room.get(), kDiscardBytes};
}

}  // namespace

Session::Session(ServerContext& context, std::unique_ptr<Transport> transport)
    : context_(context), connection_(std::move(transport), context.clock) {
  context_.metrics.connections().add(1);
  if (context_.access_log != nullptr) peer_ = connection_.transport().peer();
  request_.headers = &MessageHead::no_fields();
  request_.tls = !context_.options.tls_certificate_path.empty();
  request_.region = context_.options.region;
}

Session::~Session() { context_.metrics.connections().add(-1); }

boost::asio::awaitable<void> Session::run() {
  bool usable = co_await connection_.handshake();
  while (usable) {
    const HeadOutcome head = co_await read_head();
    usable = head != HeadOutcome::ended && co_await answer(head);
  }
  connection_.cut();
}

void Session::finish_soon() {
  finishing_ = true;
  if (idle_) connection_.cut();
}

boost::asio::awaitable<Session::HeadOutcome> Session::read_head() {
  InputBuffer& input = connection_.input();
  scanner_.reset();
  input.shrink();
  SteadyTime deadline = context_.clock.steady_now() + limits::kIdleDeadline;
  bool begun = false;
  for (;;) {
    const HeadScanner::State found = scanner_.scan(input.text());
    if (found == HeadScanner::State::complete) co_return HeadOutcome::complete;
    const MutableBytes room = input.room();
    if (found == HeadScanner::State::too_large || room.empty()) {
      head_failure_ = error(Errc::request_header_too_large, "head beyond the limit");
      co_return HeadOutcome::malformed;
    }
    if (found == HeadScanner::State::malformed) {
      head_failure_ = client_error(Errc::bad_request, "The request is not well-formed HTTP.");
      co_return HeadOutcome::malformed;
    }
    if (!begun && !input.empty()) {
      begun = true;
      deadline = context_.clock.steady_now() + limits::kHeadDeadline;
    }
    if (finishing_ && !begun) co_return HeadOutcome::ended;
    idle_ = !begun;
    const IoResult result =
        co_await connection_.read({boost::asio::mutable_buffer(room.data(), room.size()), {}}, deadline);
    idle_ = false;
    if (!result.moved()) co_return HeadOutcome::ended;
    input.commit(result.bytes);
  }
}

boost::asio::awaitable<bool> Session::answer(HeadOutcome head) {
  connection_.renew_patience();
  name_request();
  Reply reply;
  if (head == HeadOutcome::complete) {
    reply = co_await reply_to_request();  // Not in a conditional expression: g++ 12 destroys the operand twice.
  } else {
    reply = failure_reply(*head_failure_);
  }
  keep_alive_ = body_ && head_.keep_alive() && !finishing_ && body_->worth_draining();
  const bool sent = co_await send(std::move(reply));
  bool usable = sent && keep_alive_;
  record();
  if (usable && !body_->exhausted()) usable = co_await body_->drain(limits::kDrainBytesMax);
  if (sent && !usable && !(body_ && body_->exhausted())) co_await linger();
  body_.reset();
  co_return usable;
}

void Session::name_request() {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  request_.host_id = context_.host_id;
  request_.request_id.resize(16);
  std::uint64_t number = next_request_number();
  for (char& digit : request_.request_id) {
    digit = kDigits[number >> 60];
    number <<= 4;
  }
  request_.received_ms = context_.clock.now_unix_ms();
  begun_ = context_.clock.steady_now();
  operation_ = kMalformed;
  sent_bytes_ = 0;
  request_.method = Verb::unknown;
  request_.raw_path = "/";
  request_.body = nullptr;
  request_.headers = &MessageHead::no_fields();
  hoisted_.reset();
  request_.identity.access_key.clear();
  request_.identity.canonical_id.clear();
  request_.identity.display_name.clear();
  request_.bucket.clear();
  request_.key.clear();
  request_.query = {};
  request_.host.clear();
}

Result<> Session::begin_request() {
  InputBuffer& input = connection_.input();
  input.consume(scanner_.skipped_bytes());
  const auto parsed = head_.parse(input.text().substr(0, scanner_.head_bytes()));
  input.consume(scanner_.head_bytes());
  if (!parsed) return parsed;
  operation_ = kUnrouted;
  body_.emplace(connection_, head_);
  request_.method = head_.method();
  request_.headers = &head_.fields();
  request_.body = &*body_;
  request_.host.assign(head_.host());
  const auto target = split_target(head_.target(), head_.host());
  if (!target) return target.error();
  request_.raw_path = target->raw_path;
  raw_query_ = target->raw_query;
  auto query = parse_query(raw_query_);
  if (!query) return std::move(query).error();
  request_.query = std::move(*query);
  host_bucket_ = bucket_of_host(head_.host(), context_.options.domains);
  return decode_path(request_.raw_path, host_bucket_, request_.bucket, request_.key);
}

Result<const Operation*> Session::admit() {
  const bool administrates = is_admin_request(context_, request_);
  const auto routed = [&]() -> const Operation& {
    if (administrates) return admin_operation();
    return context_.protocol.route(request_.method, scope_of(request_), request_.query, *request_.headers);
  };
  const Operation* operation = &routed();
  operation_ = operation->name;  // What is refused below is counted as what it would have been.
  if (auto known = authenticate(administrates); !known) return std::move(known).error();
  if (hoisted_) operation = &routed();  // A header from the query may have made it another.
  operation_ = operation->name;
  return operation;
}

Result<> Session::authenticate(bool administrates) {
  const RequestToSign to_sign{.method = head_.method_text(),
                              .raw_path = request_.raw_path,
                              .raw_query = raw_query_,
                              .query = request_.query,
                              .headers = *request_.headers,
                              .host_bucket = host_bucket_.empty() ? host_bucket_ : request_.bucket};
  const auto authenticated = context_.authenticator.authenticate(to_sign, request_.received_ms);
  if (!authenticated) return authenticated.error();
  // Version 2 leaves parameters unsigned, and administration's are all of its own.
  if (administrates && is_version_2(authenticated->mechanism)) return Errc::access_denied;
  const Identity& identity = authenticated->credential->identity;
  request_.identity.access_key.assign(identity.access_key);
  request_.identity.canonical_id.assign(identity.canonical_id);
  request_.identity.display_name.assign(identity.display_name);
  if (auto begun = body_->begin_payload(*authenticated, head_.fields()); !begun) return begun;
  if (!is_presigned(authenticated->mechanism)) return {};
  auto hoisted = with_hoisted_headers(request_.query, head_.fields());
  if (!hoisted) return std::move(hoisted).error();
  hoisted_ = *std::move(hoisted);
  if (hoisted_) request_.headers = &*hoisted_;
  return {};
}

boost::asio::awaitable<Reply> Session::reply_to_request() {
  if (auto begun = begin_request(); !begun) co_return failure_reply(begun.error());
  if (auto service = service_reply(context_, request_)) {
    operation_ = service->operation;
    co_return std::move(service->reply);
  }
  // Said plainly, so that a client asks again: before, there are no credentials to hold its signature against.
  if (!context_.serving.load()) co_return failure_reply(error(Errc::cancelled, "not serving yet"));
  request_.store = context_.store;
  const auto operation = admit();
  if (!operation) co_return failure_reply(operation.error());
  try {
    auto answer = *operation == &admin_operation() ? admin_reply(context_, request_) : (*operation)->handle(request_);
    auto reply = co_await std::move(answer);
    co_return reply ? std::move(*reply) : failure_reply(reply.error());
  } catch (const std::exception& thrown) {
    co_return failure_reply(error(Errc::internal, std::string("exception: ") + thrown.what()));
  }
}

Reply Session::failure_reply(const Error& failure) {
  Reply reply = context_.protocol.error_reply(failure, request_);
  if (reply.status >= kFirstServerError) {
    log::warn("{} {} {}: {} {}", request_.request_id, operation_, request_.raw_path, to_string(failure.code),
              failure.detail);
  }
  return reply;
}

boost::asio::awaitable<bool> Session::send(Reply reply) {
  ByteView first;
  if (reply.stream && request_.method != Verb::head && reply.stream->length_bytes() > 0) {
    // Until the first run is there, a failure still has an answer of its own.
    auto run = co_await reply.stream->next();
    if (run) {
      first = *run;
    } else {
      reply = failure_reply(run.error());
    }
  }
  std::uint64_t length = reply.stream ? reply.stream->length_bytes() : reply.content.size();
  if (request_.method == Verb::head) {
    length = reply.head_length.value_or(length);
  } else if (!reply.stream) {
    first = as_bytes(reply.content);
  }
  status_ = reply.status;
  const bool with_body = may_have_body(reply.status);
  if (!with_body) first = {};
  out_.clear();
  append_response_head(out_, reply,
                       {.request_id = request_.request_id,
                        .host_id = context_.host_id,
                        .now = request_.received_ms,
                        .keep_alive = keep_alive_,
                        .content_length = with_body ? std::optional(length) : std::nullopt});
  const bool streams = reply.stream && with_body && request_.method != Verb::head;
  const bool more = streams && first.size() < length;
  if (!co_await connection_.write(as_bytes(out_), first, more)) co_return false;
  sent_bytes_ = first.size();
  if (!streams) co_return true;
  co_return co_await send_rest(*reply.stream);
}

boost::asio::awaitable<bool> Session::send_rest(ReplyBody& stream) {
  std::uint64_t since_pause_bytes = 0;
  while (sent_bytes_ < stream.length_bytes()) {
    const auto run = co_await stream.next();
    const bool fits = run && !run->empty() && run->size() <= stream.length_bytes() - sent_bytes_;
    if (!fits) {
      // The head has promised other bytes. Only an early end tells the client that these are not all.
      log::error("{} {} {}: cut after {} bytes: {}", request_.request_id, operation_, request_.raw_path, sent_bytes_,
                 run ? "the body has not the length it said" : run.error().detail);
      connection_.cut();
      co_return false;
    }
    const bool more = sent_bytes_ + run->size() < stream.length_bytes();
    if (!co_await connection_.write(*run, {}, more)) co_return false;
    sent_bytes_ += run->size();
    since_pause_bytes += run->size();
    if (since_pause_bytes < limits::kTurnBytes) continue;
    since_pause_bytes = 0;
    co_await boost::asio::post(boost::asio::use_awaitable);
  }
  co_return true;
}

boost::asio::awaitable<void> Session::linger() {
  connection_.transport().end_sending();
  idle_ = true;  // The answer is out.
  const SteadyTime deadline = context_.clock.steady_now() + limits::kLingerDeadline;
  const MutableBytes room = discard_room();
  std::uint64_t discarded = 0;
  while (discarded < limits::kLingerBytesMax && !finishing_) {
    const IoResult result =
        co_await connection_.read({boost::asio::mutable_buffer(room.data(), room.size()), {}}, deadline);
    if (!result.moved()) co_return;
    discarded += result.bytes;
  }
}

void Session::record() {
  const auto duration = context_.clock.steady_now() - begun_;
  const std::uint64_t received_bytes = body_ ? body_->received_bytes() : 0;
  context_.metrics.count({.operation = operation_,
                          .status = status_,
                          .received_bytes = received_bytes,
                          .sent_bytes = sent_bytes_,
                          .duration = duration});
  if (operation_ == kMalformed) context_.metrics.malformed_requests().add();
  if (context_.access_log == nullptr) return;
  context_.access_log->write({.time = request_.received_ms,
                              .request_id = request_.request_id,
                              .peer = peer_,
                              .operation = operation_,
                              .method = body_ ? head_.method_text() : std::string_view{},
                              .raw_path = request_.raw_path,
                              .access_key = request_.identity.access_key,
                              .status = status_,
                              .received_bytes = received_bytes,
                              .sent_bytes = sent_bytes_,
                              .duration = duration});
}

}  // namespace firn::gateway
