#include "metadata_options.h"

namespace firn::server {

std::uint16_t node_losses(std::size_t drives) { return drives > 1 ? 1 : 0; }

metadata::Node::Options machine_metadata(const DrivePlan& plan) {
  metadata::Node::Options options{.drive_count = plan.drives, .losses = plan.shape.parity};
  for (const auto& place : plan.places) options.drives.push_back({place.index, place.path});
  return options;
}

metadata::Node::Options node_metadata(const DrivePlan& plan) {
  auto options = machine_metadata(plan);
  options.drive_count = static_cast<std::uint16_t>(plan.places.size());
  options.losses = node_losses(plan.places.size());
  return options;
}

}  // namespace firn::server
