// Entries of the metadata log: refused, or read so that writing them again changes nothing; and apply, which trusts
// nobody, decides whatever command it is given and leaves a state whose counts are right.
#include <cstdint>
#include <string>
#include <string_view>

#include "apply/applier.h"
#include "command/command.h"
#include "firn/base/assert.h"
#include "map_state.h"

namespace {

using namespace firn;
using namespace firn::metadata;

/// What a command can find: a bucket, an extent's place and lease, an upload with a part, an object.
class World {
 public:
  World() {
    const Uuid gateway{{1}};
    MapRecord map{.version = 1};
    for (std::uint16_t i = 0; i < 6; ++i)
      map.drives.push_back({.index = DriveIndex{i}, .uuid = Uuid{{2}}, .domain = "d"});
    map.sets.push_back(
        {.id = SetId{1}, .epoch = SetEpoch{1}, .data_shards = 4, .parity_shards = 2, .members = {}, .open = true});
    for (const DriveRecord& drive : map.drives) map.sets[0].members.push_back(drive.index);
    apply(PutClusterMap{map});
    apply(RegisterGateway{gateway});
    apply(CreateBucket{"bucket", ""});
    PutObject put;
    put.bucket = BucketId{1};
    put.key = "k";
    put.etag = std::string(32, 'a');
    put.size_bytes = 4;
    put.body.inline_bytes = "body";
    apply(put);
    Upload upload;
    upload.id = Uuid{{3}};
    upload.key = "k";
    apply(CreateUpload{BucketId{1}, upload});
  }

  void apply(Operation operation) {
    Command command;
    command.operation = std::move(operation);
    FIRN_ASSERT(apply(encode_command(std::move(command))));
  }

  /// False when the entry is none.
  bool apply(std::string_view entry) {
    auto applier = Applier::open(state_);
    FIRN_ASSERT(applier);
    Transaction changes(state_);
    const std::uint64_t index = applier->progress().applied_index + 1;
    const auto outcome = applier->apply(index, entry, changes);
    if (!outcome) return false;
    state_.commit(changes);
    FIRN_ASSERT(applier->progress().applied_index == index);
    return true;
  }

 private:
  MapState state_;
};

void check_form(std::string_view entry) {
  auto command = decode_command(entry);
  if (!command) return;
  const std::string once = encode_command(std::move(*command));
  auto again = decode_command(once);
  FIRN_ASSERT(again && encode_command(std::move(*again)) == once);
}

}  // namespace

/// Entries one after another, each behind two bytes of length.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const World beginning;
  World world = beginning;
  std::string_view input(reinterpret_cast<const char*>(data), size);
  while (input.size() >= 2) {
    const std::size_t bytes = static_cast<std::uint8_t>(input[0]) | static_cast<std::uint8_t>(input[1]) << 8;
    const std::string_view entry = input.substr(2, bytes);
    input.remove_prefix(2 + entry.size());
    check_form(entry);
    world.apply(entry);
  }
  return 0;
}
