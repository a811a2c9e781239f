#include "commands.h"

#include <filesystem>
#include <utility>

#include "admin_client.h"
#include "firn/server/become_cluster.h"
#include "firn/server/force_membership.h"
#include "firn/server/restore.h"
#include "report.h"

namespace firn::cli {
namespace {

using Command = Invocation::Command;

/// Paths are the server's; a relative one is meant as seen from here, which is right on the server's own machine.
std::string server_path(const std::string& path) {
  return path.empty() ? path : std::filesystem::absolute(path).lexically_normal().string();
}

Result<AdminClient> connect(const Invocation& asked, const config::Environment& environment) {
  const auto server = server_config(asked.access, environment);
  if (!server) return server.error();
  auto endpoint = find_endpoint(asked.access, *server, environment);
  if (!endpoint) return std::move(endpoint).error();
  auto credential = find_credential(*server, environment);
  if (!credential) return std::move(credential).error();
  return AdminClient(HttpClient(*std::move(endpoint), {.ca_file = asked.access.ca_file}), *std::move(credential));
}

std::string place_of(const Invocation& asked) {
  return asked.node != 0 ? "nodes/" + std::to_string(asked.node) : "drives/" + std::to_string(asked.drive);
}

Result<boost::json::object> ask_server(const AdminClient& server, const Invocation& asked) {
  AdminClient::Parameters parameters;
  switch (asked.command) {
    case Command::status:
      return server.ask("GET", "status", {});
    case Command::usage:
      if (!asked.bucket.empty()) parameters.emplace_back("bucket", asked.bucket);
      return server.ask("GET", "usage", std::move(parameters));
    case Command::scrub:
      parameters.emplace_back("bytes-per-second", std::to_string(asked.scrub_bytes_per_second));
      return server.run_job("scrub", std::move(parameters));
    case Command::verify:
      return server.run_job("verify", {});
    case Command::fsck:
      return server.run_job("fsck", {});
    case Command::replace_drive:
      if (!asked.path.empty()) parameters.emplace_back("path", server_path(asked.path));
      return server.ask("POST", "drives/" + std::to_string(asked.drive) + "/take", std::move(parameters));
    case Command::add_drive:
      parameters.emplace_back("path", server_path(asked.path));
      return server.ask("POST", "drives", std::move(parameters));
    case Command::drain_drive:
    case Command::drain_node:
      if (asked.undo) parameters.emplace_back("undo", "1");
      return server.ask("POST", place_of(asked) + "/drain", std::move(parameters));
    case Command::retire_drive:
    case Command::retire_node:
      return server.ask("POST", place_of(asked) + "/retire", {});
    case Command::metadata_restore:
    case Command::force_membership:
    case Command::become_cluster:
      break;
    case Command::metadata_backup:
      parameters.emplace_back("file", server_path(asked.file));
      return server.run_job("backup", std::move(parameters));
  }
  return error(Errc::internal, "a command without its request");
}

/// Those commands work on drives themselves.
Result<config::Config> drives_of(const Invocation& asked, const config::Environment& environment) {
  const auto& access = asked.access;
  if (access.data.empty() && access.drives.empty() && access.config.empty()) {
    return client_error(Errc::invalid_argument, "name the drives it is about: --drives, --data or --config");
  }
  return server_config(access, environment);
}

Result<boost::json::object> force(const Invocation& asked, const config::Environment& environment) {
  const auto server = drives_of(asked, environment);
  if (!server) return server.error();
  const auto found = server::force_membership(server->drives, asked.accept_loss);
  if (!found) return found.error();
  boost::json::array voters;
  for (const auto voter : found->voters) voters.emplace_back(voter.value);
  return boost::json::object{{"node", found->node.value},
                             {"voters_before", std::move(voters)},
                             {"known_committed", found->committed},
                             {"last_entry", found->last},
                             {"forced", asked.accept_loss}};
}

Result<boost::json::object> restore(const Invocation& asked, const config::Environment& environment) {
  const auto server = drives_of(asked, environment);
  if (!server) return server.error();
  const auto restored = server::restore_metadata(server->drives, asked.file, NodeId{asked.node});
  if (!restored) return restored.error();
  return boost::json::object{{"cluster", to_string(restored->cluster)},
                             {"erasure", config::to_string(restored->shape)},
                             {"drives", restored->drives},
                             {"drives_without_data", restored->formatted},
                             {"node", restored->node.value}};
}

Result<boost::json::object> become(const Invocation& asked, const config::Environment& environment) {
  auto server = drives_of(asked, environment);
  if (!server) return server.error();
  if (asked.undo) {
    if (auto done = server::remain_single(server->drives); !done) return std::move(done).error();
    return boost::json::object{{"undone", true}};
  }
  const auto became = server::become_cluster(*std::move(server));
  if (!became) return became.error();
  return boost::json::object{{"cluster", to_string(became->cluster)},
                             {"node", became->node.value},
                             {"nodes", became->nodes},
                             {"drives", became->drives},
                             {"undone", false}};
}

Result<boost::json::object> answer(const Invocation& asked, const config::Environment& environment) {
  if (asked.command == Command::metadata_restore) return restore(asked, environment);
  if (asked.command == Command::become_cluster) return become(asked, environment);
  if (asked.command == Command::force_membership) return force(asked, environment);
  const auto server = connect(asked, environment);
  if (!server) return server.error();
  return ask_server(*server, asked);
}

Outcome report(const Invocation& asked, boost::json::object content) {
  switch (asked.command) {
    case Command::status:
      return {content, status_report(content)};
    case Command::add_drive:
      return {content, addition_report(content, asked.path)};
    case Command::drain_drive:
    case Command::drain_node:
      return {content, drain_report(content, asked.undo)};
    case Command::retire_drive:
    case Command::retire_node:
      return {content, std::string(asked.node != 0 ? "The node" : "The drive") +
                           " is of the cluster no more. Its number is not used again.\n"};
    case Command::usage:
      return {content, usage_report(content)};
    case Command::scrub:
      return {content, scrub_report(content), number_at(content, "damaged") == 0};
    case Command::verify:
      return {content, verify_report(content), number_at(content, "problems") == 0};
    case Command::fsck:
      return {content, fsck_report(content), number_at(content, "problems") == 0};
    case Command::replace_drive:
      return {content, replacement_report(content, asked.drive, !asked.path.empty())};
    case Command::metadata_backup:
      return {content, backup_report(content)};
    case Command::metadata_restore:
      return {content, restore_report(content)};
    case Command::force_membership:
      return {content, forced_report(content)};
    case Command::become_cluster:
      return {content, became_report(content)};
  }
  return {};
}

}  // namespace

Result<Outcome> carry_out(const Invocation& asked, const config::Environment& environment) {
  auto content = answer(asked, environment);
  if (!content) return std::move(content).error();
  return report(asked, *std::move(content));
}

}  // namespace firn::cli
