#include <string>

#include "s3/handlers.h"

namespace firn::gateway {

// What S3 has and Firn does not (yet): said, never done as something else.
Task<Reply> not_implemented([[maybe_unused]] Request& request) {
  co_return client_error(Errc::not_implemented, "This operation is not implemented.");
}

Task<Reply> method_not_allowed([[maybe_unused]] Request& request) { co_return Errc::method_not_allowed; }

}  // namespace firn::gateway
