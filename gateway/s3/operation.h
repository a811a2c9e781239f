#pragma once

#include <cstdint>
#include <string_view>

#include "s3/request.h"

namespace firn::gateway {

/// What part of the name space an operation addresses.
enum class Scope : std::uint8_t { service, bucket, object };

/// What the session does with the request's body before and while the handler runs.
enum class Body : std::uint8_t {
  none,      ///< The handler reads nothing; the session drains or closes.
  document,  ///< Small XML, read by the handler with `read_document` under its limit.
  stream,    ///< Object bytes.
};

/// One S3 operation: what the router, the authoriser, the body reader, the access log and the metrics need to know.
struct Operation {
  std::string_view name;  ///< As S3 spells it: also the metric label.
  Verb method;
  Scope scope;
  std::string_view
      subresource;          ///< Query parameter that selects it ("uploads"; "a&b": both); empty for the plain verb.
  std::string_view header;  ///< Header that selects it ("x-amz-copy-source"); empty for most.
  std::string_view action;  ///< IAM action checked before the handler runs.
  Body body;
  Task<Reply> (*handle)(Request&);
};

/// The row that answers this request, by method, scope, sub-resource and header. A request no row names, an unknown
/// valueless parameter on a write included, gets the row NotImplemented or MethodNotAllowed: never the plain verb.
const Operation& route(Verb method, Scope scope, const Query& query, const Fields& headers);

}  // namespace firn::gateway
