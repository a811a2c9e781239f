#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <utility>
#include <vector>

#include "firn/base/result.h"
#include "firn/gateway/server.h"
#include "http_client.h"

namespace firn::cli {

/// The administration of a running server: docs/operations/administration.md lists its requests.
///
/// Threads: blocks the caller.
class AdminClient {
 public:
  using Parameters = std::vector<std::pair<std::string, std::string>>;

  AdminClient(HttpClient http, gateway::RootCredential credential)
      : http_(std::move(http)), credential_(std::move(credential)) {}

  /// `path` is what follows /firn/admin/v1/. A refusal is an Error whose message is the server's.
  Result<boost::json::object> ask(const std::string& method, const std::string& path, Parameters parameters) const;

  /// Starts a job and waits for its end, however long that takes. Its result.
  Result<boost::json::object> run_job(const std::string& name, Parameters parameters) const;

 private:
  HttpClient http_;
  gateway::RootCredential credential_;
};

}  // namespace firn::cli
