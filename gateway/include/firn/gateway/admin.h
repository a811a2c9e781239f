#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "firn/base/result.h"

namespace firn::gateway {

/// A request below /firn/admin/v1/, signed with the root credential.
struct AdminRequest {
  std::string method;                                           ///< "GET", "POST" …
  std::string path;                                             ///< What follows the prefix: "status", "jobs/scrub".
  std::vector<std::pair<std::string, std::string>> parameters;  ///< Decoded, in the order sent.

  /// The first of that name, or `fallback`.
  std::string parameter(std::string_view name, std::string_view fallback = {}) const {
    for (const auto& [key, value] : parameters) {
      if (key == name) return value;
    }
    return std::string(fallback);
  }
};

struct AdminReply {
  unsigned status = 200;
  std::string json;
};

/// Answers for administration; the gateway only authenticates and carries. Callable from any io thread.
class AdminHandler {
 public:
  virtual ~AdminHandler() = default;
  /// A failure is answered as S3's errors are.
  virtual Task<AdminReply> handle(AdminRequest request) = 0;
};

}  // namespace firn::gateway
