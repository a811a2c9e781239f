#include "drive_plan.h"

#include <algorithm>
#include <map>

#include "firn/config/config.h"

namespace firn::server {
namespace {

using State = volume::DriveInspection::State;

/// The default coding, for which six drives are enough.
constexpr erasure::Shape kDefaultShape{4, 2};

Error refusal(std::string message) { return client_error(Errc::invalid_argument, std::move(message)); }

bool is_drive(const FoundDirectory& directory) {
  return !directory.failure && directory.inspection.state == State::drive;
}
bool is_empty(const FoundDirectory& directory) {
  return !directory.failure && !directory.unmounted && directory.inspection.state == State::empty;
}

std::string why_without(const FoundDirectory& directory) {
  if (directory.failure) return directory.failure->detail;
  return directory.unmounted ? "empty, and not mounted as the other drives are" : "not there";
}

Result<> refuse_foreign(const std::vector<FoundDirectory>& found) {
  for (const auto& directory : found) {
    if (directory.failure || directory.inspection.state != State::foreign) continue;
    return refusal(directory.path.string() +
                   " holds something else than Firn's data. Name an empty directory, or one that does not exist yet.");
  }
  return {};
}

/// The map says otherwise than the drives of a machine that has become a node: it must not start as it began.
Result<> refuse_cluster(const std::vector<FoundDirectory>& found) {
  for (const auto& directory : found) {
    if (directory.metadata != MetadataKind::cluster) continue;
    return refusal(directory.path.string() + " holds the metadata of a cluster: start its node with --nodes");
  }
  return {};
}

Result<DrivePlan> plan_first_start(const std::vector<FoundDirectory>& found, std::optional<erasure::Shape> asked) {
  for (const auto& directory : found) {
    if (directory.failure) return refusal(directory.path.string() + ": " + directory.failure->detail);
  }
  if (found.size() < 2) return refusal("one drive keeps nothing safe: name at least two");
  if (!asked && found.size() < kDefaultShape.total()) {
    return refusal(
        "erasure coding " + config::to_string(kDefaultShape) + " needs six drives and " + std::to_string(found.size()) +
        " are named: choose another with --erasure, for example --erasure " +
        (found.size() > 2 ? std::to_string(found.size() - 1) + "+1" : "1+" + std::to_string(found.size() - 1)));
  }
  DrivePlan plan{.first_start = true, .shape = asked.value_or(kDefaultShape)};
  if (plan.shape.total() > found.size()) {
    return refusal("erasure coding " + config::to_string(plan.shape) + " needs " + std::to_string(plan.shape.total()) +
                   " drives and " + std::to_string(found.size()) + " are named");
  }
  plan.drives = static_cast<std::uint16_t>(found.size());
  for (std::uint16_t i = 0; i < plan.drives; ++i) {
    plan.places.push_back({.index = DriveIndex{i}, .action = DrivePlan::Action::format, .path = found[i].path});
  }
  return plan;
}

/// All drives say the same of their cluster.
Result<> check_identities(const std::vector<FoundDirectory>& found, const FoundDirectory& first) {
  const auto& expected = *first.inspection.identity;
  std::map<DriveIndex, const FoundDirectory*> by_index;
  for (const auto& directory : found) {
    if (!is_drive(directory)) continue;
    const auto& identity = *directory.inspection.identity;
    if (identity.cluster != expected.cluster) {
      return refusal(directory.path.string() + " and " + first.path.string() + " belong to different clusters (" +
                     to_string(identity.cluster) + " and " + to_string(expected.cluster) + ")");
    }
    if (identity.drives != expected.drives || identity.shape != expected.shape ||
        identity.index.value >= identity.drives) {
      return refusal(directory.path.string() + " and " + first.path.string() + " disagree about their cluster");
    }
    const auto [there, added] = by_index.emplace(identity.index, &directory);
    if (!added) {
      return refusal(directory.path.string() + " and " + there->second->path.string() + " both stand for drive " +
                     std::to_string(identity.index.value + 1) + ": one was replaced by the other, or is a copy of it");
    }
  }
  if (found.size() > expected.drives) {
    return refusal("the cluster has " + std::to_string(expected.drives) + " drives and " +
                   std::to_string(found.size()) + " directories are named");
  }
  return {};
}

/// The index that a directory without a drive stands for: its place in the list if nobody holds that, else any that is
/// free.
DriveIndex free_index(std::map<DriveIndex, const FoundDirectory*>& by_index, std::size_t place, std::uint16_t drives) {
  const DriveIndex own{static_cast<std::uint16_t>(place)};
  if (own.value < drives && !by_index.contains(own)) return own;
  for (std::uint16_t i = 0; i < drives; ++i) {
    if (!by_index.contains(DriveIndex{i})) return DriveIndex{i};
  }
  FIRN_ASSERT(false && "more directories than drives");
  return own;
}

std::map<DriveIndex, const FoundDirectory*> assign(const std::vector<FoundDirectory>& found, std::uint16_t drives) {
  std::map<DriveIndex, const FoundDirectory*> by_index;
  for (const auto& directory : found) {
    if (is_drive(directory)) by_index.emplace(directory.inspection.identity->index, &directory);
  }
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (!is_drive(found[i])) by_index.emplace(free_index(by_index, i, drives), &found[i]);
  }
  return by_index;
}

Result<> enough(const DrivePlan& plan) {
  std::string missing;
  std::size_t lost = 0;
  for (const auto& place : plan.places) {
    if (place.action == DrivePlan::Action::open) continue;
    ++lost;
    missing += "\n  drive " + std::to_string(place.index.value + 1) + ": " +
               (place.path.empty() ? "not named" : place.path.string()) +
               (place.action == DrivePlan::Action::format ? ", empty"
                : place.why.empty()                       ? ""
                                                          : ", " + place.why);
  }
  if (lost <= plan.shape.parity) return {};
  return refusal(std::to_string(lost) + " of " + std::to_string(plan.drives) + " drives are missing, and " +
                 config::to_string(plan.shape) + " survives the loss of " + std::to_string(plan.shape.parity) + ":" +
                 missing);
}

/// A first start was cut short while it formatted: no drive has had metadata, and the rest is still empty.
bool first_start_unfinished(const std::vector<FoundDirectory>& found, std::uint16_t drives) {
  return found.size() == drives && std::none_of(found.begin(), found.end(), [](const auto& directory) {
           return directory.has_metadata || directory.failure || directory.unmounted;
         });
}

bool holds_records(const std::vector<FoundDirectory>& found) {
  return std::any_of(found.begin(), found.end(), [](const auto& drive) { return drive.inspection.has_records; });
}

DrivePlan::Place place_of(DriveIndex index, const FoundDirectory* directory) {
  DrivePlan::Place place{.index = index, .action = DrivePlan::Action::without};
  if (directory == nullptr) return place;
  place.path = directory->path;
  if (is_drive(*directory)) {
    place.action = DrivePlan::Action::open;
    place.drive = directory->inspection.identity->drive;
  } else if (is_empty(*directory)) {
    place.action = DrivePlan::Action::format;
  } else {
    place.why = why_without(*directory);
  }
  return place;
}

}  // namespace

Result<DrivePlan> plan_drives(const std::vector<FoundDirectory>& found, std::optional<erasure::Shape> asked) {
  if (auto mine = refuse_foreign(found); !mine) return std::move(mine).error();
  if (auto single = refuse_cluster(found); !single) return std::move(single).error();
  const auto first = std::find_if(found.begin(), found.end(), is_drive);
  if (first == found.end()) return plan_first_start(found, asked);
  if (auto same = check_identities(found, *first); !same) return std::move(same).error();

  const auto& identity = *first->inspection.identity;
  if (asked && *asked != identity.shape) {
    return refusal("--erasure " + config::to_string(*asked) + ": these drives were made with " +
                   config::to_string(identity.shape) + ", which is fixed");
  }
  DrivePlan plan{.cluster = identity.cluster, .shape = identity.shape, .drives = identity.drives};
  const auto by_index = assign(found, plan.drives);
  for (std::uint16_t i = 0; i < plan.drives; ++i) {
    const auto directory = by_index.find(DriveIndex{i});
    plan.places.push_back(place_of(DriveIndex{i}, directory == by_index.end() ? nullptr : directory->second));
  }
  if (first_start_unfinished(found, plan.drives)) {
    plan.first_start = true;
    plan.metadata_is_lost = holds_records(found);
    for (auto& place : plan.places) {
      if (place.action == DrivePlan::Action::without) place.action = DrivePlan::Action::format;
    }
    return plan;
  }
  if (auto sufficient = enough(plan); !sufficient) return std::move(sufficient).error();
  return plan;
}

}  // namespace firn::server
