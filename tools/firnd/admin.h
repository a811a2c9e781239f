#pragma once

#include <boost/json/array.hpp>
#include <optional>

#include "firn/gateway/admin.h"
#include "jobs.h"
#include "storage.h"

namespace firn::server {

/// What `firn` asks of a running server. docs/operations/administration.md lists the requests.
class Admin final : public gateway::AdminHandler {
 public:
  explicit Admin(Storage& storage) : storage_(storage), jobs_(storage.runtime()) {}

  Task<gateway::AdminReply> handle(gateway::AdminRequest request) override;
  boost::asio::awaitable<void> close() { return jobs_.close(); }

 private:
  Task<gateway::AdminReply> answer(gateway::AdminRequest request);
  Task<boost::json::object> status();
  Task<boost::json::array> drives_status();
  Task<boost::json::object> repair_status();
  /// Draining, retiring, adding: nothing when the request is none of these.
  Task<std::optional<bool>> change_growth(const gateway::AdminRequest& request);
  /// How far moving is; adds to each of `drives` what it has to do with it.
  Task<boost::json::object> growth_status(boost::json::array& drives);
  Task<boost::json::object> usage(std::string bucket);
  Result<std::uint64_t> start_job(const std::string& name, const gateway::AdminRequest& request);
  Task<boost::json::object> scrub(std::uint64_t bytes_per_second);
  Task<boost::json::object> verify();
  Task<boost::json::object> fsck();
  Task<boost::json::object> backup(std::string file);

  Storage& storage_;
  Jobs jobs_;  // io thread 0.
};

}  // namespace firn::server
