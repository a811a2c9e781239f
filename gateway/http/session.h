#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "http/body_reader.h"
#include "http/connection.h"
#include "http/message_head.h"
#include "http/server_context.h"
#include "s3/operation.h"
#include "s3/request.h"

namespace firn::gateway {

/// One connection's requests, one after the other: head, signature, operation, answer.
///
/// Threads: the io thread that accepted the connection, for life.
/// Memory: the read buffer (limits::kHeadBytesMax at most) and what the operation under way holds.
class Session {
 public:
  Session(ServerContext& context, std::unique_ptr<Transport> transport);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Serves until the client leaves, misbehaves or is told to go. Never throws.
  boost::asio::awaitable<void> run();

  void cut_if_late(SteadyTime now) { connection_.cut_if_late(now); }
  void cut() { connection_.cut(); }
  /// Ends the connection after the request under way; at once if there is none.
  void finish_soon();

  /// Its place in the listener's list.
  std::size_t slot() const { return slot_; }
  void set_slot(std::size_t slot) { slot_ = slot; }

 private:
  enum class HeadOutcome : std::uint8_t { complete, malformed, ended };

  boost::asio::awaitable<HeadOutcome> read_head();
  /// Answers one request. False when the connection can't be used again.
  boost::asio::awaitable<bool> answer(HeadOutcome head);
  /// What the request comes to; never fails.
  boost::asio::awaitable<Reply> reply_to_request();
  Result<> begin_request();
  Result<const Operation*> admit();
  /// Who asks, and by which headers. The request's own until the signature was found right.
  Result<> authenticate(bool administrates);
  Reply failure_reply(const Error& failure);
  boost::asio::awaitable<bool> send(Reply reply);
  boost::asio::awaitable<bool> send_rest(ReplyBody& stream);
  boost::asio::awaitable<void> linger();
  void record();
  void name_request();

  ServerContext& context_;
  Connection connection_;
  HeadScanner scanner_;
  MessageHead head_;
  std::optional<Error> head_failure_;
  std::optional<BodyReader> body_;
  Request request_;
  std::string out_;   // The response's head; reused.
  std::string peer_;  // Only while there is an access log.
  std::string_view raw_query_;
  std::string_view host_bucket_;   // The bucket that the host names, as it spells it.
  std::optional<Fields> hoisted_;  // The headers of a presigned request that has more of them in its query.
  std::string_view operation_;
  SteadyTime begun_;
  unsigned status_ = 0;
  std::uint64_t sent_bytes_ = 0;
  bool keep_alive_ = true;
  bool idle_ = false;  // Between requests: nothing is lost if the connection goes.
  bool finishing_ = false;
  std::size_t slot_ = 0;
};

}  // namespace firn::gateway
