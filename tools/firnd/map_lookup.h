#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "firn/metadata/model.h"

namespace firn::server {

/// How a node is named as a failure domain.
std::string domain_of(NodeId node);
/// The node of a domain; 0 where each drive is its own (one machine).
NodeId node_of(const std::string& domain);

/// Null when the map has none.
const metadata::DriveRecord* find_drive(const metadata::MapRecord& map, DriveIndex drive);
const metadata::SetRecord* find_set(const metadata::MapRecord& map, SetId set);

/// In the map, and not out.
bool is_in(const metadata::MapRecord& map, DriveIndex drive);
/// Whose the drive is; 0 where there are no nodes, or no such drive.
NodeId owner_of(const metadata::MapRecord& map, DriveIndex drive);
std::vector<DriveIndex> drives_of_node(const metadata::MapRecord& map, NodeId node);
/// Some of its drives are not out.
bool has_drives_in(const metadata::MapRecord& map, NodeId node);
/// A cluster's map, not that of one machine by itself.
bool spans_nodes(const metadata::MapRecord& map);

/// For placement: one cluster's sets need not be another's.
std::uint64_t seed_of(const Uuid& cluster);

}  // namespace firn::server
