#include "http/admin_endpoint.h"

#include <string>
#include <utility>

#include "firn/gateway/admin.h"

namespace firn::gateway {
namespace {

constexpr std::string_view kPrefix = "/firn/admin/v1/";

Task<Reply> unreachable([[maybe_unused]] Request& request) { co_return error(Errc::internal, "admin row was handled"); }

constexpr Operation kAdmin{.name = "Admin",
                           .method = Verb::unknown,
                           .scope = Scope::service,
                           .action = "firn:Admin",
                           .body = Body::none,
                           .handle = unreachable};

}  // namespace

bool is_admin_request(const ServerContext& context, const Request& request) {
  return context.admin != nullptr && request.raw_path.starts_with(kPrefix);
}

const Operation& admin_operation() { return kAdmin; }

Task<Reply> admin_reply(const ServerContext& context, const Request& request) {
  AdminRequest asked;
  asked.method = std::string(boost::beast::http::to_string(request.method));
  asked.path = std::string(request.raw_path.substr(kPrefix.size()));
  for (const auto& parameter : request.query.parameters())
    asked.parameters.emplace_back(parameter.name, parameter.value);
  CO_TRY_LET(AdminReply answer, co_await context.admin->handle(std::move(asked)));
  Reply reply;
  reply.status = answer.status;
  reply.add("Content-Type", "application/json");
  reply.content = std::move(answer.json);
  co_return reply;
}

}  // namespace firn::gateway
