#include "firn/objects/store.h"

#include "src/body_cache.h"
#include "src/extent_ids.h"

namespace firn::objects {

Store::Store(metadata::Client& metadata, volume::Client& volumes, Options options)
    : metadata_(metadata),
      volumes_(volumes),
      options_(options),
      extent_ids_(std::make_unique<ExtentIds>(metadata, options.gateway, options.extents_per_lease)),
      body_cache_(std::make_shared<BodyCache>(options.body_cache_bytes)) {}

Store::~Store() = default;

Task<> Store::start() { return extent_ids_->start(); }
void Store::stop() { extent_ids_->stop(); }
LeaseId Store::first_open_lease() const { return extent_ids_->first_open(); }

// What the metadata tier answers by itself goes straight through, without a coroutine frame of its own.

Task<metadata::Bucket> Store::create_bucket(std::string name, std::string location) {
  return metadata_.create_bucket(std::move(name), std::move(location));
}

Task<metadata::Bucket> Store::find_bucket(std::string_view name) { return metadata_.find_bucket(name); }

Task<> Store::delete_bucket(std::string_view name) { return metadata_.delete_bucket(name); }

Task<std::vector<metadata::Bucket>> Store::list_buckets(std::string start_after, std::string prefix,
                                                        std::size_t limit) {
  return metadata_.list_buckets(std::move(start_after), std::move(prefix), limit);
}

Task<metadata::FoundObject> Store::find(BucketId bucket, std::string_view key) {
  return metadata_.find_object(bucket, key, false);
}

Task<metadata::FoundObject> Store::find_with_bodies(BucketId bucket, std::string_view key) {
  return metadata_.find_object(bucket, key, true);
}

Task<metadata::Committed> Store::rename(metadata::RenameObject rename) {
  return metadata_.rename_object(std::move(rename));
}

Task<std::vector<metadata::Deleted>> Store::remove(BucketId bucket, std::vector<metadata::DeleteObject> keys) {
  return metadata_.delete_objects(bucket, std::move(keys));
}

Task<> Store::put_tags(BucketId bucket, std::string key, metadata::NameValues tags) {
  return metadata_.put_tags(bucket, std::move(key), std::move(tags));
}

Task<metadata::ListPage> Store::list(metadata::ListQuery query) { return metadata_.list_objects(std::move(query)); }

Task<metadata::Upload> Store::create_upload(BucketId bucket, metadata::Upload upload) {
  return metadata_.create_upload(bucket, std::move(upload));
}

Task<metadata::Upload> Store::find_upload(BucketId bucket, std::string_view key, const Uuid& upload) {
  return metadata_.find_upload(bucket, key, upload);
}

Task<metadata::Completed> Store::complete_upload(metadata::CompleteUpload complete) {
  return metadata_.complete_upload(std::move(complete));
}

Task<> Store::abort_upload(BucketId bucket, std::string_view key, const Uuid& upload) {
  return metadata_.abort_upload(bucket, key, upload);
}

Task<metadata::PartPage> Store::list_parts(BucketId bucket, std::string_view key, const Uuid& upload,
                                           std::uint32_t part_number_marker, std::uint32_t max_parts) {
  return metadata_.list_parts(bucket, key, upload, part_number_marker, max_parts);
}

Task<metadata::UploadPage> Store::list_uploads(metadata::UploadQuery query) {
  return metadata_.list_uploads(std::move(query));
}

}  // namespace firn::objects
