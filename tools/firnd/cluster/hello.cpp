#include "cluster/hello.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <utility>

#include "firn/base/checksum.h"
#include "firn/config/config.h"

namespace firn::server {
namespace {

namespace json = boost::json;

Error malformed(std::string_view field) { return error(Errc::corrupt, "hello: " + std::string(field)); }

/// Reads fields of one object; the first that is not as it must be is kept as the failure.
class Fields {
 public:
  explicit Fields(const json::object& object) : object_(object) {}

  std::uint64_t number(std::string_view name, std::uint64_t most) {
    const auto* value = object_.if_contains(name);
    boost::system::error_code failure;
    const auto parsed = value == nullptr ? 0 : value->to_number<std::uint64_t>(failure);
    if (value != nullptr && !failure && parsed <= most) return parsed;
    fail(name);
    return 0;
  }
  bool flag(std::string_view name) {
    const auto* value = object_.if_contains(name);
    if (value != nullptr && value->is_bool()) return value->as_bool();
    fail(name);
    return false;
  }
  std::string text(std::string_view name) {
    const auto* value = object_.if_contains(name);
    if (value != nullptr && value->is_string()) return std::string(value->as_string());
    fail(name);
    return {};
  }
  Uuid uuid(std::string_view name) {
    Uuid uuid;
    if (const auto spelled = text(name); !spelled.empty() && !parse(spelled, uuid)) fail(name);
    return uuid;
  }
  const json::array& array(std::string_view name) {
    static const json::array kEmpty;
    const auto* value = object_.if_contains(name);
    if (value != nullptr && value->is_array()) return value->as_array();
    fail(name);
    return kEmpty;
  }
  bool has(std::string_view name) const { return object_.contains(name); }
  void fail(std::string_view name) {
    if (!failure_) failure_ = malformed(name);
  }
  const std::optional<Error>& failure() const { return failure_; }

 private:
  const json::object& object_;
  std::optional<Error> failure_;
};

void read_drives(Fields& fields, Hello& hello) {
  for (const auto& each : fields.array("drives")) {
    if (!each.is_object()) return fields.fail("drives");
    Fields drive(each.as_object());
    const DriveIndex index{static_cast<std::uint16_t>(drive.number("index", UINT16_MAX))};
    hello.drives.push_back({index, drive.uuid("uuid"), drive.flag("well")});
    if (drive.failure()) return fields.fail("drives");
  }
}

template <class Id>
void read_ids(Fields& fields, const char* name, std::vector<Id>& ids) {
  for (const auto& each : fields.array(name)) {
    boost::system::error_code failure;
    const auto number = each.to_number<decltype(Id::value)>(failure);
    if (failure) return fields.fail(name);
    ids.push_back(Id{number});
  }
}

void read_shape(Fields& fields, Hello& hello) {
  const auto text = fields.text("shape");
  if (text.empty()) return;
  const auto shape = config::parse_shape(text);
  if (!shape) return fields.fail("shape");
  hello.shape = *shape;
}

/// What nodes of the first release don't say.
void read_later(Fields& fields, Hello& hello) {
  if (fields.has("closing")) hello.closing = fields.flag("closing");
  if (fields.has("writes_since")) hello.writes_since = fields.number("writes_since", UINT64_MAX);
  if (fields.has("unreached")) read_ids(fields, "unreached", hello.unreached);
  if (fields.has("leaving")) hello.leaving = fields.flag("leaving");
  if (fields.has("host")) hello.host = fields.text("host");
  if (fields.has("port")) hello.port = static_cast<std::uint16_t>(fields.number("port", UINT16_MAX));
  if (fields.has("retired")) hello.retired = fields.flag("retired");
  constexpr const char* kMoving = "moving_bytes_per_second";
  if (fields.has(kMoving)) hello.moving_bytes_per_second = fields.number(kMoving, UINT64_MAX);
}

}  // namespace

std::string encode(const Hello& hello) {
  json::array drives, yours, unreached;
  for (const auto& drive : hello.drives) {
    drives.push_back(json::object{{"index", drive.index.value}, {"uuid", to_string(drive.uuid)}, {"well", drive.well}});
  }
  for (const auto drive : hello.yours) yours.emplace_back(drive.value);
  for (const auto node : hello.unreached) unreached.emplace_back(node.value);
  return json::serialize(json::object{{"release", hello.release},
                                      {"node", hello.node.value},
                                      {"list_hash", hello.list_hash},
                                      {"cluster", hello.cluster == Uuid{} ? "" : to_string(hello.cluster)},
                                      {"begun", hello.begun},
                                      {"drive_count", hello.drive_count},
                                      {"drives_total", hello.drives_total},
                                      {"shape", hello.shape ? config::to_string(*hello.shape) : ""},
                                      {"yours", std::move(yours)},
                                      {"drives", std::move(drives)},
                                      {"first_open_lease", hello.first_open_lease.value},
                                      {"serving", hello.serving},
                                      {"leaving", hello.leaving},
                                      {"closing", hello.closing},
                                      {"writes_since", hello.writes_since},
                                      {"unreached", std::move(unreached)},
                                      {"host", hello.host},
                                      {"port", hello.port},
                                      {"retired", hello.retired},
                                      {"moving_bytes_per_second", hello.moving_bytes_per_second}});
}

Result<Hello> decode_hello(std::string_view text) {
  boost::system::error_code failure;
  const auto value = json::parse(text, failure);
  if (failure || !value.is_object()) return malformed("not an object");
  Fields fields(value.as_object());
  Hello hello;
  hello.release = static_cast<std::uint32_t>(fields.number("release", UINT32_MAX));
  if (!fields.failure() && (hello.release > kClusterRelease + 1 || hello.release + 1 < kClusterRelease)) {
    return error(Errc::unsupported_version, "release " + std::to_string(hello.release) +
                                                " of the cluster's protocol; " + "this node has " +
                                                std::to_string(kClusterRelease));
  }
  hello.node.value = static_cast<std::uint32_t>(fields.number("node", UINT32_MAX));
  hello.list_hash = fields.number("list_hash", UINT64_MAX);
  hello.cluster = fields.uuid("cluster");
  hello.begun = fields.flag("begun");
  hello.drive_count = static_cast<std::uint16_t>(fields.number("drive_count", UINT16_MAX));
  hello.drives_total = static_cast<std::uint16_t>(fields.number("drives_total", UINT16_MAX));
  read_shape(fields, hello);
  read_ids(fields, "yours", hello.yours);
  read_drives(fields, hello);
  hello.first_open_lease.value = fields.number("first_open_lease", UINT64_MAX);
  hello.serving = fields.flag("serving");
  read_later(fields, hello);
  if (fields.failure()) return *fields.failure();
  return hello;
}

std::uint64_t list_hash(const std::vector<std::string>& nodes) {
  std::string joined;
  for (const auto& node : nodes) joined += node + "\n";
  return xxh3(ByteView(reinterpret_cast<const std::byte*>(joined.data()), joined.size()));
}

}  // namespace firn::server
