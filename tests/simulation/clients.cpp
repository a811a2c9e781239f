#include "clients.h"

#include <cstring>

#include "firn/base/digest.h"

namespace firn::simulation {
namespace {

/// Bodies up to this; from 301 bytes on they are extents, and beyond 16 KiB all data shards hold some of them.
constexpr std::uint64_t kBodyBytesMax = 40'000;
/// A GET that finds an extent gone reads the record again, so often.
constexpr int kReads = 4;

class Body final : public objects::BodySource {
 public:
  explicit Body(std::string bytes) : bytes_(std::move(bytes)) {}
  std::uint64_t length_bytes() const override { return bytes_.size(); }
  Task<std::size_t> read(MutableBytes into) override {
    const std::size_t count = std::min(into.size(), bytes_.size() - at_);
    std::memcpy(into.data(), bytes_.data() + at_, count);
    at_ += count;
    co_return count;
  }

 private:
  const std::string bytes_;
  std::size_t at_ = 0;
};

}  // namespace

std::string Clients::new_body() {
  // The kinds of sizes meet different code: inline bodies, one short chunk, several.
  const std::uint64_t limit = random_.one_in(3) ? 300 : random_.one_in(2) ? 4'000 : kBodyBytesMax;
  std::string body(random_.between(16, limit), '\0');
  const std::uint64_t unlike_all_others = random_.next();
  for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>((unlike_all_others >> (i % 8 * 8)) + i / 8);
  return body;
}

metadata::Conditions Clients::some_conditions(const std::string& key) {
  metadata::Conditions conditions;
  const std::uint64_t dice = random_.below(6);
  if (dice == 0) conditions.if_none_match = "*";
  if (dice == 1) conditions.if_match = parts_.history.current(key);
  return conditions;
}

boost::asio::awaitable<void> Clients::run(std::size_t operations) {
  for (std::size_t done = 0; done < operations; ++done) {
    co_await sleep(std::chrono::milliseconds(random_.between(10, 700)));
    Node* const node = parts_.any_node();
    if (node == nullptr) continue;
    std::string key = Clients::key(random_.below(kKeys));
    const std::uint64_t dice = random_.below(20);
    if (dice < 8)
      co_await put(*node, std::move(key));
    else if (dice < 10)
      co_await copy(*node, std::move(key));
    else if (dice < 12)
      co_await upload(*node, std::move(key));
    else if (dice < 15)
      co_await remove(*node, std::move(key));
    else
      co_await get(*node, std::move(key));
  }
}

void Clients::end(Node& node, Operation& operation, const Result<metadata::Committed>& answer) {
  operation.ended = parts_.log.committed();
  // A process that is gone answers nobody.
  if (node.alive() && answer) {
    operation.end = Operation::End::acknowledged;
    operation.committed = answer->order.log_index;
  } else if (node.alive() && answer.error().code != Errc::ambiguous) {
    operation.end = Operation::End::refused;
    operation.refusal = answer.error().code;
  }
  parts_.trace.add("client", static_cast<std::uint64_t>(operation.end), operation.committed, operation.began);
}

Operation& Clients::begin(Operation::Kind kind, const std::string& key) {
  Operation operation{.kind = kind, .key = key, .token = {}, .conditions = {}, .began = parts_.log.committed()};
  if (kind == Operation::Kind::put) {
    operation.token = "token-" + std::to_string(++tokens_);
    operation.conditions = some_conditions(key);
  }
  return parts_.history.begin(std::move(operation));
}

boost::asio::awaitable<void> Clients::put(Node& node, std::string key) {
  std::string bytes = new_body();
  bodies_[to_hex(md5(as_bytes(bytes)))] = bytes;
  Operation& operation = begin(Operation::Kind::put, key);
  Body body(std::move(bytes));
  objects::PutRequest request{.bucket = bucket(), .key = std::move(key), .conditions = operation.conditions};
  request.attributes.content_type = operation.token;
  const auto answer = co_await node.store().put(std::move(request), body);
  end(node, operation, answer ? Result<metadata::Committed>(answer->committed) : answer.error());
}

boost::asio::awaitable<void> Clients::copy(Node& node, std::string key) {
  const std::string source = Clients::key(random_.below(kKeys));
  Operation& operation = begin(Operation::Kind::put, key);
  objects::CopyRequest request{.source = {.bucket = bucket(), .key = source}, .bucket = bucket(), .key = key};
  request.conditions = operation.conditions;
  request.keep_attributes = false;
  request.attributes.content_type = operation.token;
  const auto answer = co_await node.store().copy(std::move(request));
  end(node, operation, answer ? Result<metadata::Committed>(answer->committed) : answer.error());
  // Of the source, perhaps, and not of the condition.
  if (operation.refusal == Errc::no_such_key) operation.refusal = Errc::source_changed;
}

Task<metadata::Committed> Clients::upload_part(Node& node, Operation& operation, std::string bytes) {
  metadata::Upload asked;
  asked.key = operation.key;
  asked.attributes.content_type = operation.token;
  CO_TRY_LET(const auto upload, co_await node.store().create_upload(bucket(), std::move(asked)));
  Body body(std::move(bytes));
  objects::PartRequest request{.bucket = bucket(), .key = operation.key, .upload = upload, .number = 1};
  CO_TRY_LET(const auto part, co_await node.store().put_part(std::move(request), body));
  co_await sleep(std::chrono::milliseconds(random_.below(3'000)));
  if (random_.one_in(5)) {
    CO_TRY(co_await node.store().abort_upload(bucket(), operation.key, upload.id));
    co_return Errc::no_such_upload;
  }
  metadata::CompleteUpload complete{
      .bucket = bucket(), .key = operation.key, .upload = upload.id, .conditions = operation.conditions};
  complete.parts.push_back({.number = 1, .etag = part.etag});
  CO_TRY_LET(const auto completed, co_await node.store().complete_upload(std::move(complete)));
  co_return completed.committed;
}

boost::asio::awaitable<void> Clients::upload(Node& node, std::string key) {
  std::string bytes = new_body();
  bodies_[to_hex(md5(as_bytes(md5(as_bytes(bytes))))) + "-1"] = bytes;
  Operation& operation = begin(Operation::Kind::put, key);
  const auto answer = co_await upload_part(node, operation, std::move(bytes));
  end(node, operation, answer);
}

boost::asio::awaitable<void> Clients::remove(Node& node, std::string key) {
  Operation& operation = begin(Operation::Kind::remove, key);
  std::vector<metadata::DeleteObject> keys(1);
  keys[0].key = std::move(key);
  const auto answer = co_await node.store().remove(bucket(), std::move(keys));
  if (answer) operation.existed = answer->front().existed;
  end(node, operation, answer ? Result<metadata::Committed>(metadata::Committed{}) : answer.error());
}

boost::asio::awaitable<void> Clients::get(Node& node, std::string key) {
  Operation& operation = begin(Operation::Kind::get, key);
  const auto answer = co_await read(node, std::move(key));
  operation.token = answer.value_or(std::string());
  end(node, operation, answer ? Result<metadata::Committed>(metadata::Committed{}) : answer.error());
}

Task<std::string> Clients::read(Node& node, std::string key) {
  for (int attempt = 1;; ++attempt) {
    const auto found = co_await node.store().find_with_bodies(bucket(), key);
    if (found.code() == Errc::no_such_key) co_return std::string();
    if (!found) co_return found.error();
    CO_TRY_LET(const auto reader, node.store().read(*found, {0, found->object.size_bytes}));
    std::string bytes;
    Result<ByteView> piece = ByteView{};
    do {
      piece = co_await reader->next();
      if (piece) bytes += as_text(*piece);
    } while (piece && !piece->empty());
    if (piece.code() == Errc::not_found && attempt < kReads) continue;
    if (!piece) co_return piece.error();
    const auto wanted = bodies_.find(found->object.etag);
    if (wanted == bodies_.end() || wanted->second != bytes) {
      parts_.wrong("a read of " + key + " (" + found->object.etag + ") gave other bytes");
    }
    bytes_read_ += bytes.size();
    co_return found->object.attributes.content_type;
  }
}

}  // namespace firn::simulation
