#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <sstream>

#include "firn/base/digest.h"
#include "machine.h"
#include "reference.h"

/// Random commands on apply and on the reference: they must agree on every answer and on everything that can be asked.
/// A failure prints its seed (FIRN_TEST_SEED repeats it) and the fewest steps that still fail.
namespace firn::metadata {
namespace {

/// What to do, in numbers: they are looked up in what exists when the step runs, so any subset of steps makes sense.
struct Step {
  unsigned kind = 0;
  unsigned a = 0, b = 0, c = 0, d = 0;
};
constexpr unsigned kKinds = 20;

class Run {
 public:
  Run() {
    apply(PutClusterMap{six_drives(1, 1)});
    apply(RegisterGateway{gateway(0)});
  }

  /// Runs the step, and tells what then differs.
  std::string step(const Step& step) {
    const Operation operation = build(step);
    std::string difference = apply(operation);
    if (difference.empty()) difference = compare();
    return difference;
  }

 private:
  static Uuid gateway(unsigned number) {
    Uuid id;
    id.bytes[0] = static_cast<std::uint8_t>(number + 1);
    return id;
  }
  static std::string key(unsigned number) {
    const std::string keys[] = {"a", "a/b", "a/b/c", std::string("a\0b", 3), "\xFF\xFF", "z"};
    return keys[number % std::size(keys)];
  }
  static std::string name(unsigned number) { return "bucket" + std::to_string(number % 3); }
  BucketId bucket(unsigned number) {
    const auto found = reference_.buckets.find(name(number));
    return found == reference_.buckets.end() ? BucketId{999} : found->second.id;
  }
  const Reference::Object_* object(BucketId id, const std::string& object_key) {
    Reference::Bucket_* const found = reference_.find(id);
    if (!found) return nullptr;
    const auto at = found->objects.find(object_key);
    return at == found->objects.end() ? nullptr : &at->second;
  }

  Conditions conditions(unsigned number, BucketId id, const std::string& object_key) {
    const Reference::Object_* const current = object(id, object_key);
    switch (number % 8) {
      case 0:
        return {.if_none_match = "*"};
      case 1:
        return {.if_match = "*"};
      case 2:
        return {.if_match = current ? current->etag : etag(1)};
      case 3:
        return {.if_match = etag(2)};
      case 4:
        return {.if_none_match = current ? current->etag : etag(1)};
      default:
        return {};
    }
  }

  /// Bytes inline, a new extent, a copy of another object's slices, or both; `bytes` for a new extent.
  BodyRef body(const Step& step, std::uint64_t bytes, std::uint64_t& size) {
    BodyRef body;
    if (step.c % 5 == 0) {
      body.inline_bytes = std::string(step.d % 3, 'x');
      size = body.inline_bytes.size();
      return body;
    }
    if (step.c % 5 != 1) {
      const unsigned lease = step.d % 4 == 0 ? step.d : static_cast<unsigned>(reference_.next_lease - 1);
      const std::uint32_t epoch = reference_.map.sets[0].epoch.value;
      const ExtentId id{LeaseId{1 + lease % reference_.next_lease}, next_counter_++};
      body = extent_body(id, bytes, epoch - std::min(epoch, step.b % 3), step.d % 7 == 0 ? 0x11U : 0U);
    }
    if (step.c % 5 <= 2) {
      for (const Slice& slice : some_slices(step.d)) {
        Slice part = slice;
        part.offset += part.length / 4;
        part.length -= part.length / 4;
        body.slices.push_back(part);
      }
    }
    if (body.slices.empty()) body.inline_bytes = "y";
    for (const Slice& slice : body.slices) size += slice.length;
    size += body.inline_bytes.size();
    return body;
  }

  std::vector<Slice> some_slices(unsigned number) {
    std::vector<const std::vector<Slice>*> all;
    for (const auto& [bucket_name, entry] : reference_.buckets) {
      for (const auto& [object_key, found] : entry.objects) all.push_back(&found.slices);
      for (const auto& [id, upload] : entry.uploads) {
        for (const auto& [part_number, part] : upload.parts) all.push_back(&part.slices);
      }
    }
    if (number % 11 == 0 && !reference_.extents.empty()) {
      const ExtentId id = reference_.extents[number % reference_.extents.size()];
      if (!reference_.held(id)) return {{.extent = id, .set = SetId{1}, .extent_bytes = 4096, .length = 4096}};
    }
    return all.empty() ? std::vector<Slice>() : *all[number % all.size()];
  }

  std::pair<Uuid, std::string> upload(BucketId id, unsigned number) {
    std::vector<std::pair<Uuid, std::string>> all(done_.begin(), done_.end());
    if (Reference::Bucket_* const found = reference_.find(id)) {
      for (const auto& [upload_id, entry] : found->uploads) {
        for (int weight = 0; weight < 3; ++weight) all.emplace_back(upload_id, entry.key);
      }
    }
    return all.empty() ? std::pair<Uuid, std::string>() : all[number % all.size()];
  }

  Operation build_put(const Step& step) {
    PutObject put{.bucket = bucket(step.a), .key = key(step.b)};
    put.conditions = conditions(step.d, put.bucket, put.key);
    put.body = body(step, 4096, put.size_bytes);
    put.etag = etag(step.d % 5);
    put.attributes.tags = {{"t", std::to_string(step.d % 3)}};
    return put;
  }

  Operation build_part(const Step& step) {
    PutPart put{.bucket = bucket(step.a)};
    std::tie(put.upload, put.key) = upload(put.bucket, step.d);
    put.part.number = 1 + step.b % 4;
    put.part.etag = etag(step.d % 5);
    put.body = body(step, step.d % 3 == 0 ? 4096 : 6 << 20, put.part.size_bytes);
    return put;
  }

  Operation build_complete(const Step& step) {
    CompleteUpload complete{.bucket = bucket(step.a)};
    std::tie(complete.upload, complete.key) = upload(complete.bucket, step.d);
    Reference::Bucket_* const found = reference_.find(complete.bucket);
    if (found && found->uploads.contains(complete.upload)) {
      for (const auto& [number, part] : found->uploads[complete.upload].parts) {
        if (step.b % 5 != 0 || number % 2 == 0) complete.parts.push_back({number, part.etag, {}});
      }
      if (step.c % 9 == 0) std::ranges::reverse(complete.parts);
    }
    if (complete.parts.empty() || step.c % 7 == 0) complete.parts.push_back({9, etag(3), {}});
    complete.conditions = conditions(step.c, complete.bucket, complete.key);
    done_[complete.upload] = complete.key;
    return complete;
  }

  Operation build_map(const Step& step) {
    MapRecord map = reference_.map;
    map.version += step.d % 9 == 0 ? 2 : 1;
    DriveRecord& drive = map.drives[step.a % 6];
    drive.out = step.b % 2 == 0;
    ++map.sets[0].epoch.value;
    if (step.c % 3 == 0) drive.uuid.bytes[1] = static_cast<std::uint8_t>(step.d % 250 + 1);
    return PutClusterMap{map};
  }

  Operation build_marks(const Step& step) {
    const bool any = !reference_.extents.empty();
    const ExtentId named = any ? reference_.extents[step.a % reference_.extents.size()] : ExtentId{};
    if (step.kind % 2 == 0) {
      std::vector<DegradedExtent> marks;
      if (any) marks.push_back({.extent = named, .missing = step.b % 64});
      return MarkMissing{marks};
    }
    // Whichever epoch, the recorded one, or one that is not any more.
    SetEpoch epoch;
    if (step.d % 4 != 0) epoch.value = reference_.map.sets[0].epoch.value - (step.d % 4 == 1 ? 1 : 0);
    std::vector<GoodShards> good;
    if (any) good.push_back({.extent = named, .epoch = epoch, .shards = step.b % 64});
    for (const auto& [extent, shards] : reference_.missing) {
      if (step.c % 2 == 0) good.push_back({.extent = extent, .epoch = epoch, .shards = shards});
    }
    return MarkGood{good};
  }

  DropFreed build_drop(const Step& step) {
    DropFreed drop;
    const auto freed = query::list_freed(machine_.state, 1'000);
    for (const FreedExtent& extent : freed.value()) drop.sequences.push_back(extent.sequence);
    // Whichever map, the recorded one, or one that is not any more.
    if (step.a % 4 != 0) drop.map_version = reference_.map.version + (step.a % 4 == 1 ? 1 : 0);
    return drop;
  }

  Operation build(const Step& step) {
    switch (step.kind) {
      case 0:
        return CreateBucket{name(step.a), ""};
      case 1:
        return step.d % 4 == 0 ? Operation(DeleteBucket{name(step.a)}) : Operation(CreateBucket{name(step.a), ""});
      case 2:
      case 3:
      case 4:
      case 5:
        return build_put(step);
      case 6:
      case 7: {
        DeleteObjects remove{.bucket = bucket(step.a)};
        for (unsigned i = 0; i <= step.d % 3; ++i) {
          const std::string object_key = key(step.b + i * (step.c % 2));
          remove.keys.push_back({object_key, {.if_match = conditions(step.d, remove.bucket, object_key).if_match}});
        }
        return remove;
      }
      case 8: {
        RenameObject rename{.bucket = bucket(step.a), .source_key = key(step.b), .key = key(step.c)};
        rename.conditions = conditions(step.d, rename.bucket, rename.key);
        rename.source_conditions.if_match = step.d % 5 == 0 ? etag(2) : "";
        return rename;
      }
      case 9:
        return PutTags{bucket(step.a), key(step.b), {{"t", "9"}}};
      case 10: {
        CreateUpload create{.bucket = bucket(step.a)};
        create.upload.key = key(step.b);
        create.upload.id.bytes[15] = static_cast<std::uint8_t>(++next_upload_);
        create.upload.id.bytes[14] = static_cast<std::uint8_t>(next_upload_ >> 8);
        return create;
      }
      case 11:
      case 12:
        return build_part(step);
      case 13:
        return build_complete(step);
      case 14: {
        AbortUpload abort{.bucket = bucket(step.a)};
        std::tie(abort.upload, abort.key) = upload(abort.bucket, step.d);
        return abort;
      }
      case 15:
        return step.a % 3 == 0
                   ? Operation(RegisterGateway{gateway(step.b % 2)})
                   : Operation(RotateLease{gateway(step.b % 2), LeaseId{1 + step.c % reference_.next_lease}});
      case 16:
        return build_map(step);
      case 17:
        return build_drop(step);
      default:
        return build_marks(step);
    }
  }

  std::string apply(const Operation& operation) {
    const std::uint64_t index = machine_.progress().applied_index + 1;
    const std::optional<Errc> expected = reference_.apply(index, operation);
    machine_.now_ms += 1;
    const Answer answer = machine_.apply(operation);
    if (answer.code() != expected) {
      const auto text = [](std::optional<Errc> code) { return code ? std::string(to_string(*code)) : "success"; };
      return "answered " + text(answer.code()) + ", expected " + text(expected) +
             (answer ? "" : " (" + answer.error().detail + ")");
    }
    if (answer && std::holds_alternative<std::vector<Deleted>>(*answer)) {
      const auto& deleted = std::get<std::vector<Deleted>>(*answer);
      for (std::size_t i = 0; i < deleted.size(); ++i) {
        if (deleted[i].failure != reference_.deletions[i]) return "a deletion answered otherwise";
      }
    }
    if (answer && std::holds_alternative<SweepState>(*answer)) return sweep();
    return {};
  }

  std::string sweep() {
    const auto buckets = query::deleted_buckets(machine_.state);
    for (const BucketId deleted : *buckets) {
      while (machine_.apply_for<SweepState>(SweepBucket{deleted, 2}).value().more) {
      }
    }
    // The sweeps took log indexes that the reference need not know of.
    return {};
  }

  std::string compare() {
    if (const std::string problem = machine_.problem(); !problem.empty()) return problem;
    for (const auto& [bucket_name, entry] : reference_.buckets) {
      if (const std::string difference = compare_bucket(entry); !difference.empty()) return difference;
    }
    for (const ExtentId& extent : reference_.extents) {
      if (query::needed(machine_.state, {extent}).value().front() != reference_.needed(extent)) {
        return "extent " + to_string(extent) + (reference_.needed(extent) ? " is needed" : " is not needed");
      }
    }
    std::map<ExtentId, SetId> freed;
    const auto queue = query::list_freed(machine_.state, 10'000);
    for (const FreedExtent& extent : *queue) freed[extent.extent] = extent.set;
    if (freed != reference_.freed) return "the freed queue differs";
    std::map<ExtentId, std::uint32_t> missing;
    const auto degraded = query::list_degraded(machine_.state, {}, 10'000);
    for (const DegradedExtent& extent : *degraded) {
      missing[extent.extent] = extent.missing;
    }
    if (missing != reference_.missing)
      return "degraded extents: " + text(missing) + ", expected: " + text(reference_.missing);
    const std::uint64_t below = query::count_below_full_redundancy(machine_.state).value();
    if (below == reference_.below_full_redundancy()) return {};
    return std::to_string(below) + " objects below full redundancy, expected " +
           std::to_string(reference_.below_full_redundancy());
  }

  static std::string text(const std::map<ExtentId, std::uint32_t>& extents) {
    std::string all;
    for (const auto& [extent, shards] : extents) all += to_string(extent) + " lacks " + std::to_string(shards) + " ";
    return all;
  }

  std::string compare_bucket(const Reference::Bucket_& expected) {
    const auto page = query::list_objects(machine_.state, {.bucket = expected.id});
    if (!page || page->entries.size() != expected.objects.size()) return "a listing has other keys";
    std::uint64_t bytes = 0;
    for (const ListEntry& entry : page->entries) {
      const auto object = expected.objects.find(entry.key);
      if (object == expected.objects.end() || object->second.etag != entry.etag) return "a listing differs";
      bytes += entry.size_bytes;
      const auto found = query::find_object(machine_.state, expected.id, entry.key, true);
      if (!found || found->object.slices != object->second.slices ||
          found->object.order.log_index != object->second.index ||
          found->object.size_bytes != object->second.size_bytes ||
          found->object.attributes.tags != object->second.tags) {
        return "object " + to_hex(entry.key) + " differs";
      }
    }
    const auto usage = query::usage(machine_.state, expected.id);
    if (!usage || usage->objects != expected.objects.size() || usage->bytes != bytes ||
        usage->uploads != expected.uploads.size()) {
      return "usage differs";
    }
    const auto uploads = query::list_uploads(machine_.state, {.bucket = expected.id});
    return uploads && uploads->uploads.size() == expected.uploads.size() ? "" : "uploads differ";
  }

  Machine machine_;
  Reference reference_;
  std::map<Uuid, std::string> done_;
  std::uint64_t next_counter_ = 1;
  unsigned next_upload_ = 0;
};

/// What differs first, and the number of steps until then.
std::pair<std::string, std::size_t> run(const std::vector<Step>& steps) {
  Run run;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (std::string difference = run.step(steps[i]); !difference.empty()) return {std::move(difference), i + 1};
  }
  return {};
}

/// Leaves steps out, ever fewer at a time, as long as the rest still fails.
std::vector<Step> shrink(std::vector<Step> steps) {
  for (std::size_t chunk = steps.size() / 2; chunk > 0; chunk /= 2) {
    for (std::size_t at = 0; at + chunk <= steps.size();) {
      std::vector<Step> fewer = steps;
      fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(at),
                  fewer.begin() + static_cast<std::ptrdiff_t>(at + chunk));
      if (run(fewer).first.empty()) {
        at += chunk;
      } else {
        steps = std::move(fewer);
      }
    }
  }
  return steps;
}

std::string text(const std::vector<Step>& steps) {
  std::ostringstream out;
  for (const Step& step : steps) {
    out << "  {" << step.kind << ", " << step.a << ", " << step.b << ", " << step.c << ", " << step.d << "},\n";
  }
  return out.str();
}

std::vector<Step> random_steps(std::uint64_t seed, std::size_t count) {
  std::mt19937_64 random(seed);
  std::vector<Step> steps(count);
  for (Step& step : steps) {
    const auto number = [&] { return static_cast<unsigned>(random() % 1'000); };
    step = {static_cast<unsigned>(random() % kKinds), number(), number(), number(), number()};
  }
  return steps;
}

void expect_agreement(std::uint64_t seed, std::size_t count) {
  std::vector<Step> steps = random_steps(seed, count);
  const auto [difference, length] = run(steps);
  if (difference.empty()) return;
  steps.resize(length);
  const std::vector<Step> least = shrink(steps);
  FAIL() << "seed " << seed << " (FIRN_TEST_SEED repeats it): " << run(least).first << "\nafter\n" << text(least);
}

TEST(Apply, AgreesWithItsReferenceOnRandomCommands) {
  if (const char* given = std::getenv("FIRN_TEST_SEED")) {
    expect_agreement(std::strtoull(given, nullptr, 10), 400);
    return;
  }
  const std::uint64_t base = std::random_device{}();
  for (std::uint64_t i = 0; i < 60 && !testing::Test::HasFailure(); ++i) expect_agreement(base + i, 400);
}

}  // namespace
}  // namespace firn::metadata
