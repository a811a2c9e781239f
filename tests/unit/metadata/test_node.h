#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>

#include <atomic>
#include <filesystem>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "firn/metadata/node.h"

namespace firn::metadata {

/// A folder of its own that goes with the object.
class TempDirectory {
 public:
  TempDirectory();
  ~TempDirectory();
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// A node over drive folders, with a runtime of one io thread.
class TestNode {
 public:
  TestNode(std::uint16_t drives, std::uint16_t losses);
  ~TestNode();

  Node::Options options;  ///< For the next start. Small sizes.

  /// The folder of a drive, whether it is there or not.
  std::filesystem::path drive(std::uint16_t index) const;
  /// Starts on the drives whose folders are there.
  Result<> start();
  void stop() { node_.reset(); }
  Node& node() { return *node_; }
  Client& client() { return node_->client(); }

  /// Runs a coroutine on the io thread.
  template <class T>
  Result<T> run(Task<T> task) {
    return boost::asio::co_spawn(runtime_->io(0), std::move(task), boost::asio::use_future).get();
  }
  Runtime& runtime() { return *runtime_; }
  /// No threads: so that the process can be forked.
  void stop_runtime();
  void start_runtime();
  const std::filesystem::path& path() const { return directory_.path(); }

  /// Returns once `holds`, looked at after each event of the node and every few milliseconds; false after a minute.
  bool wait_until(const std::function<bool()>& holds);
  std::vector<std::uint16_t> failed_drives();

 private:
  TempDirectory directory_;
  std::uint16_t drives_;
  std::unique_ptr<Runtime> runtime_;
  std::unique_ptr<Node> node_;
  std::mutex mutex_;
  std::vector<std::uint16_t> failed_;
};

}  // namespace firn::metadata
