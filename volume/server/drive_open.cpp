// Drive::open: docs/formats/drive.md, "What start-up does".

#include "server/drive_open.h"

#include <algorithm>

#include "firn/base/log.h"
#include "server/index_rebuild.h"
#include "server/local_drive.h"

namespace firn::volume {
namespace {

class Opening {
 public:
  explicit Opening(DriveParts parts) : parts_(std::move(parts)) {}

  Task<std::shared_ptr<Drive>> run();

 private:
  Task<> read_identity();
  Task<> read_epochs();
  Task<> find_segments();
  Task<> open_index();
  Task<bool> index_is_usable();
  Task<> rebuild_index();
  Task<> read_recovered();
  Task<> read_segment_rows();
  Task<bool> take_clean_mark();
  Task<> resume_segments();
  Task<> recover_segments();
  Task<std::optional<SegmentIdentity>> latest_life(SegmentId id, std::shared_ptr<DiskFile> file);
  Task<> recover(SegmentId id);
  Task<> index_recovered(const SegmentIdentity& segment, const ScannedSegment& scanned);
  void keep_open(std::shared_ptr<OpenSegment> segment);
  std::string path(const char* name) const { return parts_.directory + "/" + name; }
  std::string segment_path(SegmentId id) const { return path(kSegmentsDirectory) + "/" + segment_file_name(id); }
  SegmentIdentity identity_of(SegmentId id) const;
  template <class T>
  Task<T> blocking(std::function<Result<T>()> work) {
    return run_blocking<T>(parts_.runtime, std::move(work));
  }

  DriveParts parts_;
  bool rebuilt_ = false;
};

Task<std::shared_ptr<Drive>> Opening::run() {
  CO_TRY(co_await read_identity());
  CO_TRY(co_await read_epochs());
  CO_TRY(co_await find_segments());
  CO_TRY(co_await open_index());
  if (!rebuilt_) {
    CO_TRY(co_await read_recovered());
    CO_TRY(co_await read_segment_rows());
    CO_TRY_LET(const bool clean, co_await take_clean_mark());
    if (clean) {
      CO_TRY(co_await resume_segments());
    } else {
      CO_TRY(co_await recover_segments());
    }
  } else {
    CO_TRY(co_await take_clean_mark());
  }
  std::sort(parts_.open_segments.begin(), parts_.open_segments.end(),
            [](const auto& a, const auto& b) { return a->identity().birth < b->identity().birth; });
  auto drive = std::make_shared<LocalDrive>(std::move(parts_));
  drive->start();
  co_return std::shared_ptr<Drive>(std::move(drive));
}

Task<> Opening::read_identity() {
  auto content = co_await parts_.disk.read_small(path(kIdentityFile));
  if (!content) co_return error(content.error().code, parts_.directory + " is not a drive: " + content.error().detail);
  auto identity = parse_identity_file(as_bytes(*content));
  if (!identity) co_return error(identity.error().code, parts_.directory + ": " + identity.error().detail);
  if (parts_.options.cluster && identity->cluster != *parts_.options.cluster) {
    co_return error(Errc::corrupt, parts_.directory + " belongs to cluster " + to_string(identity->cluster));
  }
  parts_.identity = *identity;
  CO_TRY_LET(parts_.lock, co_await parts_.disk.lock(path(kLockFile)));
  co_return Unit{};
}

Task<> Opening::read_epochs() {
  auto content = co_await parts_.disk.read_small(path(kEpochsFile));
  if (!content && content.code() == Errc::not_found) co_return Unit{};
  if (!content) co_return std::move(content).error();
  CO_TRY_LET(parts_.epochs, parse_epochs_file(as_bytes(*content), parts_.identity.drive));
  co_return Unit{};
}

Task<> Opening::find_segments() {
  CO_TRY(co_await parts_.disk.make_directories(path(kSegmentsDirectory)));
  CO_TRY_LET(const auto names, co_await parts_.disk.list(path(kSegmentsDirectory)));
  for (const std::string& name : names) {
    SegmentId id;
    if (parse_segment_file_name(name, id)) parts_.segments.add(id).present = true;
  }
  co_return Unit{};
}

SegmentIdentity Opening::identity_of(SegmentId id) const {
  return SegmentIdentity{.cluster = parts_.identity.cluster,
                         .drive = parts_.identity.drive,
                         .segment = id,
                         .segment_bytes = parts_.identity.segment_bytes};
}

Task<> Opening::open_index() {
  auto opened = co_await blocking<std::unique_ptr<Index>>([this] { return Index::open(parts_.index_options); });
  if (opened) {
    parts_.index = std::move(opened).value();
    CO_TRY_LET(const bool usable, co_await index_is_usable());
    if (usable) co_return Unit{};
  } else if (opened.code() != Errc::corrupt && opened.code() != Errc::not_found) {
    co_return std::move(opened).error();
  } else {
    log::warn("{}: {}", parts_.directory, opened.error().detail);
  }
  co_return co_await rebuild_index();
}

Task<bool> Opening::index_is_usable() {
  auto head = co_await blocking<IndexRow>([this] { return parts_.index->head(); });
  if (head) co_return head->complete && head->drive == parts_.identity.drive;
  if (head.code() == Errc::not_found || head.code() == Errc::corrupt) co_return false;
  co_return std::move(head).error();
}

Task<> Opening::rebuild_index() {
  rebuilt_ = true;
  std::vector<SegmentId> present;
  for (std::uint32_t i = 0; i < parts_.segments.size(); ++i) {
    if (parts_.segments.at(SegmentId{i}).present) present.push_back(SegmentId{i});
  }
  if (!present.empty())
    log::warn("{}: no usable index: rebuilding it from {} segments", parts_.directory, present.size());
  parts_.index.reset();
  CO_TRY(co_await blocking<Unit>([this] { return Index::destroy(parts_.index_options); }));
  CO_TRY_LET(parts_.index,
             co_await blocking<std::unique_ptr<Index>>([this] { return Index::open(parts_.index_options); }));
  IndexRebuild rebuild(parts_, std::move(present));
  co_return co_await rebuild.run();
}

/// What came back at an earlier start that ended before anybody noted it.
Task<> Opening::read_recovered() {
  const auto row = co_await blocking<RecoveredRow>([this] { return parts_.index->recovered(); });
  if (row) parts_.stats.recovered_from = row->from;
  if (row || row.code() == Errc::not_found) co_return Unit{};
  if (row.code() != Errc::corrupt) co_return row.error();
  log::warn("{}: {}: everything is swept", parts_.directory, row.error().detail);
  parts_.stats.recovered_from = LeaseId{};
  co_return Unit{};
}

Task<> Opening::read_segment_rows() {
  co_return co_await blocking<Unit>([this] {
    return parts_.index->each_segment([this](SegmentId id, const SegmentRow& row) {
      parts_.segments.add(id).row = row;
      parts_.birth = std::max(parts_.birth, row.birth);
    });
  });
}

Task<bool> Opening::take_clean_mark() {
  auto content = co_await parts_.disk.read_small(path(kCleanFile));
  if (!content && content.code() == Errc::not_found) co_return false;
  if (!content) co_return std::move(content).error();
  const bool clean = is_clean_file(as_bytes(*content), parts_.identity.drive);
  // Gone for good before the first append: the next start must scan if this run ends badly.
  CO_TRY(co_await parts_.disk.remove(path(kCleanFile)));
  CO_TRY(co_await parts_.disk.sync_directory(parts_.directory));
  co_return clean;
}

void Opening::keep_open(std::shared_ptr<OpenSegment> segment) {
  parts_.segments.at(segment->id()).use = SegmentTable::Use::taken;
  parts_.open_segments.push_back(std::move(segment));
}

Task<> Opening::resume_segments() {
  for (std::uint32_t i = 0; i < parts_.segments.size(); ++i) {
    const SegmentId id{i};
    const SegmentRow row = parts_.segments.at(id).row;
    if (row.state != SegmentState::active) continue;
    CO_TRY_LET(auto file, co_await parts_.disk.open(segment_path(id), Disk::Open::existing));
    SegmentIdentity identity = identity_of(id);
    identity.incarnation = row.incarnation;
    identity.nonce = row.nonce;
    identity.birth = row.birth;
    auto segment = std::make_shared<OpenSegment>(identity, std::move(file));
    segment->resume(std::max(row.mark_bytes, kFirstRecordOffset), row.records);
    keep_open(std::move(segment));
  }
  co_return Unit{};
}

Task<> Opening::recover_segments() {
  for (std::uint32_t i = 0; i < parts_.segments.size(); ++i) {
    const SegmentTable::Segment& segment = parts_.segments.at(SegmentId{i});
    if (segment.present && segment.row.state != SegmentState::sealed) CO_TRY(co_await recover(SegmentId{i}));
  }
  if (parts_.stats.records_recovered + parts_.stats.records_torn > 0) {
    log::info("{}: not stopped cleanly: {} records found beyond the index, {} torn ones dropped", parts_.directory,
              parts_.stats.records_recovered, parts_.stats.records_torn);
  }
  co_return Unit{};
}

/// Which incarnation to scan: the header's, or the one the index knows where no copy of the header is left. None: the
/// segment holds nothing.
Task<std::optional<SegmentIdentity>> Opening::latest_life(SegmentId id, std::shared_ptr<DiskFile> file) {
  const SegmentRow& row = parts_.segments.at(id).row;
  SegmentIdentity known = identity_of(id);
  known.incarnation = row.incarnation;
  known.nonce = row.nonce;
  known.birth = row.birth;
  const bool active = row.state == SegmentState::active;
  auto header = co_await read_segment_header(file, identity_of(id));
  if (header && header->incarnation > row.incarnation) co_return std::optional(*header);
  if (header && header->incarnation == row.incarnation && active) co_return std::optional(*header);
  if (!header && header.code() != Errc::not_found && header.code() != Errc::corrupt)
    co_return std::move(header).error();
  if (!header && header.code() == Errc::corrupt && !active) co_return std::move(header).error();
  if (!active) co_return std::optional<SegmentIdentity>{};
  log::warn("{}: no sound header: going by the index", segment_path(id));
  co_return std::optional(known);
}

Task<> Opening::recover(SegmentId id) {
  CO_TRY_LET(auto file, co_await parts_.disk.open(segment_path(id), Disk::Open::existing));
  // Waits for direct writes of a killed process that are still on their way, and completes a file cut short.
  CO_TRY(co_await file->preallocate(parts_.identity.segment_bytes));
  CO_TRY_LET(const std::optional<SegmentIdentity> taken, co_await latest_life(id, file));
  if (!taken) co_return Unit{};
  parts_.birth = std::max(parts_.birth, taken->birth);
  SegmentRow& row = parts_.segments.at(id).row;
  if (taken->incarnation > row.incarnation) {
    row = SegmentRow{.state = SegmentState::active,
                     .incarnation = taken->incarnation,
                     .nonce = taken->nonce,
                     .birth = taken->birth,
                     .mark_bytes = kFirstRecordOffset};
  }
  const std::uint64_t mark = std::max(row.mark_bytes, kFirstRecordOffset);
  CO_TRY_LET(const ScannedSegment scanned, co_await scan_segment(file, *taken, mark, ScanDepth::blocks));
  if (row.records == 0 && scanned.tail_bytes == kFirstRecordOffset) {
    row.state = SegmentState::free;  // Prepared, but not used.
    co_return Unit{};
  }
  // What was found may still be in the drive's cache only.
  CO_TRY(co_await file->sync());
  CO_TRY(co_await index_recovered(*taken, scanned));
  auto segment = std::make_shared<OpenSegment>(*taken, std::move(file));
  segment->resume(scanned.tail_bytes, row.records);
  keep_open(std::move(segment));
  co_return Unit{};
}

Task<> Opening::index_recovered(const SegmentIdentity& segment, const ScannedSegment& scanned) {
  CO_TRY_LET(const std::size_t added, co_await blocking<std::size_t>([this, &segment, &scanned] {
               return index_entries(parts_, segment, scanned.entries, scanned.tail_bytes);
             }));
  parts_.stats.records_recovered += added;
  parts_.stats.records_torn += scanned.torn_records;
  co_return Unit{};
}

}  // namespace

Task<std::shared_ptr<Drive>> open_drive(Runtime& runtime, Disk& disk, std::string directory, Drive::Options options,
                                        Index::Options index_options) {
  Opening opening(DriveParts{.runtime = runtime,
                             .disk = disk,
                             .directory = std::move(directory),
                             .options = std::move(options),
                             .index_options = std::move(index_options)});
  co_return co_await opening.run();
}

Task<std::shared_ptr<Drive>> Drive::open(Runtime& runtime, Disk& disk, std::string directory, Options options) {
  Index::Options index_options{.directory = directory + "/" + kIndexDirectory};
  co_return co_await open_drive(runtime, disk, std::move(directory), std::move(options), std::move(index_options));
}

}  // namespace firn::volume
