#pragma once

#include <vector>

#include "apply/context.h"

namespace firn::metadata {

/// Who holds extents and inline bodies: an object version or a part, named by the order of the command that made it.
struct Holder {
  keys::HolderKind kind;
  VersionOrder order;
};

/// Checks a body of `size_bytes` against leases, epochs and holders, stores an inline one, registers its new extents,
/// and gives its slices, which the caller must then hold. Errc::stale_lease, stale_epoch, source_changed,
/// invalid_argument.
Result<std::vector<Slice>> take_body(Context& context, BodyRef&& body, std::uint64_t size_bytes);

/// Adds `holder` to every extent of `slices`. Done before anything is released: an extent must not lose its last holder
/// in between.
Result<> hold(Context& context, const Holder& holder, const std::vector<Slice>& slices);

/// Takes `holder` from every extent of `slices`. One that has no other goes to the freed queue, an inline body goes.
Result<> release(Context& context, const Holder& holder, const std::vector<Slice>& slices);

/// Adds shards to what is missing of an extent. Extents without a holder are left alone.
Result<> add_missing(Context& context, const ExtentId& extent, std::uint32_t shards);
/// Takes shards from it; the row goes when none is left. Errc::stale_epoch when the set has another epoch than that.
Result<> take_missing(Context& context, const GoodShards& good);

/// What any holder row of the extent says of it; nothing when it has no holder.
Result<std::optional<HolderRow>> find_held(const Reader& state, const ExtentId& extent);

}  // namespace firn::metadata
