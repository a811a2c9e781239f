// What one object and one shard record cost where there are many of them: docs/scale.md.
//   scale_bench metadata OBJECTS DIRECTORY    objects of one extent each, through the metadata tier of one node
//   scale_bench drive RECORDS DIRECTORY       records of one block each, on one drive
// prints one JSON object. DIRECTORY must not exist; it is left for who wants to look.
#include <sys/resource.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "firn/base/digest.h"
#include "firn/base/runtime.h"
#include "firn/metadata/node.h"
#include "firn/volume/drive.h"

namespace firn {
namespace {

/// As many as a busy gateway has under way.
constexpr std::uint64_t kWriters = 256;

[[noreturn]] void fail(const char* what, const Error& why) {
  std::fprintf(stderr, "scale_bench: %s: %s %s\n", what, std::string(to_string(why.code)).c_str(), why.detail.c_str());
  std::exit(1);
}

template <class T>
T value_of(Result<T> result, const char* what) {
  if (!result) fail(what, result.error());
  return std::move(*result);
}

template <class T>
T run(Runtime& runtime, Task<T> task, const char* what) {
  return value_of(boost::asio::co_spawn(runtime.io(0), std::move(task), boost::asio::use_future).get(), what);
}

std::uint64_t bytes_under(const std::filesystem::path& directory) {
  std::uint64_t bytes = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (entry.is_regular_file()) bytes += entry.file_size();
  }
  return bytes;
}

std::uint64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t all = 0, resident = 0;
  file >> all >> resident;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

class Stopwatch {
 public:
  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// --- metadata ---

metadata::MapRecord six_drives() {
  metadata::MapRecord map{.version = 1};
  metadata::SetRecord set{.id = SetId{1}, .epoch = SetEpoch{1}, .data_shards = 4, .parity_shards = 2};
  for (std::uint16_t i = 0; i < 6; ++i) {
    map.drives.push_back({DriveIndex{i}, {}, "drive-" + std::to_string(i + 1), false});
    set.members.push_back(DriveIndex{i});
  }
  map.sets.push_back(set);
  return map;
}

/// As a table's writer names its files: warehouse, table, partition, and a name of 60 characters.
std::string key_of(std::uint64_t number) {
  char text[128];
  std::snprintf(text, sizeof text,
                "warehouse/sales/orders/data/order_date=2026-%02d-%02d/%05llu-%012llx-%016llx.parquet",
                static_cast<int>(number % 12 + 1), static_cast<int>(number % 28 + 1),
                static_cast<unsigned long long>(number % 100'000), static_cast<unsigned long long>(number),
                static_cast<unsigned long long>(number * 0x9E3779B97F4A7C15ULL));
  return text;
}

boost::asio::awaitable<void> put_some(metadata::Client& client, BucketId bucket, LeaseId lease, std::uint64_t first,
                                      std::uint64_t objects) {
  for (std::uint64_t number = first; number < objects; number += kWriters) {
    const std::uint64_t bytes = 64 << 20;
    const ExtentId extent{lease, number + 1};
    metadata::PutObject put{.bucket = bucket, .key = key_of(number), .size_bytes = bytes};
    put.etag = to_hex(md5(as_bytes(put.key)));
    put.checksum = {.algorithm = metadata::ChecksumAlgorithm::crc64nvme, .value = "12345678"};
    put.attributes.content_type = "application/octet-stream";
    put.body.extents.push_back({.extent = extent, .set = SetId{1}, .epoch = SetEpoch{1}, .extent_bytes = bytes});
    put.body.slices.push_back({.extent = extent, .set = SetId{1}, .extent_bytes = bytes, .offset = 0, .length = bytes});
    const auto done = co_await client.put_object(std::move(put));
    if (!done) fail("put", done.error());
  }
}

Task<std::uint64_t> list_all(metadata::Client& client, BucketId bucket) {
  metadata::ListQuery query{.bucket = bucket};
  std::uint64_t listed = 0;
  for (bool more = true; more;) {
    CO_TRY_LET(auto page, co_await client.list_objects(query));
    listed += page.entries.size();
    query.start_after = page.next;
    more = page.truncated;
  }
  co_return listed;
}

void measure_metadata(std::uint64_t objects, const std::filesystem::path& directory) {
  std::filesystem::create_directories(directory);
  Runtime runtime(1);
  runtime.start();
  metadata::Node::Options options{.drives = {{DriveIndex{0}, directory}}, .drive_count = 1};
  auto node = value_of(metadata::Node::open(runtime, options, {}), "open");
  metadata::Client& client = node->client();
  const auto bucket = run(runtime, client.create_bucket("bench", {}), "bucket");
  run(runtime, client.put_cluster_map(six_drives()), "map");
  const LeaseId lease = run(runtime, client.register_gateway({}), "lease");
  const Stopwatch writing;
  const double cpu_before = cpu_seconds();
  std::vector<std::future<void>> writers;
  for (std::uint64_t first = 0; first < kWriters; ++first) {
    writers.push_back(boost::asio::co_spawn(runtime.io(0), put_some(client, bucket.id, lease, first, objects),
                                            boost::asio::use_future));
  }
  for (auto& writer : writers) writer.get();
  const double put_seconds = writing.seconds();
  const double put_cpu = cpu_seconds() - cpu_before;
  const std::uint64_t resident = resident_bytes();
  node->stop();
  node.reset();
  const Stopwatch opening;
  node = value_of(metadata::Node::open(runtime, options, {}), "open again");
  const double open_seconds = opening.seconds();
  const Stopwatch listing;
  const std::uint64_t listed = run(runtime, list_all(node->client(), bucket.id), "list");
  const double list_seconds = listing.seconds();
  const auto state = directory / "meta";
  std::uint64_t state_bytes = 0;
  for (const auto& entry : std::filesystem::directory_iterator(state)) {
    if (entry.is_directory() && entry.path().filename() != "log") state_bytes += bytes_under(entry.path());
  }
  std::printf(
      "{\"objects\": %llu, \"key_bytes\": %zu, \"state_bytes\": %llu, \"state_bytes_per_object\": %.1f, "
      "\"puts_per_second\": %.0f, \"put_cpu_us\": %.1f, \"resident_bytes\": %llu, \"open_seconds\": %.2f, "
      "\"listed\": %llu, \"keys_listed_per_second\": %.0f}\n",
      static_cast<unsigned long long>(objects), key_of(0).size(), static_cast<unsigned long long>(state_bytes),
      static_cast<double>(state_bytes) / static_cast<double>(objects), static_cast<double>(objects) / put_seconds,
      put_cpu * 1e6 / static_cast<double>(objects), static_cast<unsigned long long>(resident), open_seconds,
      static_cast<unsigned long long>(listed), static_cast<double>(listed) / list_seconds);
  node->stop();
  node.reset();
  runtime.stop();
}

// --- a drive ---

boost::asio::awaitable<void> append_some(volume::Drive& drive, std::uint64_t first, std::uint64_t records) {
  Buffer memory(kPageBytes + volume::kBlockBytes);
  for (std::uint64_t number = first; number < records; number += kWriters) {
    std::memset(memory.data(), 0, memory.size());
    std::memcpy(memory.data() + kPageBytes, &number, sizeof number);
    volume::checksum_blocks(*reinterpret_cast<volume::RecordHeader*>(memory.data()), 0,
                            memory.view().subspan(kPageBytes));
    const auto done = co_await drive.append({.key = {.extent = {LeaseId{number / 100'000 + 1}, number % 100'000 + 1},
                                                     .stripe = 0,
                                                     .shard = static_cast<std::uint8_t>(number % 6)},
                                             .set = SetId{1},
                                             .set_epoch = SetEpoch{1},
                                             .shape = {4, 2},
                                             .extent_bytes = 4 * volume::kBlockBytes,
                                             .chunk_bytes = volume::kBlockBytes,
                                             .owner_bucket = BucketId{1},
                                             .record = memory.span()});
    if (!done) fail("append", done.error());
  }
}

void measure_drive(std::uint64_t records, const std::filesystem::path& directory) {
  Runtime runtime(1);
  auto disk = value_of(volume::make_uring_disk(runtime), "io_uring");
  runtime.start();
  const std::uint64_t resident_before = resident_bytes();
  run(runtime, volume::Drive::format(*disk, directory, {.shape = {4, 2}, .drives = 6}), "format");
  auto drive = run(runtime, volume::Drive::open(runtime, *disk, directory, {}), "open");
  const Stopwatch writing;
  std::vector<std::future<void>> writers;
  for (std::uint64_t first = 0; first < kWriters; ++first) {
    writers.push_back(
        boost::asio::co_spawn(runtime.io(0), append_some(*drive, first, records), boost::asio::use_future));
  }
  for (auto& writer : writers) writer.get();
  run(runtime, drive->sync(), "sync");
  const double seconds = writing.seconds();
  run(runtime, drive->stop(), "stop");
  const Stopwatch opening;
  drive = run(runtime, volume::Drive::open(runtime, *disk, directory, {}), "open again");
  const double open_seconds = opening.seconds();
  const std::uint64_t index_bytes = bytes_under(directory / "index");
  std::printf(
      "{\"records\": %llu, \"index_bytes\": %llu, \"index_bytes_per_record\": %.1f, \"resident_bytes\": %llu, "
      "\"resident_bytes_before\": %llu, \"appends_per_second\": %.0f, \"open_seconds\": %.2f}\n",
      static_cast<unsigned long long>(records), static_cast<unsigned long long>(index_bytes),
      static_cast<double>(index_bytes) / static_cast<double>(records),
      static_cast<unsigned long long>(resident_bytes()), static_cast<unsigned long long>(resident_before),
      static_cast<double>(records) / seconds, open_seconds);
  run(runtime, drive->stop(), "stop");
  drive.reset();
  runtime.stop();
}

}  // namespace
}  // namespace firn

int main(int argc, char** argv) {
  std::uint64_t count = 0;
  const std::string_view what = argc == 4 ? argv[1] : "";
  if (argc == 4) std::from_chars(argv[2], argv[2] + std::strlen(argv[2]), count);
  if (count == 0 || (what != "metadata" && what != "drive") || std::filesystem::exists(argv[3])) {
    std::fprintf(stderr, "usage: scale_bench metadata|drive COUNT NEW-DIRECTORY\n");
    return 2;
  }
  what == "metadata" ? firn::measure_metadata(count, argv[3]) : firn::measure_drive(count, argv[3]);
  return 0;
}
