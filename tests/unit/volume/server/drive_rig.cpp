#include "drive_rig.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <random>
#include <thread>

#include "firn/base/checksum.h"

namespace firn::volume {

std::uint64_t test_seed() {
  const char* given = std::getenv("FIRN_TEST_SEED");
  return given == nullptr ? 20240611 : std::strtoull(given, nullptr, 10);
}

RecordKey key_of(std::uint64_t counter, std::uint32_t stripe, std::uint8_t shard) {
  return {{LeaseId{7}, counter}, stripe, shard};
}

Buffer test_payload(const RecordKey& key, std::uint32_t stored_bytes) {
  Buffer bytes(stored_bytes);
  std::mt19937_64 random(key.extent.counter * 1'000'003 + key.stripe * 257 + key.shard);
  for (std::size_t at = 0; at < bytes.size(); at += sizeof(std::uint64_t)) {
    const std::uint64_t value = random();
    std::memcpy(bytes.data() + at, &value, sizeof value);
  }
  return bytes;
}

Append test_append(const RecordKey& key, std::uint32_t stored_bytes, Buffer& memory) {
  memory = Buffer(kPageBytes + stored_bytes);
  std::memset(memory.data(), 0, kPageBytes);
  const Buffer payload = test_payload(key, stored_bytes);
  if (stored_bytes > 0) std::memcpy(memory.data() + kPageBytes, payload.data(), stored_bytes);
  checksum_blocks(*reinterpret_cast<RecordHeader*>(memory.data()), 0, payload.view());
  return Append{.key = key,
                .set = SetId{1},
                .set_epoch = SetEpoch{1},
                .shape = {4, 2},
                .extent_bytes = std::uint64_t{4} * stored_bytes + 1,
                .chunk_bytes = std::max<std::uint32_t>(stored_bytes, kBlockBytes),
                .owner_bucket = BucketId{3},
                .record = memory.span()};
}

DriveRig::DriveRig(std::uint64_t seed) : DriveRig(seed, Options{}) {}

DriveRig::DriveRig(std::uint64_t seed, Options options)
    : runtime_(options.io_threads), disk_(seed, options.disk_bytes), env_(rocksdb::NewMemEnv(rocksdb::Env::Default())) {
  runtime_.start();
  drive_options_.reserve_bytes = options.reserve_bytes;
  drive_options_.recycle_grace = options.recycle_grace;
  drive_options_.on_fenced = [this](DriveIndex, const Error& reason) {
    const std::lock_guard lock(mutex_);
    fences_.push_back(reason);
  };
  drive_options_.on_damaged = [this](const DamagedRecord& record) {
    const std::lock_guard lock(mutex_);
    damaged_.push_back(record);
    return true;
  };
  DriveIdentity identity;
  identity.cluster.bytes.fill(0xC1);
  identity.drive.bytes.fill(0xD1);
  identity.index = DriveIndex{1};
  identity.shape = {4, 2};
  identity.drives = 6;
  identity.segment_bytes = options.segment_bytes;
  identity.created_unix_ms = 1;
  const auto formatted = run(Drive::format(disk_, kDirectory, identity));
  EXPECT_TRUE(formatted) << formatted.error().detail;
}

DriveRig::~DriveRig() {
  drop_drive();
  runtime_.stop();
}

void DriveRig::drop_drive() {
  if (!drive_) return;
  // Fenced first, so that a drop is no clean stop: nothing more reaches the disk.
  drive_->fence(error(Errc::io_error, "the test drops the drive"));
  (void)run(drive_->stop());
  drive_.reset();
}

std::vector<Error> DriveRig::fences() {
  const std::lock_guard lock(mutex_);
  return fences_;
}

std::vector<DamagedRecord> DriveRig::damaged() {
  const std::lock_guard lock(mutex_);
  return damaged_;
}

Result<> DriveRig::open() {
  Index::Options index_options{.directory = std::string(kDirectory) + "/index", .env = env_.get()};
  auto opened = run(open_drive(runtime_, disk_, kDirectory, drive_options_, std::move(index_options)));
  if (!opened) return std::move(opened).error();
  drive_ = std::move(opened).value();
  return {};
}

Result<> DriveRig::stop() {
  auto stopped = run(drive_->stop());
  drive_.reset();
  return stopped;
}

void DriveRig::crash() {
  disk_.cut_power_after(0);
  drop_drive();
  disk_.crash();
}

void DriveRig::kill() {
  disk_.kill_process();
  drop_drive();
}

void DriveRig::delete_index() { env_.reset(rocksdb::NewMemEnv(rocksdb::Env::Default())); }

Result<> DriveRig::append(const RecordKey& key, std::uint32_t stored_bytes) {
  Buffer memory;
  return run(drive_->append(test_append(key, stored_bytes, memory)));
}

Result<> DriveRig::append_and_sync(const RecordKey& key, std::uint32_t stored_bytes) {
  if (auto appended = append(key, stored_bytes); !appended) return appended;
  return run(drive_->sync());
}

Result<> DriveRig::check(const RecordKey& key, std::uint32_t stored_bytes) {
  auto bytes = run(drive_->read(key, {0, stored_bytes}));
  if (!bytes) return std::move(bytes).error();
  const auto& header = bytes->header();
  if (auto sound = verify_identity(header, key); !sound) return sound;
  if (auto sound = verify_blocks(header, bytes->first_block, bytes->blocks()); !sound) return sound;
  const Buffer expected = test_payload(key, stored_bytes);
  if (bytes->blocks().size() != stored_bytes ||
      (stored_bytes > 0 && std::memcmp(bytes->blocks().data(), expected.data(), stored_bytes) != 0)) {
    return error(Errc::internal, "other bytes than were appended");
  }
  return {};
}

DriveRig::Place DriveRig::place_of(const RecordKey& key) {
  auto bytes = run(drive_->read(key, {0, 0}));
  EXPECT_TRUE(bytes);
  if (!bytes) return {};
  const auto& header = bytes->header();
  char name[32];
  std::snprintf(name, sizeof name, "/segments/%08u.seg", header.segment);
  return {std::string(kDirectory) + name, header.offset_bytes};
}

bool DriveRig::eventually(const std::function<bool()>& condition) {
  constexpr auto kBound = std::chrono::seconds(60);
  const auto end = std::chrono::steady_clock::now() + kBound;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

void DriveRig::let_it_run() {
  constexpr int kTurns = 2'000;
  for (int i = 0; i < kTurns; ++i) ASSERT_TRUE(run(drive().list({}, 1)));
}

}  // namespace firn::volume
