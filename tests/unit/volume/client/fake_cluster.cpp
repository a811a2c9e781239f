#include "fake_cluster.h"

#include <algorithm>
#include <random>

namespace firn::volume::testing {

namespace {

ClusterMap first_map(erasure::Shape shape) {
  ClusterMap map;
  map.version = 1;
  StripeSet set{.id = kSet, .epoch = SetEpoch{1}, .shape = shape};
  for (std::uint16_t i = 0; i < shape.total(); ++i) {
    const DriveIndex index{i};
    DriveEntry entry{.index = index, .domain = "drive" + std::to_string(i)};
    entry.uuid.bytes[0] = static_cast<std::uint8_t>(i + 1);
    map.drives[index] = entry;
    set.members.push_back(index);
  }
  map.sets[kSet] = set;
  return map;
}

}  // namespace

FakeCluster::FakeCluster(Setup setup) : setup_(setup), runtime_(setup.io_threads) {
  client_ = Client::make(runtime_, setup.options,
                         {.drive_failed = [this](DriveIndex drive, const Error& why) { on_drive_failed(drive, why); },
                          .record_damaged =
                              [this](const DamagedRecord& record) {
                                const std::lock_guard lock(mutex_);
                                damaged_.push_back(record);
                              }});
  const ClusterMap map = first_map(setup.shape);
  for (const auto& [index, entry] : map.drives) {
    drives_.push_back(std::make_shared<FakeDrive>(index));
    client_->connect(index, drives_.back());
  }
  install(map);
  runtime_.start();
}

FakeCluster::~FakeCluster() {
  for (const auto& drive : drives_) {
    drive->release_reads();
    drive->release_appends();
  }
  runtime_.stop();
}

ClusterMap FakeCluster::map() const { return *client_->map(); }

void FakeCluster::install(ClusterMap map) { client_->install_map(std::make_shared<const ClusterMap>(std::move(map))); }

void FakeCluster::set_state(std::size_t drive, DriveState state) {
  ClusterMap next = map();
  ++next.version;
  next.drives[DriveIndex{static_cast<std::uint16_t>(drive)}].state = state;
  ++next.sets[kSet].epoch.value;
  install(std::move(next));
}

void FakeCluster::raise_epoch_on_drives(SetEpoch epoch) {
  for (const auto& drive : drives_) (void)run(drive->raise_epoch(kSet, epoch));
}

void FakeCluster::on_drive_failed(DriveIndex drive, const Error&) {
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = std::ranges::find(failed_drives_, drive) == failed_drives_.end();
    failed_drives_.push_back(drive);
  }
  if (first && setup_.fence_failed_drives) set_state(drive.value, DriveState::out);
}

Result<WrittenExtent> FakeCluster::put(ExtentId id, const std::vector<std::byte>& bytes, std::size_t step) {
  return run(put_extent(*client_, id, bytes, step));
}

Result<std::vector<std::byte>> FakeCluster::get(const WrittenExtent& extent, ByteRange range) {
  return get({part(extent, range)});
}

Result<std::vector<std::byte>> FakeCluster::get(std::vector<ExtentPart> parts) {
  return run(get_parts(*client_, std::move(parts)));
}

std::vector<DriveIndex> FakeCluster::failed_drives() const {
  const std::lock_guard lock(mutex_);
  return failed_drives_;
}

std::vector<DamagedRecord> FakeCluster::damaged() const {
  const std::lock_guard lock(mutex_);
  return damaged_;
}

void FakeCluster::forget_events() {
  const std::lock_guard lock(mutex_);
  failed_drives_.clear();
  damaged_.clear();
}

Task<WrittenExtent> put_extent(Client& client, ExtentId id, std::vector<std::byte> bytes, std::size_t step) {
  CO_TRY_LET(const std::unique_ptr<ExtentWriter> writer, client.write(id, bytes.size(), kBucket));
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    CO_TRY_LET(const MutableBytes window, co_await writer->window());
    if (window.empty()) co_return error(Errc::internal, "the window closed too early");
    const std::size_t now = std::min({window.size(), step, bytes.size() - sent});
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(sent), now, window.begin());
    writer->advance(now);
    sent += now;
  }
  co_return co_await writer->finish();
}

Task<std::vector<std::byte>> get_parts(Client& client, std::vector<ExtentPart> parts) {
  const std::unique_ptr<ExtentReader> reader = client.read(std::move(parts));
  std::vector<std::byte> bytes;
  for (;;) {
    CO_TRY_LET(const ByteView run, co_await reader->next());
    if (run.empty()) co_return bytes;
    bytes.insert(bytes.end(), run.begin(), run.end());
  }
}

std::vector<std::byte> some_bytes(std::size_t size, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::byte> bytes(size);
  for (std::size_t i = 0; i < size; i += 8) {
    const std::uint64_t word = random();
    std::memcpy(bytes.data() + i, &word, std::min<std::size_t>(8, size - i));
  }
  return bytes;
}

std::vector<std::byte> part_of(const std::vector<std::byte>& bytes, ByteRange range) {
  const auto begin = bytes.begin() + static_cast<std::ptrdiff_t>(range.offset);
  return {begin, begin + static_cast<std::ptrdiff_t>(range.length)};
}

ExtentPart part(const WrittenExtent& extent, ByteRange range) {
  return {extent.id, extent.set, extent.length_bytes, range};
}

ExtentPart whole(const WrittenExtent& extent) { return part(extent, {0, extent.length_bytes}); }

std::vector<std::size_t> boundary_lengths() {
  constexpr std::size_t kMiB = 1U << 20;
  return {1,    4095,     4096,         4097,     (16U << 10) + 1, 64U << 10,    kMiB - 1,
          kMiB, kMiB + 1, 4 * kMiB - 1, 4 * kMiB, 4 * kMiB + 1,    9 * kMiB + 17};
}

}  // namespace firn::volume::testing
