#pragma once

#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/verb.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "firn/base/buffer.h"
#include "firn/base/clock.h"
#include "firn/base/result.h"

namespace firn::objects {
class Store;
}

namespace firn::gateway {

using Fields = boost::beast::http::fields;
using Verb = boost::beast::http::verb;

/// The decoded query string, in the order sent. S3's parameter names are case-sensitive.
class Query {
 public:
  struct Parameter {
    std::string name, value;
    bool has_value = false;  ///< "?acl" has none, "?acl=" has an empty one.
  };
  Query() = default;
  explicit Query(std::vector<Parameter> parameters) : parameters_(std::move(parameters)) {}
  /// The first parameter of that name, or null.
  const std::string* find(std::string_view name) const;
  bool has(std::string_view name) const { return find(name) != nullptr; }
  const std::vector<Parameter>& parameters() const { return parameters_; }

 private:
  std::vector<Parameter> parameters_;
};

/// A request's payload as the client meant it: transfer coding, aws-chunked framing and signatures taken off and
/// checked.
///
/// Threads: the session's coroutine. Memory: none but the session's read buffer.
class RequestBody {
 public:
  virtual ~RequestBody() = default;
  /// Decoded length; every S3 client states it. Missing for a body without Content-Length: MissingContentLength.
  virtual std::optional<std::uint64_t> length_bytes() const = 0;
  /// Reads straight into `into`; returns the count, 0 at the end. At the end everything the signature promised has been
  /// checked: chunk signatures, x-amz-content-sha256, the trailer's signature and form, the decoded length. Sends
  /// 100 Continue before the first read when the client waits for it.
  virtual Task<std::size_t> read(MutableBytes into) = 0;
  /// A trailing header, once `read` has returned 0: "x-amz-checksum-crc32". Null if there is none.
  virtual const std::string* trailer(std::string_view name) const = 0;
  /// Names the client announced in x-amz-trailer, lower case: known before the body.
  virtual const std::vector<std::string>& announced_trailers() const = 0;
  /// The SHA-256 (raw) of the payload the client signed in x-amz-content-sha256; empty for UNSIGNED and STREAMING
  /// forms.
  virtual std::string_view signed_sha256() const = 0;
};

/// Who asks: filled by auth, read by handlers. IAM will add its principals behind this.
struct Identity {
  std::string access_key;
  std::string canonical_id;  ///< The owner id S3 shows in listings and ACLs.
  std::string display_name;
};

/// One S3 request, authenticated and routed.
struct Request {
  Verb method = Verb::get;
  std::string bucket;         ///< Empty for the service.
  std::string key;            ///< Decoded bytes; empty for a bucket.
  std::string_view raw_path;  ///< As sent, for the Resource field of errors.
  Query query;
  const Fields* headers = nullptr;  ///< Outlives the request.
  RequestBody* body = nullptr;      ///< Outlives the request.
  Identity identity;
  std::string request_id;    ///< 16 upper-case hexadecimal digits.
  std::string_view host_id;  ///< x-amz-id-2: the same for every answer of this process.
  std::string host;          ///< As the client named us, for Location.
  bool tls = false;
  std::string_view region;  ///< Ours, as configured.
  UnixMs received_ms = 0;
  objects::Store* store = nullptr;

  /// A header's value without surrounding white space; empty if absent.
  std::string_view header(std::string_view name) const;
  bool has_header(std::string_view name) const;
};

/// Bytes of a response that are produced while they are sent.
class ReplyBody {
 public:
  virtual ~ReplyBody() = default;
  virtual std::uint64_t length_bytes() const = 0;
  /// The next run, empty at the end; the view lives until the next call. A failure after the first byte cuts the
  /// connection.
  virtual Task<ByteView> next() = 0;
};

/// An answer. The session adds Date, Server, x-amz-request-id, x-amz-id-2, Content-Length and Connection.
struct Reply {
  unsigned status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string content;  ///< Sent when `stream` is null. For HEAD: leave empty and set `head_length`.
  std::unique_ptr<ReplyBody> stream;
  std::optional<std::uint64_t> head_length;  ///< Content-Length of a HEAD answer.
  /// Set by operations that may work longer than a client waits for a first byte (CompleteMultipartUpload): none do
  /// today.
  void add(std::string name, std::string value) { headers.emplace_back(std::move(name), std::move(value)); }
};

}  // namespace firn::gateway
