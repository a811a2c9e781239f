#include "firn/objects/store.h"
#include "s3/bucket_region.h"
#include "s3/handlers.h"
#include "s3/list_token.h"
#include "s3/owner.h"
#include "s3/ranges.h"
#include "s3/timestamps.h"
#include "s3/xml_writer.h"

namespace firn::gateway {

namespace {

/// S3's largest page, and what it returns when the client names no page size.
constexpr std::size_t kPageMax = 10'000;

struct BucketQuery {
  std::string start_after, prefix, region;
  std::size_t page = kPageMax;
};

Result<BucketQuery> parse_query(const Request& request) {
  BucketQuery query;
  if (const auto* prefix = request.query.find("prefix")) query.prefix = *prefix;
  if (const auto* region = request.query.find("bucket-region")) query.region = *region;
  if (const auto* text = request.query.find("max-buckets"); text && !text->empty()) {
    const auto count = parse_decimal(*text);
    if (!count || *count == 0 || *count > kPageMax) {
      return client_error(Errc::invalid_argument, "Argument max-buckets must be an integer between 1 and 10000");
    }
    query.page = static_cast<std::size_t>(*count);
  }
  if (const auto* token = request.query.find("continuation-token"); token && !token->empty()) {
    auto last = decode_list_token(*token);
    if (!last) return std::move(last).error();
    query.start_after = *std::move(last);
  }
  return query;
}

/// One bucket more than the page, if there are so many, to know whether the list goes on.
Task<std::vector<metadata::Bucket>> find_buckets(Request& request, const BucketQuery& query) {
  std::vector<metadata::Bucket> wanted;
  std::string after = query.start_after;
  const std::size_t count = query.page + 1;
  while (wanted.size() < count) {
    CO_TRY_LET(auto buckets, co_await request.store->list_buckets(after, query.prefix, count));
    const bool last_page = buckets.size() < count;
    if (!buckets.empty()) after = buckets.back().name;
    for (auto& bucket : buckets) {
      const bool in_region = query.region.empty() || query.region == bucket_region(bucket, request.region);
      if (in_region && wanted.size() < count) wanted.push_back(std::move(bucket));
    }
    if (last_page) break;
  }
  co_return wanted;
}

}  // namespace

// ListBuckets.
Task<Reply> list_buckets(Request& request) {
  CO_TRY_LET(const auto query, parse_query(request));
  CO_TRY_LET(auto buckets, co_await find_buckets(request, query));
  const bool truncated = buckets.size() > query.page;
  if (truncated) buckets.pop_back();

  XmlWriter xml("ListAllMyBucketsResult");
  write_owner(xml, request.identity);
  xml.open("Buckets");
  for (const auto& bucket : buckets) {
    xml.open("Bucket");
    xml.element("Name", bucket.name);
    xml.plain("CreationDate", iso8601(bucket.created_ms));
    xml.element("BucketRegion", bucket_region(bucket, request.region));
    xml.close("Bucket");
  }
  xml.close("Buckets");
  xml.optional("Prefix", query.prefix);
  if (truncated) xml.plain("ContinuationToken", encode_list_token(buckets.back().name));
  co_return xml_reply(std::move(xml));
}

}  // namespace firn::gateway
