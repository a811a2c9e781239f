#include "query/check.h"

#include <map>
#include <set>

#include "apply/context.h"
#include "apply/extents.h"
#include "rows/bytes.h"
#include "rows/record.h"

namespace firn::metadata::query {
namespace {

/// Enough to see a pattern.
constexpr std::size_t kProblemsShown = 100;

class Check {
 public:
  explicit Check(const Reader& state) : state_(state) {}

  Result<CheckReport> run() {
    TRY(check_buckets());
    TRY(check_uploads());
    TRY(check_objects());
    TRY(check_usage());
    TRY(check_extents());
    TRY(check_degraded());
    TRY(check_freed());
    TRY(check_counters());
    return std::move(report_);
  }

 private:
  void problem(std::string text) {
    ++report_.problem_count;
    if (report_.problems.size() < kProblemsShown) report_.problems.push_back(std::move(text));
  }
  void expect(bool holds, const char* what, std::string_view key) {
    if (!holds) problem(corrupt_row(Family::config, key, what).detail);
  }

  /// Calls `visit(cursor)` for each row whose key begins with `prefix`. A row that can't be read is a problem, not the
  /// end.
  template <class Visit>
  Result<> each(Family family, std::string_view prefix, Visit visit) {
    const auto cursor = state_.scan(family, prefix, end_of_prefix(prefix));
    for (; cursor->valid(); cursor->next()) {
      ++report_.rows;
      const Result<> read = visit(cursor->key(), cursor->value());
      if (!read) problem(read.error().detail);
    }
    return cursor->status();
  }

  Result<bool> has(Family family, const std::string& key) {
    std::string ignored;
    return state_.get(family, key, ignored);
  }

  Result<> check_buckets() {
    std::uint64_t names = 0, ids = 0;
    TRY(each(Family::buckets, keys::buckets_by_name_prefix(),
             [&](std::string_view key, std::string_view value) -> Result<> {
               ++names;
               TRY_LET(const Bucket bucket, unseal_row<Bucket>(Family::buckets, key, value));
               TRY_LET(const bool by_id, has(Family::buckets, keys::bucket_by_id(bucket.id)));
               expect(by_id && key == keys::bucket_by_name(bucket.name), "a bucket without its id", key);
               used_[bucket.id];
               return {};
             }));
    TRY(each(Family::buckets, "b", [&](std::string_view, std::string_view) -> Result<> { return ++ids, Result<>(); }));
    TRY_LET(progress_, load_progress(state_));
    expect(names == ids && ids == progress_.buckets, "buckets miscounted", {});
    return {};
  }

  /// That the holder is recorded with every extent of the slices.
  Result<> check_held(const Holder& holder, const std::vector<Slice>& slices, std::string_view key) {
    std::set<ExtentId> seen;
    std::vector<SetId> sets;
    for (const Slice& slice : slices) {
      if (!slice.is_inline()) sets.push_back(slice.set);
    }
    const bool object = holder.kind == keys::HolderKind::object;
    const std::string encoded_sets = object ? encode_sets(sets) : std::string();
    std::uint64_t degraded = 0;
    for (const Slice& slice : slices) {
      if (!seen.insert(slice.extent).second) continue;
      ++holders_expected_;
      TRY_LET(const auto row,
              load<HolderRow>(state_, Family::extents, keys::holder(slice.extent, holder.kind, holder.order)));
      expect(row && row->set == slice.set && row->extent_bytes == slice.extent_bytes && row->sets == encoded_sets,
             "an extent without this holder", key);
      TRY_LET(const bool missing, has(Family::degraded, keys::degraded_extent(slice.extent)));
      degraded += missing ? 1 : 0;
    }
    if (!object || encoded_sets.empty()) return {};
    SetsCount& count = sets_[encoded_sets];
    ++count.objects;
    if (degraded == 0) return {};
    ++count.degraded;
    ++degraded_objects_expected_;
    TRY_LET(const auto row, load<std::uint64_t>(state_, Family::degraded, keys::degraded_object(holder.order)));
    expect(row == degraded, "degraded extents of an object miscounted", key);
    return {};
  }

  Result<> check_uploads() {
    std::set<Uuid> uploads;
    TRY(each(Family::uploads, "u", [&](std::string_view key, std::string_view value) -> Result<> {
      TRY_LET(const Upload upload, unseal_row<Upload>(Family::uploads, key, value));
      uploads.insert(upload.id);
      ByteReader in(key.substr(1));
      const BucketId bucket{in.big<std::uint64_t>()};
      expect(key == keys::upload(bucket, upload.key, upload.id), "an upload under another key", key);
      if (const auto used = used_.find(bucket); used != used_.end()) {
        ++used->second.uploads;
      } else {
        TRY_LET(const bool deleted, has(Family::buckets, keys::deleted_bucket(bucket)));
        expect(deleted, "an upload of no bucket", key);
      }
      return {};
    }));
    TRY(each(Family::uploads, "p", [&](std::string_view key, std::string_view value) -> Result<> {
      ++report_.parts;
      std::uint32_t number = 0;
      Uuid upload;
      if (!keys::parse_part(key, number)) return corrupt_row(Family::uploads, key, "key");
      std::memcpy(upload.bytes.data(), key.data() + 1, upload.bytes.size());
      expect(uploads.contains(upload), "a part of no upload", key);
      TRY_LET(const StoredPart stored, decode_part(key, number, value));
      return check_held({keys::HolderKind::part, stored.order}, stored.part.slices, key);
    }));
    std::uint64_t completed = 0, by_age = 0;
    TRY(each(Family::uploads, "c", [&](std::string_view key, std::string_view value) -> Result<> {
      ++completed;
      const auto row = unseal_row<CompletedRow>(Family::uploads, key, value);
      return row ? Result<>() : row.error();
    }));
    TRY(each(Family::uploads, "o", [&](std::string_view key, std::string_view value) -> Result<> {
      ++by_age;
      TRY_LET(const Uuid upload, unseal_row<Uuid>(Family::uploads, key, value));
      TRY_LET(const bool known, has(Family::uploads, keys::completed(upload)));
      expect(known && key >= keys::completed_by_age(progress_.oldest_completed), "a completed upload lost", key);
      return {};
    }));
    expect(completed == by_age && by_age == progress_.completed, "completed uploads miscounted", {});
    return {};
  }

  Result<> check_objects() {
    return each(Family::current, {}, [&](std::string_view key, std::string_view value) -> Result<> {
      ++report_.objects;
      TRY_LET(const Object object, decode_record(Family::current, key, value));
      ByteReader in(key);
      const auto used = used_.find(BucketId{in.big<std::uint64_t>()});
      expect(used != used_.end(), "an object of no bucket", key);
      if (used != used_.end()) {
        ++used->second.objects;
        used->second.bytes += object.size_bytes;
      }
      std::uint64_t length = 0;
      for (const Slice& slice : object.slices) length += slice.length;
      expect(length == object.size_bytes, "slices don't add up", key);
      return check_held({keys::HolderKind::object, object.order}, object.slices, key);
    });
  }

  Result<> check_usage() {
    std::uint64_t usages = 0;
    TRY(each(Family::buckets, keys::bucket_usages_prefix(),
             [&](std::string_view key, std::string_view value) -> Result<> {
               ++usages;
               TRY_LET(const BucketUsage counted, unseal_row<BucketUsage>(Family::buckets, key, value));
               ByteReader in(key.substr(1));
               const auto used = used_.find(BucketId{in.big<std::uint64_t>()});
               expect(used != used_.end() && used->second.objects == counted.objects &&
                          used->second.bytes == counted.bytes && used->second.uploads == counted.uploads,
                      "usage miscounted", key);
               return {};
             }));
    expect(usages == used_.size(), "a bucket without usage", {});
    return {};
  }

  Result<> check_extents() {
    std::uint64_t holders = 0, inline_held = 0, inline_rows = 0;
    std::set<ExtentId> last;
    TRY(each(Family::extents, keys::all_holders_prefix(),
             [&](std::string_view key, std::string_view value) -> Result<> {
               ++holders;
               ExtentId extent;
               Holder holder;
               if (!keys::parse_holder(key, extent, holder.kind, holder.order))
                 return corrupt_row(Family::extents, key, "key");
               TRY_LET(const HolderRow row, unseal_row<HolderRow>(Family::extents, key, value));
               if (last.contains(extent)) return {};
               last = {extent};
               const bool is_inline = extent.lease.value == 0;
               inline_held += is_inline ? 1 : 0;
               TRY_LET(const bool there, is_inline ? has(Family::inline_bodies, keys::inline_body(extent.counter))
                                                   : has(Family::extents, keys::extent_of_set(row.set, extent)));
               expect(there, "a holder of an extent that is not there", key);
               TRY_LET(const bool freed, has(Family::extents, keys::freed_extent(extent)));
               expect(!freed, "a holder of a freed extent", key);
               return {};
             }));
    expect(holders == holders_expected_, "holders that hold nothing", {});
    TRY(each(Family::extents, keys::all_sets_prefix(), [&](std::string_view key, std::string_view) -> Result<> {
      SetId set;
      ExtentId extent;
      if (!keys::parse_extent_of_set(key, set, extent)) return corrupt_row(Family::extents, key, "key");
      TRY_LET(const auto held, find_held(state_, extent));
      expect(held && held->set == set, "an extent without a holder", key);
      return {};
    }));
    TRY(each(Family::inline_bodies, {}, [&](std::string_view key, std::string_view value) -> Result<> {
      ++inline_rows;
      const auto body = unseal(Family::inline_bodies, key, value);
      return body ? Result<>() : body.error();
    }));
    expect(inline_rows == inline_held, "inline bodies without a holder", {});
    return {};
  }

  Result<> check_degraded() {
    std::uint64_t objects = 0;
    TRY(each(Family::degraded, keys::degraded_extents_prefix(),
             [&](std::string_view key, std::string_view) -> Result<> {
               ExtentId extent;
               if (!keys::parse_degraded_extent(key, extent)) return corrupt_row(Family::degraded, key, "key");
               TRY_LET(const auto held, find_held(state_, extent));
               expect(held.has_value(), "a degraded extent without a holder", key);
               return {};
             }));
    TRY(each(Family::degraded, keys::degraded_objects_prefix(),
             [&](std::string_view, std::string_view) -> Result<> { return ++objects, Result<>(); }));
    expect(objects == degraded_objects_expected_, "degraded objects miscounted", {});
    return {};
  }

  Result<> check_freed() {
    std::uint64_t rows = 0, markers = 0;
    TRY(each(Family::freed, {}, [&](std::string_view key, std::string_view value) -> Result<> {
      ++rows;
      TRY_LET(const FreedExtent freed, unseal_row<FreedExtent>(Family::freed, key, value));
      TRY_LET(const auto marker, load<std::uint64_t>(state_, Family::extents, keys::freed_extent(freed.extent)));
      expect(marker && keys::freed(*marker) == key && *marker >= progress_.first_freed, "a freed extent unmarked", key);
      return {};
    }));
    TRY(each(Family::extents, keys::freed_extents_prefix(),
             [&](std::string_view, std::string_view) -> Result<> { return ++markers, Result<>(); }));
    expect(rows == markers, "freed extents miscounted", {});
    return {};
  }

  Result<> check_counters() {
    std::uint64_t rows = 0;
    const std::string prefix = keys::objects_in_sets_prefix();
    TRY(each(Family::config, prefix, [&](std::string_view key, std::string_view value) -> Result<> {
      ++rows;
      TRY_LET(const SetsCount counted, unseal_row<SetsCount>(Family::config, key, value));
      const SetsCount& expected = sets_[std::string(key.substr(prefix.size()))];
      expect(counted.objects == expected.objects && counted.degraded == expected.degraded, "sets miscounted", key);
      return {};
    }));
    expect(rows == sets_.size(), "sets miscounted", {});
    return {};
  }

  const Reader& state_;
  CheckReport report_;
  Progress progress_;
  std::map<BucketId, BucketUsage> used_;
  std::map<std::string, SetsCount> sets_;
  std::uint64_t holders_expected_ = 0;
  std::uint64_t degraded_objects_expected_ = 0;
};

}  // namespace

Result<CheckReport> check(const Reader& state) { return Check(state).run(); }

}  // namespace firn::metadata::query
