#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "files/posix_file.h"
#include "files/reserve.h"
#include "firn/metadata/node.h"
#include "server/gatekeeper.h"
#include "server/local_client.h"
#include "server/maintenance.h"
#include "server/replica.h"

namespace firn::metadata {

/// The metadata tier over the drives of one machine.
class LocalNode : public Node {
 public:
  LocalNode(Runtime& runtime, Options options, Events events);
  ~LocalNode() override;

  Result<> open();
  Result<> restore(const std::filesystem::path& backup, const MapEdit& change_map = {});

  Client& client() override { return *client_; }
  Status status() const override;
  void drive_failed(DriveIndex drive) override { maintenance_->drive_failed(drive); }
  void drive_returned(DriveIndex drive, std::filesystem::path directory) override;
  Task<> backup(std::filesystem::path file) override;
  Task<VerifyReport> verify() override;
  void stop() override;

 protected:
  /// What a node of a cluster does otherwise.
  virtual bool is_cluster() const { return false; }
  virtual Result<> prepare_log(const std::vector<LogSet::Drive>&) { return {}; }  ///< Before the state is opened.
  virtual Result<> open_log(const std::vector<LogSet::Drive>& members);           ///< After it.
  virtual void start();
  virtual void batch_applied();

 private:
  Result<> lock_drives();
  Result<> clear_drives();
  /// Opens state and log with the state of one member, the authority.
  Result<> open_from(const LogSet::Drive& authority, const std::vector<LogSet::Drive>& members);
  Result<> open_state(const LogSet::Drive& authority);
  Result<> open_from_any();
  /// Brings the other members' copies of the state to the authority's, and records the members that are left.
  Result<std::vector<std::string>> fill_state(const LogSet::Drive& drive);
  Result<> gather_members();
  void close();
  void drive_lost(DriveIndex drive, const Error& why);
  Result<VerifyReport> verify_now();

 protected:
  Runtime& runtime_;
  const Options options_;
  const Events events_;
  Clock& clock_;
  Gatekeeper gatekeeper_;
  std::vector<PosixFile> locks_;
  Reserve reserve_;
  std::unique_ptr<LogSet> set_;
  std::unique_ptr<StateMirror> mirror_;
  std::unique_ptr<RocksStore> store_;
  std::unique_ptr<StateGuard> guard_;
  std::atomic<StateGuard*> healer_{nullptr};  ///< RocksDB's threads ask for repairs from before the guard is there.
  std::unique_ptr<Replica> replica_;
  std::unique_ptr<DriveLog> log_;
  std::unique_ptr<Maintenance> maintenance_;
  std::atomic<Maintenance*> notified_{nullptr};
  std::unique_ptr<LocalClient> client_;
  bool stopped_ = false;
};

}  // namespace firn::metadata
