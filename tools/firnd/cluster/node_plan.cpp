#include "cluster/node_plan.h"

#include <algorithm>
#include <set>
#include <utility>

#include "firn/config/config.h"

namespace firn::server {
namespace {

using State = volume::DriveInspection::State;

Error refusal(std::string message) { return client_error(Errc::invalid_argument, std::move(message)); }

bool is_drive(const FoundDirectory& directory) {
  return !directory.failure && directory.inspection.state == State::drive;
}

Result<> check_same(const FoundDirectory& directory, const FoundDirectory& first) {
  const auto& identity = *directory.inspection.identity;
  const auto& expected = *first.inspection.identity;
  if (identity.cluster != expected.cluster) {
    return refusal(directory.path.string() + " and " + first.path.string() + " belong to different clusters (" +
                   to_string(identity.cluster) + " and " + to_string(expected.cluster) + ")");
  }
  if (identity.shape == expected.shape) return {};
  return refusal(directory.path.string() + " and " + first.path.string() + " disagree about their cluster");
}

DrivePlan::Place place_of(DriveIndex index, const FoundDirectory& directory) {
  DrivePlan::Place place{.index = index, .action = DrivePlan::Action::without, .path = directory.path};
  if (is_drive(directory)) {
    place.action = DrivePlan::Action::open;
    place.drive = directory.inspection.identity->drive;
    place.added = directory.inspection.identity->drives == 0;
  } else if (directory.failure) {
    place.why = directory.failure->detail;
  } else if (directory.unmounted) {
    place.why = "empty, and not mounted as the other drives are";
  } else {
    place.action = DrivePlan::Action::format;
  }
  return place;
}

}  // namespace

Result<NodeSurvey> survey_drives(const std::vector<FoundDirectory>& found, std::optional<erasure::Shape> asked) {
  NodeSurvey survey{.shape = asked};
  const FoundDirectory* first = nullptr;
  std::set<DriveIndex> indexes;
  for (const auto& directory : found) {
    survey.begun |= directory.has_metadata;
    survey.has_records |= directory.inspection.has_records;
    if (directory.metadata == MetadataKind::single) {
      return refusal(directory.path.string() +
                     " holds the metadata of a single machine, which becomes a node of a cluster by `firn metadata " +
                     "become-cluster`");
    }
    if (!directory.failure && directory.inspection.state == State::foreign) {
      return refusal(directory.path.string() + " holds something else than Firn's data. Name an empty directory, or " +
                     "one that does not exist yet.");
    }
    if (!is_drive(directory)) continue;
    if (first == nullptr) first = &directory;
    if (auto same = check_same(directory, *first); !same) return std::move(same).error();
    const auto index = directory.inspection.identity->index;
    if (const auto total = directory.inspection.identity->drives; total != 0) survey.drives_total = total;
    if (!indexes.insert(index).second) {
      return refusal(directory.path.string() + " and another directory both stand for drive " +
                     std::to_string(index.value + 1) + ": one was replaced by the other, or is a copy of it");
    }
  }
  if (first == nullptr) return survey;
  const auto& identity = *first->inspection.identity;
  if (asked && *asked != identity.shape) {
    return refusal("--erasure " + config::to_string(*asked) + ": these drives were made with " +
                   config::to_string(identity.shape) + ", which is fixed");
  }
  survey.cluster = identity.cluster;
  survey.shape = identity.shape;
  return survey;
}

Result<DrivePlan> plan_node(const std::vector<FoundDirectory>& found, const NodeSurvey& survey,
                            const std::vector<DriveIndex>& own) {
  if (found.size() != own.size()) {
    return refusal("the cluster knows this node with " + std::to_string(own.size()) + " drives, and " +
                   std::to_string(found.size()) + " are named");
  }
  std::set<DriveIndex> free(own.begin(), own.end());
  for (const auto& directory : found) {
    if (!is_drive(directory)) continue;
    const auto index = directory.inspection.identity->index;
    if (free.erase(index) > 0) continue;
    return refusal(directory.path.string() + " is drive " + std::to_string(index.value + 1) +
                   " of the cluster, which is another node's");
  }
  DrivePlan plan{
      .first_start = !survey.begun, .cluster = survey.cluster, .shape = *survey.shape, .drives = survey.drives_total};
  for (const auto& directory : found) {
    const auto index = is_drive(directory) ? directory.inspection.identity->index : *free.begin();
    free.erase(index);
    plan.places.push_back(place_of(index, directory));
  }
  std::ranges::sort(plan.places, {}, &DrivePlan::Place::index);
  return plan;
}

Result<std::vector<DriveIndex>> own_drives(const std::vector<FoundDirectory>& found) {
  std::vector<DriveIndex> said;
  for (const auto& directory : found) {
    if (is_drive(directory)) said.push_back(directory.inspection.identity->index);
  }
  if (said.size() == found.size()) return said;
  std::optional<std::size_t> base;
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (!is_drive(found[i])) continue;
    const std::size_t index = found[i].inspection.identity->index.value;
    if (index < i || (base && *base != index - i)) {
      return refusal("the directories are in another order than when the cluster began; name them as they were");
    }
    base = index - i;
  }
  if (!base) return refusal("no directory is a drive");
  std::vector<DriveIndex> own;
  for (std::size_t i = 0; i < found.size(); ++i) own.push_back(DriveIndex{static_cast<std::uint16_t>(*base + i)});
  return own;
}

}  // namespace firn::server
