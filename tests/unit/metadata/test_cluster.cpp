#include "test_cluster.h"

#include <algorithm>

namespace firn::metadata {
namespace {

constexpr std::size_t kChunkBytes = 64 << 10;

}  // namespace

class TestTransport final : public RaftTransport {
 public:
  TestTransport(TestNetwork& network, NodeId node) : network_(network), node_(node) {}

  void attach(RaftEndpoint& endpoint) override {
    const std::unique_lock lock(network_.place(node_).use);
    detached_ = false;
    network_.place(node_).endpoint = &endpoint;
  }
  void detach() override {
    detached_ = true;
    const std::unique_lock lock(network_.place(node_).use);
    network_.place(node_).endpoint = nullptr;
  }
  void send(NodeId to, std::string message) override { network_.send(node_, to, std::move(message)); }

  Result<> fetch_snapshot(NodeId from, const std::string& name, SnapshotSink& sink) override {
    TestNetwork::Place& place = network_.place(from);
    const std::shared_lock lock(place.use);
    if (place.endpoint == nullptr) return error(Errc::cancelled, "the peer is away");
    Result<std::shared_ptr<SnapshotSource>> source = place.endpoint->open_snapshot(name);
    if (!source) return source.error();
    for (std::size_t file = 0; file < (*source)->files().size(); ++file) {
      const Result<> copied = copy(**source, file, from, sink);
      if (!copied) return copied;
    }
    return {};
  }

 private:
  Result<> copy(SnapshotSource& source, std::size_t file, NodeId from, SnapshotSink& sink) {
    const SnapshotFile& listed = source.files()[file];
    if (const Result<> begun = sink.begin_file(listed); !begun) return begun;
    std::vector<std::byte> chunk(kChunkBytes);
    for (std::uint64_t offset = 0; offset < listed.bytes; offset += kChunkBytes) {
      if (detached_ || !network_.connected(node_, from)) return error(Errc::cancelled, "the connection was lost");
      const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(kChunkBytes, listed.bytes - offset));
      const Result<> read = source.read(file, offset, std::span(chunk).first(count));
      if (!read) return read;
      if (const Result<> written = sink.write(std::span(chunk).first(count)); !written) return written;
    }
    return {};
  }

  TestNetwork& network_;
  const NodeId node_;
  std::atomic<bool> detached_{false};
};

TestNetwork::TestNetwork(std::uint64_t seed) : random_(seed), thread_([this] { run(); }) {}

TestNetwork::~TestNetwork() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

std::unique_ptr<RaftTransport> TestNetwork::transport(NodeId node) {
  return std::make_unique<TestTransport>(*this, node);
}

TestNetwork::Place& TestNetwork::place(NodeId node) {
  const std::lock_guard lock(mutex_);
  return places_[node.value];
}

void TestNetwork::cut(NodeId a, NodeId b) {
  const std::lock_guard lock(mutex_);
  cuts_.emplace(a.value, b.value);
  cuts_.emplace(b.value, a.value);
}

void TestNetwork::cut_off(NodeId node, std::size_t nodes) {
  for (std::uint32_t other = 1; other <= nodes; ++other) {
    if (other != node.value) cut(node, NodeId{other});
  }
}

void TestNetwork::heal() {
  const std::lock_guard lock(mutex_);
  cuts_.clear();
}

void TestNetwork::disturb(unsigned lost_of_thousand, std::chrono::milliseconds delay) {
  const std::lock_guard lock(mutex_);
  lost_of_thousand_ = lost_of_thousand;
  delay_ = delay;
}

bool TestNetwork::connected(NodeId a, NodeId b) {
  const std::lock_guard lock(mutex_);
  return !cuts_.contains({a.value, b.value});
}

void TestNetwork::send(NodeId from, NodeId to, std::string message) {
  {
    const std::lock_guard lock(mutex_);
    if (cuts_.contains({from.value, to.value})) return;
    if (random_() % 1'000 < lost_of_thousand_) return;
    const std::chrono::milliseconds late(delay_.count() == 0 ? 0 : random_() % static_cast<unsigned>(delay_.count()));
    letters_.emplace(std::chrono::steady_clock::now() + late, Letter{from, to, std::move(message)});
  }
  wake_.notify_all();
}

void TestNetwork::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (letters_.empty()) {
      wake_.wait(lock);
      continue;
    }
    const Time due = letters_.begin()->first;
    if (due > std::chrono::steady_clock::now()) {
      wake_.wait_until(lock, due);
      continue;
    }
    Letter letter = std::move(letters_.begin()->second);
    letters_.erase(letters_.begin());
    Place& place = places_[letter.to.value];
    lock.unlock();
    {
      const std::shared_lock use(place.use);
      if (place.endpoint != nullptr) place.endpoint->receive(letter.from, std::move(letter.message));
    }
    lock.lock();
  }
}

TestCluster::TestCluster(std::size_t nodes, std::uint64_t seed) : count_(nodes), network_(seed), runtime_(1) {
  options.local.drive_count = 2;
  options.local.losses = 1;
  options.local.log_file_bytes = 1 << 20;
  options.local.log_kept_bytes_max = 256 << 10;
  options.local.memtable_bytes = 4 << 20;
  options.local.block_cache_bytes = 4 << 20;
  options.local.reserve_bytes = 64 << 10;
  options.tick = std::chrono::milliseconds(20);
  options.election_ticks = 20;
  options.patience = std::chrono::seconds(60);
  runtime_.start();
  for (std::uint32_t node = 1; node <= nodes; ++node) transports_[node] = network_.transport(NodeId{node});
}

TestCluster::~TestCluster() {
  nodes_.clear();
  runtime_.stop();
}

std::filesystem::path TestCluster::drive(std::uint32_t node, std::uint16_t drive) const {
  return directory_.path() / ("node" + std::to_string(node)) / ("drive" + std::to_string(drive));
}

Result<> TestCluster::open(std::uint32_t node, bool join) {
  nodes_.erase(node);
  Node::ClusterOptions given = options;
  given.node = NodeId{node};
  given.join = join;
  given.voters = voters_;
  given.transport = transports_.at(node).get();
  for (std::uint32_t other = 1; other <= count_; ++other) {
    if (other != node) given.peers.push_back(NodeId{other});
  }
  for (std::uint16_t i = 0; i < 2; ++i) {
    std::filesystem::create_directories(drive(node, i));
    given.local.drives.push_back({DriveIndex{i}, drive(node, i)});
  }
  Result<std::unique_ptr<Node>> opened = Node::open_cluster(runtime_, std::move(given), {});
  if (!opened) return opened.error();
  nodes_[node] = std::move(*opened);
  return {};
}

void TestCluster::begin(std::size_t voters) {
  voters_.clear();
  for (std::uint32_t node = 1; node <= voters; ++node) voters_.push_back(NodeId{node});
  for (const NodeId node : voters_) {
    const Result<> started = open(node.value, false);
    FIRN_ASSERT(started.has_value());
  }
}

Result<> TestCluster::start(std::uint32_t node) { return open(node, false); }
Result<> TestCluster::join(std::uint32_t node) { return open(node, true); }

void TestCluster::wipe(std::uint32_t node) {
  stop(node);
  std::filesystem::remove_all(directory_.path() / ("node" + std::to_string(node)));
}

bool TestCluster::wait_until(const std::function<bool()>& holds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(90);
  while (std::chrono::steady_clock::now() < end) {
    if (holds()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return holds();
}

std::uint32_t TestCluster::leader() {
  std::uint32_t found = 0;
  wait_until([&] {
    std::map<std::uint32_t, std::size_t> followed;
    for (const auto& [number, node] : nodes_) {
      if (node) ++followed[node->leader().value];
    }
    for (const auto& [number, followers] : followed) {
      if (number != 0 && followers * 2 > nodes_.size() && nodes_.contains(number) && nodes_[number]->is_leader()) {
        found = number;
      }
    }
    return found != 0;
  });
  return found;
}

std::size_t TestCluster::voters() {
  const std::uint32_t leading = leader();
  if (leading == 0) return 0;
  const std::vector<Node::Member> members = node(leading).members();
  return static_cast<std::size_t>(std::ranges::count(members, true, &Node::Member::voter));
}

}  // namespace firn::metadata
