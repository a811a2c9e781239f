#include "test_node.h"

#include <unistd.h>

#include <chrono>
#include <thread>

namespace firn::metadata {

TempDirectory::TempDirectory() {
  // Processes end in these tests, machines don't: memory keeps what was written, and a sync costs nothing.
  const std::filesystem::path memory = "/dev/shm";
  const bool there = ::access(memory.c_str(), W_OK) == 0;
  std::string name = (there ? memory : std::filesystem::temp_directory_path()) / "firn-metadata-XXXXXX";
  FIRN_ASSERT(::mkdtemp(name.data()) != nullptr);
  path_ = name;
}

TempDirectory::~TempDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

TestNode::TestNode(std::uint16_t drives, std::uint16_t losses) : drives_(drives) {
  options.drive_count = drives;
  options.losses = losses;
  options.log_file_bytes = 1 << 20;
  options.log_kept_bytes_max = 4 << 20;
  options.memtable_bytes = 8 << 20;
  options.block_cache_bytes = 8 << 20;
  options.reserve_bytes = 1 << 20;
  for (std::uint16_t i = 0; i < drives; ++i) std::filesystem::create_directory(drive(i));
  start_runtime();
}

TestNode::~TestNode() { stop_runtime(); }

void TestNode::start_runtime() {
  runtime_ = std::make_unique<Runtime>(1);
  runtime_->start();
}

void TestNode::stop_runtime() {
  stop();
  if (runtime_) runtime_->stop();
  runtime_.reset();
}

std::filesystem::path TestNode::drive(std::uint16_t index) const {
  return directory_.path() / ("drive" + std::to_string(index));
}

Result<> TestNode::start() {
  stop();
  options.drives.clear();
  for (std::uint16_t i = 0; i < drives_; ++i) {
    if (std::filesystem::is_directory(drive(i))) options.drives.push_back({DriveIndex{i}, drive(i)});
  }
  Node::Events events;
  events.drive_failed = [this](DriveIndex index, const Error&) {
    const std::lock_guard lock(mutex_);
    failed_.push_back(index.value);
  };
  Result<std::unique_ptr<Node>> opened = Node::open(*runtime_, options, events);
  if (!opened) return opened.error();
  node_ = std::move(*opened);
  return {};
}

bool TestNode::wait_until(const std::function<bool()>& holds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (std::chrono::steady_clock::now() < end) {
    if (holds()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return holds();
}

std::vector<std::uint16_t> TestNode::failed_drives() {
  const std::lock_guard lock(mutex_);
  return failed_;
}

}  // namespace firn::metadata
