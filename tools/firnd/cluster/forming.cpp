#include "cluster/forming.h"

#include <algorithm>
#include <numeric>

#include "firn/config/config.h"
#include "placement.h"

namespace firn::server {
namespace {

constexpr NodeId kFirstNode{1};
constexpr erasure::Shape kDefaultShape{4, 2};
using Answers = std::map<NodeId, Result<Hello>>;

Error refusal(std::string message) { return client_error(Errc::invalid_argument, std::move(message)); }
std::string spelled(NodeId node) { return "node " + std::to_string(node.value); }

FormingStep wait_for(std::string why) { return {.kind = FormingStep::Kind::wait, .why = std::move(why)}; }

/// The one cluster that drives and answers speak of; zero for none.
Result<Uuid> only_cluster(const Newcomer& self, const Answers& answers) {
  Uuid cluster = self.cluster;
  std::string whose = "these drives";
  for (const auto& [node, answer] : answers) {
    if (!answer || answer->cluster == Uuid{}) continue;
    if (cluster == Uuid{}) {
      cluster = answer->cluster;
      whose = spelled(node);
    } else if (answer->cluster != cluster) {
      return refusal(whose + " and " + spelled(node) + " belong to different clusters (" + to_string(cluster) +
                     " and " + to_string(answer->cluster) + ")");
    }
  }
  return cluster;
}

std::string why_silent(NodeId node, const Error& failure) {
  switch (failure.code) {
    case Errc::access_denied:
      return spelled(node) + " has another cluster key";
    case Errc::unsupported_version:
      return spelled(node) + " runs a version that is too far from this one (" + failure.detail + ")";
    default:
      return spelled(node) + " " + (failure.message.empty() ? "does not answer" : failure.message);
  }
}

/// Why the cluster can't begin yet, in words; empty when every other node is ready.
std::string not_ready(const Newcomer& self, const Answers& answers) {
  std::string why;
  const auto add = [&why](const std::string& reason) { why += (why.empty() ? "" : "; ") + reason; };
  for (NodeId node = kFirstNode; node.value <= self.nodes; ++node.value) {
    if (node == self.node) continue;
    const auto found = answers.find(node);
    if (found == answers.end()) {
      add(spelled(node) + " was not reached yet");
    } else if (!found->second) {
      add(why_silent(node, found->second.error()));
    } else if (found->second->list_hash != self.list_hash) {
      add(spelled(node) + " was given another list of nodes");
    } else if (found->second->begun) {
      add(spelled(node) + " is part of the cluster already, and does not know this node's drives yet");
    } else if (found->second->shape && self.shape && *found->second->shape != *self.shape) {
      add(spelled(node) + " was given erasure coding " + config::to_string(*found->second->shape));
    }
  }
  return why;
}

Result<> check_shape(erasure::Shape shape, std::size_t nodes) {
  if (domains_suffice(nodes, shape)) return {};
  const auto most = (shape.total() + nodes - 1) / nodes;
  return refusal("erasure coding " + config::to_string(shape) + " over " + std::to_string(nodes) + " nodes puts " +
                 std::to_string(most) + " shards on one, and bears the loss of " + std::to_string(shape.parity) +
                 ": name more nodes, or another coding with --erasure");
}

Result<FormingStep> begin(const Newcomer& self, const Answers& answers) {
  if (auto why = not_ready(self, answers); !why.empty()) return wait_for(std::move(why));
  if (self.has_records) {
    return refusal("these drives hold records of objects, but no node has metadata any more: name empty directories");
  }
  FormingStep step{.kind = FormingStep::Kind::begin, .cluster = self.cluster};
  step.shape = self.shape.value_or(kDefaultShape);
  for (const auto& [node, answer] : answers) {
    if (!self.shape && answer->shape) step.shape = *answer->shape;
  }
  if (auto fits = check_shape(step.shape, self.nodes); !fits) return std::move(fits).error();
  step.drive_counts.push_back(self.drive_count);
  for (const auto& [node, answer] : answers) step.drive_counts.push_back(answer->drive_count);
  const auto total = std::accumulate(step.drive_counts.begin(), step.drive_counts.end(), 0U);
  if (total > UINT16_MAX) return refusal("a cluster has at most 65535 drives");
  step.drives_total = static_cast<std::uint16_t>(total);
  if (self.drives_total != 0 && self.drives_total != step.drives_total) {
    return refusal("an unfinished start counted " + std::to_string(self.drives_total) + " drives, and now there are " +
                   std::to_string(step.drives_total));
  }
  step.own = drives_of(self.node, step.drive_counts);
  return step;
}

Result<FormingStep> join(const Newcomer& self, const Hello& peer) {
  if (!peer.shape) return wait_for(spelled(peer.node) + " does not know the cluster's erasure coding yet");
  if (self.shape && *self.shape != *peer.shape) {
    return refusal("--erasure " + config::to_string(*self.shape) + ": the cluster has " +
                   config::to_string(*peer.shape) + ", which is fixed");
  }
  if (peer.yours.size() != self.drive_count) {
    return refusal("the cluster knows this node with " + std::to_string(peer.yours.size()) + " drives, and " +
                   std::to_string(self.drive_count) + " are named");
  }
  return FormingStep{.kind = FormingStep::Kind::join,
                     .cluster = peer.cluster,
                     .shape = *peer.shape,
                     .drives_total = peer.drives_total,
                     .own = peer.yours};
}

}  // namespace

Result<FormingStep> next_step(const Newcomer& self, const Answers& answers) {
  const auto cluster = only_cluster(self, answers);
  if (!cluster) return cluster.error();
  for (const auto& [node, answer] : answers) {
    if (answer && answer->cluster != Uuid{} && answer->retired) {
      return refusal("this node, " + std::to_string(self.node.value) + ", was retired: its number is not used again. " +
                     "Give the machine a place at the end of --nodes");
    }
    if (answer && answer->cluster != Uuid{} && !answer->yours.empty()) return join(self, *answer);
  }
  if (self.node == kFirstNode) return begin(self, answers);
  std::string refused;
  for (const auto& [node, answer] : answers) {
    const bool speaks = !answer && (answer.error().code != Errc::drive_unreachable || !answer.error().message.empty());
    if (speaks) refused += "; " + why_silent(node, answer.error());
  }
  return wait_for("no node names a cluster for this one yet; " + spelled(kFirstNode) +
                  " begins it when all have answered" + refused);
}

std::vector<DriveIndex> drives_of(NodeId node, const std::vector<std::uint16_t>& drive_counts) {
  const auto before = drive_counts.begin() + static_cast<std::ptrdiff_t>(node.value - 1);
  auto next = static_cast<std::uint16_t>(std::accumulate(drive_counts.begin(), before, 0U));
  std::vector<DriveIndex> drives;
  for (std::uint16_t i = 0; i < *before; ++i) drives.push_back(DriveIndex{next++});
  return drives;
}

}  // namespace firn::server
