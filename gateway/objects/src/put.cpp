#include "firn/objects/store.h"
#include "src/body_writer.h"

namespace firn::objects {

Task<PutResult> Store::put(PutRequest request, BodySource& body) {
  const BodyPlace place{volumes_, *extent_ids_, request.bucket, options_.inline_bytes_max};
  CO_TRY_LET(StoredBody stored, co_await store_body(place, request.integrity, body));
  PutResult result{.checksum = stored.checksum, .size_bytes = stored.size_bytes};
  metadata::PutObject put{.bucket = request.bucket,
                          .key = std::move(request.key),
                          .conditions = std::move(request.conditions),
                          .size_bytes = stored.size_bytes,
                          .etag = std::move(stored.etag),
                          .checksum = std::move(stored.checksum),
                          .attributes = std::move(request.attributes),
                          .body = std::move(stored.ref)};
  CO_TRY_LET(result.committed, co_await metadata_.put_object(std::move(put)));
  if (stored.ticket) stored.ticket->committed();
  co_return result;
}

}  // namespace firn::objects
