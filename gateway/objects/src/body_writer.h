#pragma once

#include <optional>
#include <string>

#include "firn/metadata/client.h"
#include "firn/objects/body.h"
#include "firn/objects/store.h"
#include "firn/volume/client.h"
#include "src/extent_ids.h"

namespace firn::objects {

/// A body that is where it should be and is what the client said: ready for its metadata commit.
struct StoredBody {
  metadata::BodyRef ref;
  std::uint64_t size_bytes = 0;
  std::string etag;
  metadata::Checksum checksum;
  std::optional<ExtentIds::Ticket> ticket;  ///< Kept until the commit has returned: the lease must stay open.
};

/// Where bodies go.
struct BodyPlace {
  volume::Client& volumes;
  ExtentIds& ids;
  BucketId bucket;
  std::uint64_t inline_bytes_max = 0;
};

/// Takes a body from its source: small ones into memory, others through an extent writer's own windows, hashed once on
/// the way. Errc::bad_digest when it is not what `integrity` says; what was written by then is an orphan.
Task<StoredBody> store_body(const BodyPlace& place, const Integrity& integrity, BodySource& source);

}  // namespace firn::objects
