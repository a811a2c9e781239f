#include "storage.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <utility>

#include "firn/base/log.h"
#include "gather.h"
#include "map_change.h"
#include "metadata_options.h"
#include "owed_shards.h"
#include "random_bytes.h"
#include "until_led.h"

namespace firn::server {
namespace {

/// This machine's identity towards the metadata tier, kept across restarts.
constexpr std::string_view kGatewayEntry = "gateway";

std::string spelled(DriveIndex drive) { return "drive " + std::to_string(drive.value + 1); }

/// Damaged records on their way to metadata; where there are more, the drive's scrub waits.
constexpr std::size_t kDamageReportsMax = 64;

}  // namespace

Storage::Storage(Runtime& runtime, Options options)
    : runtime_(runtime),
      options_(std::move(options)),
      changeover_(options_.drives),
      background_(runtime.io(0).get_executor()) {
  if (options_.cluster) cluster_ = std::make_unique<Cluster>(runtime_, *options_.cluster);
}

Storage::~Storage() = default;

Result<> Storage::open() {
  auto opened = open_parts();
  if (!opened) close();
  return opened;
}

Result<> Storage::open_parts() {
  auto disk = volume::make_uring_disk(runtime_);
  if (!disk) return std::move(disk).error();
  disk_ = *std::move(disk);
  if (cluster_) {
    if (auto done = cluster_->listen(); !done) return done;
  }
  if (auto done = settle_changeover(); !done) return done;
  if (auto done = wait_on(runtime_.io(0), cluster_ ? prepare_node() : prepare_drives()); !done) return done;
  if (auto done = open_drives_and_metadata(); !done) return done;
  changeover_.unlock();
  if (cluster_) {
    if (auto done = share_drives(); !done) return done;
  }
  if (auto done = wait_on(runtime_.io(0), cluster_ ? settle_cluster_map() : settle_map()); !done) return done;
  return wait_on(runtime_.io(0), open_store());
}

Result<> Storage::settle_changeover() {
  if (auto locked = changeover_.lock(); !locked) return locked;
  const auto state = changeover_.state();
  if (cluster_) return state == Changeover::State::decided ? changeover_.finish() : Result<>();
  if (state == Changeover::State::none) return changeover_.discard();
  return client_error(Errc::invalid_argument,
                      "`firn metadata become-cluster` has made these drives those of a cluster's node: start it with "
                      "--nodes, or go back by the same command with --undo");
}

Task<> Storage::prepare_drives() {
  const auto found = co_await look_at_drives(runtime_, *disk_, options_.drives);
  CO_TRY_LET(plan_, plan_drives(found, options_.erasure));
  if (plan_.metadata_is_lost) {
    co_return client_error(Errc::invalid_argument,
                           "these drives hold records of objects, but none holds metadata any more: bring it back with "
                           "`firn metadata restore`, or name empty directories");
  }
  CO_TRY_LET(const auto formatted, co_await format_drives(runtime_, *disk_, plan_));
  for (const auto index : formatted) {
    log::info("{} is new: {}", spelled(index), plan_.places[index.value].path.string());
  }
  co_return Unit{};
}

/// At once, because either may have to scan what was written last.
Result<> Storage::open_drives_and_metadata() {
  const DrivePlan before = plan_;
  auto opening = boost::asio::co_spawn(runtime_.io(0), open_drives(runtime_, *disk_, plan_, drive_options()),
                                       boost::asio::use_future);
  auto node = open_metadata(before);
  auto drives = opening.get();
  const std::optional<Error> no_drives = drives ? std::nullopt : std::optional(drives.error());
  const std::optional<Error> no_node = node ? std::nullopt : std::optional(node.error());
  if (!no_drives) drives_ = *std::move(drives);
  if (!no_node) node_ = *std::move(node);
  // What the drives say comes first: it names directories.
  if (no_drives) return *no_drives;
  const std::size_t lost = plan_.places.size() - drives_.size();
  if (cluster_ ? drives_.empty() : lost > plan_.shape.parity) {
    return client_error(Errc::durability_unavailable, "only " + std::to_string(drives_.size()) + " of " +
                                                          std::to_string(plan_.places.size()) +
                                                          " drives could be opened; the log says why");
  }
  if (no_node) return *no_node;
  for (const auto& place : before.places) {
    const bool failed = place.action == DrivePlan::Action::open && !drives_.contains(place.index);
    if (failed && !place.added) node_->drive_failed(place.index);
  }
  return {};
}

volume::Drive::Options Storage::drive_options() {
  volume::Drive::Options options;
  options.cluster = plan_.cluster;
  options.scrub_period = options_.scrub_period;
  options.on_fenced = [this](DriveIndex drive, const Error& why) { drive_failed(drive, why); };
  options.on_damaged = [this](const volume::DamagedRecord& record) { return record_damaged(record); };
  return options;
}

Result<std::unique_ptr<metadata::Node>> Storage::open_metadata(const DrivePlan& plan) {
  const auto keepers = std::ranges::count(plan.places, false, &DrivePlan::Place::added);
  metadata::Node::Options options{.drive_count = static_cast<std::uint16_t>(keepers),
                                  .losses = plan.shape.parity,
                                  .block_cache_bytes = options_.metadata_cache_bytes};
  for (const auto& place : plan.places) {
    if (place.action == DrivePlan::Action::open && !place.added) options.drives.push_back({place.index, place.path});
  }
  metadata::Node::Events events{
      .drive_failed = [this](DriveIndex drive, const Error& why) { drive_failed(drive, why); },
      .failed =
          [this](const Error& why) {
            metadata_failed_ = true;
            log::error("metadata takes no more changes: {} {}", to_string(why.code), why.detail);
          }};
  if (cluster_) {
    options.losses = node_losses(options.drive_count);
    events.map_changed = [this](const metadata::MapRecord& map) { map_changed(map); };
    events.leader_changed = [this](NodeId) { wake_leadership(); };
    return metadata::Node::open_cluster(runtime_, cluster_->node_options(std::move(options)), std::move(events));
  }
  return metadata::Node::open(runtime_, std::move(options), std::move(events));
}

/// The recorded map; the first one, recorded now, when there is none yet.
Task<metadata::MapRecord> Storage::recorded_map() {
  auto recorded = co_await metadata().cluster_map();
  if (recorded || recorded.error().code != Errc::not_found) co_return recorded;
  if (drives_.size() != plan_.drives) {
    co_return client_error(Errc::invalid_argument, "the first start was not finished: it needs all drives once more");
  }
  std::vector<Uuid> uuids;
  for (const auto& [index, drive] : drives_) uuids.push_back(drive->identity().drive);
  auto first = first_map(plan_.cluster, uuids, plan_.shape);
  CO_TRY(co_await metadata().put_cluster_map(first));
  co_return first;
}

Task<> Storage::note_replacements(const metadata::MapRecord& map) {
  std::map<DriveIndex, Uuid> uuids;
  for (const auto& [index, drive] : drives()) uuids.emplace(index, drive->identity().drive);
  CO_TRY_LET(auto found, co_await note_found_drives(metadata(), map, uuids));
  returned_ = std::move(found.returned);
  replacements_ = std::move(found.replacements);
  co_return Unit{};
}

void Storage::change_map(MapChange& change, const metadata::MapRecord& map) const {
  for (const auto& recorded : map.drives) {
    const auto drive = find_drive(recorded.index);
    const bool replacement =
        std::find(replacements_.begin(), replacements_.end(), recorded.index) != replacements_.end();
    if (drive && replacement) change.replace(recorded.index, drive->identity().drive);
    if (!drive || drive->fenced() || replacement) {
      change.put_out(recorded.index);
    } else {
      change.put_in(recorded.index);
    }
  }
}

void Storage::make_volumes() {
  volumes_ =
      volume::Client::make(runtime_, {.admission_bytes_max = options_.write_memory_bytes},
                           {.drive_failed = [this](DriveIndex drive, const Error& why) { drive_failed(drive, why); },
                            .record_damaged = [this](const volume::DamagedRecord& record) { record_damaged(record); }});
  if (cluster_) {
    auto watched = std::make_unique<WatchedVolumes>(std::move(volumes_));
    watched_ = watched.get();
    volumes_ = std::move(watched);
  }
  for (const auto& [index, drive] : drives_) volumes_->connect(index, drive);
}

void Storage::make_keeper() {
  keeper_ = std::make_unique<MapKeeper>(MapKeeper::Parts{
      .runtime = runtime_,
      .metadata = metadata(),
      .volumes = *volumes_,
      .drive = [this](DriveIndex drive) { return std::shared_ptr<volume::DriveService>(find_drive(drive)); },
      .drive_lost = [this](DriveIndex drive) { return drive_lost(drive); }});
}

Task<> Storage::settle_map() {
  CO_TRY_LET(const auto map, co_await recorded_map());
  CO_TRY(co_await note_replacements(map));
  make_volumes();
  make_keeper();
  CO_TRY(co_await keeper_->start(map, [&](MapChange& change) { change_map(change, map); }));
  fencing_ = keeper_.get();
  for (const auto& [index, drive] : drives_) {
    if (drive->fenced()) keeper_->put_out(index, error(Errc::drive_out, "failed during the start"));
  }
  co_return Unit{};
}

Task<Uuid> Storage::gateway_id() {
  const std::string entry = cluster_ ? gateway_entry(cluster_->own()) : std::string(kGatewayEntry);
  auto stored = co_await metadata().find_config(entry);
  if (!stored && stored.error().code != Errc::not_found) co_return std::move(stored).error();
  Uuid id = random_uuid();
  if (stored) {
    if (!parse(*stored, id)) co_return error(Errc::corrupt, "the gateway's id in the configuration");
  } else {
    CO_TRY(co_await metadata().put_config(entry, to_string(id)));
  }
  co_return id;
}

Task<> Storage::open_store() {
  CO_TRY(
      co_await until_led<Unit>(runtime_, [this] { return begin_store(); }, [this] { return !cluster_ || closing(); }));
  if (cluster_) {
    make_leadership();
    serving_ = true;
    start_mover();
    if (background_.enter()) {
      boost::asio::co_spawn(runtime_.io(0), lead(), boost::asio::detached);  // close() waits at the gate.
    }
  } else {
    start_maintenance();
  }
  for (const auto drive : replacements_) spawn_replacement(drive);
  co_return Unit{};
}

Task<> Storage::begin_store() {
  CO_TRY_LET(const Uuid id, co_await gateway_id());
  if (store_) store_->stop();  // Of an earlier try.
  store_ = std::make_unique<objects::Store>(
      metadata(), *volumes_, objects::Store::Options{.gateway = id, .body_cache_bytes = options_.body_cache_bytes});
  CO_TRY(co_await store_->start());
  co_return co_await sweep_what_came_back();
}

/// Records that a scan or a rebuilt index brought back may have been removed before.
Task<> Storage::sweep_what_came_back() {
  for (const auto& [index, drive] : drives()) {
    const auto from = drive->stats().recovered_from;
    if (!from) continue;
    CO_TRY(co_await objects::sweep_again_from(metadata(), index, *from));
    if (const auto noted = co_await drive->recovery_noted(); !noted && !drive->fenced()) co_return noted;
  }
  co_return Unit{};
}

void Storage::start_maintenance() {
  maintenance_ = objects::Maintenance::make(
      {.runtime = runtime_,
       .metadata = metadata(),
       .volumes = *volumes_,
       .clock = system_clock_source(),
       .drive = [this](DriveIndex drive) { return find_service(drive); },
       .first_open_lease =
           [this] { return leadership_ ? leadership_->first_open_lease() : store_->first_open_lease(); }},
      {.reclaim_grace = options_.reclaim_grace});
  maintenance_->start();
  for (const auto drive : returned_) maintenance_->drive_returned(drive);
  repairing_ = maintenance_.get();
}

bool Storage::record_damaged(const volume::DamagedRecord& record) {
  if (auto* maintenance = repairing_.load()) {
    maintenance->record_damaged(record);
    return true;
  }
  // Metadata is there when this node serves; drives are open, and scrubbed, before and after.
  if (!cluster_ || !serving_.load() || damage_reports_.load() >= kDamageReportsMax) return false;
  ++damage_reports_;
  boost::asio::post(runtime_.io(0), [this, record] {
    if (background_.enter()) {
      boost::asio::co_spawn(runtime_.io(0), report_damage(record),
                            boost::asio::detached);  // close() waits at the gate.
    } else {
      --damage_reports_;
    }
  });
  return true;
}

void Storage::spawn_replacement(DriveIndex drive) {
  if (!background_.enter()) return;
  boost::asio::co_spawn(runtime_.io(0), finish_replacement(drive),
                        boost::asio::detached);  // close() waits at the gate.
}

boost::asio::awaitable<void> Storage::finish_replacement(DriveIndex drive) {
  const Gate::Pass pass(background_);
  const auto done = co_await settle_replacement(metadata(), drive);
  if (!done) {
    log::error("what {} owes could not be listed: {} {}; the next start tries again", spelled(drive),
               to_string(done.error().code), done.error().detail);
    co_return;
  }
  log::info("what {} owes is listed for repair", spelled(drive));
  {
    const std::lock_guard lock(drives_mutex_);
    owing_.erase(drive);
  }
  co_await put_in_and_repair(drive);
}

/// In this order: repair passes over what is owed by drives that are out.
boost::asio::awaitable<void> Storage::put_in_and_repair(DriveIndex drive) {
  if (cluster_) co_return;  // Whoever leads does, once this node says that the drive is well.
  if (auto* maintenance = repairing_.load()) {
    const auto noted = co_await maintenance->drive_returning(drive);
    if (!noted) log::warn("{}: its sweep could not be noted: {}", spelled(drive), noted.error().detail);
  }
  const auto in = co_await keeper_->change([drive](MapChange& change) { change.put_in(drive); });
  if (!in) {
    log::warn("{} could not be put in at once: {} {}", spelled(drive), to_string(in.error().code), in.error().detail);
    keeper_->put_in(drive);  // Tries until it is recorded.
  }
  if (auto* maintenance = repairing_.load()) maintenance->drive_returned(drive);
}

void Storage::close() {
  begin_close();
  if (store_) store_->stop();
  wait_on(runtime_.io(0), end_background());
  if (cluster_) wait_on(runtime_.io(0), cluster_->stop_sharing());
  if (node_) node_->stop();
  if (cluster_) cluster_->stop();
  wait_on(runtime_.io(0), close_drives());
}

boost::asio::awaitable<void> Storage::end_background() {
  serving_ = false;
  moving_ = nullptr;
  if (mover_) co_await mover_->stop();
  if (moves_) co_await moves_->stop();
  co_await background_.close();
  co_await end_maintenance();
  fencing_ = nullptr;
  if (keeper_) co_await keeper_->stop();
}

boost::asio::awaitable<void> Storage::close_drives() {
  std::vector<Task<>> stops;
  const Drives open = drives();
  for (const auto& [index, drive] : open) stops.push_back(drive->stop());
  const auto stopped = co_await gather(runtime_, std::move(stops));
  for (const auto& result : stopped) {
    if (!result) log::warn("closing a drive: {} {}", to_string(result.error().code), result.error().detail);
  }
}

boost::asio::awaitable<void> Storage::end_maintenance() {
  repairing_ = nullptr;
  if (maintenance_) co_await maintenance_->stop();
}

void Storage::drive_failed(DriveIndex drive, const Error& why) {
  // Of another node's drive, that node knows best; whether the node is there, who leads finds out.
  if (cluster_ && !find_drive(drive)) return;
  if (auto* keeper = fencing_.load()) keeper->put_out(drive, why);
}

boost::asio::awaitable<void> Storage::drive_lost(DriveIndex index) {
  if (const auto drive = find_drive(index)) drive->fence(error(Errc::drive_out, "put out of the cluster map"));
  if (const auto* place = find_place(index); place == nullptr || !place->added) node_->drive_failed(index);
  co_return;
}

Drives Storage::drives() const {
  const std::lock_guard lock(drives_mutex_);
  return drives_;
}

std::shared_ptr<volume::Drive> Storage::find_drive(DriveIndex drive) const {
  const std::lock_guard lock(drives_mutex_);
  const auto found = drives_.find(drive);
  return found == drives_.end() ? nullptr : found->second;
}

DrivePlan::Place* Storage::find_place(DriveIndex drive) {
  const auto place = std::ranges::find(plan_.places, drive, &DrivePlan::Place::index);
  return place == plan_.places.end() ? nullptr : &*place;
}

std::filesystem::path Storage::first_directory() const { return drives().begin()->second->directory(); }

std::size_t Storage::drives_in() const {
  const auto map = volumes_->map();
  return static_cast<std::size_t>(std::count_if(map->drives.begin(), map->drives.end(),
                                                [&](const auto& entry) { return map->is_in(entry.first); }));
}

bool Storage::write_quorum() const {
  if (metadata_failed_.load()) return false;
  const auto map = volumes_->map();
  return std::any_of(map->sets.begin(), map->sets.end(), [&](const auto& entry) {
    return entry.second.open && volume::write_quorum(*map, entry.second).reachable();
  });
}

}  // namespace firn::server
