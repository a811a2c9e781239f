#include "s3_fixture.h"

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>
#include <cstring>

#include "auth/uri_encoding.h"
#include "firn/base/digest.h"
#include "run.h"
#include "s3/error_reply.h"

namespace firn::test {

using namespace gateway;

namespace {

class FakeBody final : public RequestBody {
 public:
  std::string text, sha256;
  std::optional<std::uint64_t> length;
  Headers trailers;
  std::vector<std::string> announced;

  std::optional<std::uint64_t> length_bytes() const override { return length; }
  Task<std::size_t> read(MutableBytes into) override {
    constexpr std::size_t kPieceBytes = 4'099;
    const std::size_t count = std::min({into.size(), text.size() - at_, kPieceBytes});
    std::memcpy(into.data(), text.data() + at_, count);
    at_ += count;
    co_return count;
  }
  const std::string* trailer(std::string_view name) const override {
    for (const auto& [known, value] : trailers) {
      if (known == name) return &value;
    }
    return nullptr;
  }
  const std::vector<std::string>& announced_trailers() const override { return announced; }
  std::string_view signed_sha256() const override { return sha256; }

 private:
  std::size_t at_ = 0;
};

std::string decoded(std::string_view text, PlusSign plus) {
  std::string out;
  FIRN_ASSERT(append_percent_decoded(out, text, plus));
  return out;
}

Query parse_query(std::string_view text) {
  std::vector<Query::Parameter> parameters;
  while (!text.empty()) {
    const auto end = text.find('&');
    const std::string_view pair = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    const auto equals = pair.find('=');
    Query::Parameter parameter{.name = decoded(pair.substr(0, equals), PlusSign::space)};
    parameter.has_value = equals != std::string_view::npos;
    if (parameter.has_value) parameter.value = decoded(pair.substr(equals + 1), PlusSign::space);
    parameters.push_back(std::move(parameter));
  }
  return Query(std::move(parameters));
}

Task<std::string> drain(ReplyBody& body) {
  std::string text;
  while (true) {
    CO_TRY_LET(const ByteView bytes, co_await body.next());
    if (bytes.empty()) break;
    text += as_text(bytes);
  }
  if (text.size() != body.length_bytes()) co_return Errc::internal;
  co_return text;
}

}  // namespace

std::string Answer::header(std::string_view name) const {
  for (const auto& [known, value] : headers) {
    if (boost::algorithm::iequals(known, name)) return value;
  }
  return {};
}

std::vector<std::string> Answer::elements(std::string_view name) const {
  std::vector<std::string> found;
  const std::string open = '<' + std::string(name) + '>';
  const std::string close = "</" + std::string(name) + '>';
  for (std::size_t at = body.find(open); at != std::string::npos; at = body.find(open, at)) {
    at += open.size();
    const auto end = body.find(close, at);
    found.push_back(body.substr(at, end - at));
  }
  return found;
}

std::string Answer::element(std::string_view name) const {
  const auto all = elements(name);
  return all.empty() ? std::string() : all.front();
}

S3Fixture::S3Fixture() {
  EXPECT_TRUE(run(store.start()));
  EXPECT_EQ(send("PUT /bucket").status, 200U);
}

Answer S3Fixture::send(const std::string& line, const Headers& headers, const std::string& body) {
  const auto space = line.find(' ');
  const auto mark = line.find('?');
  const std::string path = line.substr(space + 1, mark == std::string::npos ? mark : mark - space - 1);
  Fields fields;
  for (const auto& [name, value] : headers) fields.insert(name, value);
  FakeBody source;
  source.text = body;
  source.sha256 = std::exchange(signed_sha256, {});
  if (std::exchange(send_length, true)) source.length = stated_length.value_or(body.size());
  stated_length.reset();
  source.trailers = std::exchange(trailers, {});
  for (const auto& [name, value] : source.trailers) source.announced.push_back(name);

  Request request;
  request.method = boost::beast::http::string_to_verb(line.substr(0, space));
  const auto slash = path.find('/', 1);
  request.bucket =
      decoded(std::string_view(path).substr(1, slash == std::string::npos ? slash : slash - 1), PlusSign::plus);
  if (slash != std::string::npos) request.key = decoded(std::string_view(path).substr(slash + 1), PlusSign::plus);
  request.raw_path = path;
  if (mark != std::string::npos) request.query = parse_query(std::string_view(line).substr(mark + 1));
  request.headers = &fields;
  request.body = &source;
  request.identity = {.access_key = "AKIA", .canonical_id = "0123owner", .display_name = "firn"};
  request.request_id = "0123456789ABCDEF";
  request.host = "localhost:9000";
  request.region = region;
  request.store = &store;

  const Scope scope = request.bucket.empty() ? Scope::service : request.key.empty() ? Scope::bucket : Scope::object;
  const Operation& operation = route(request.method, scope, request.query, fields);
  auto result = run(operation.handle(request));
  Reply reply = result ? *std::move(result) : error_reply(result.error(), request);
  Answer answer{.status = reply.status, .headers = std::move(reply.headers), .body = std::move(reply.content)};
  answer.operation = operation.name;
  if (reply.stream) answer.body = run(drain(*reply.stream)).value();
  if (reply.head_length) answer.headers.emplace_back("Content-Length", std::to_string(*reply.head_length));
  return answer;
}

Headers S3Fixture::with_md5(const std::string& body) { return {{"Content-MD5", to_base64(md5(as_bytes(body)))}}; }

std::string S3Fixture::start_upload(const std::string& path, const Headers& headers) {
  const auto created = send("POST " + path + "?uploads", headers);
  EXPECT_EQ(created.status, 200U) << created.body;
  return created.element("UploadId");
}

Answer S3Fixture::multipart(const std::string& path, const std::vector<std::string>& parts,
                            const Headers& create_headers) {
  const std::string id = start_upload(path, create_headers);
  std::string document = "<CompleteMultipartUpload>";
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::string number = std::to_string(i + 1);
    const auto part = send("PUT " + path + "?partNumber=" + number + "&uploadId=" + id, {}, parts[i]);
    EXPECT_EQ(part.status, 200U) << part.body;
    document += "<Part><PartNumber>" + number + "</PartNumber><ETag>" + part.header("ETag") + "</ETag>";
    for (const auto& [header, element] :
         {std::pair{"x-amz-checksum-sha256", "ChecksumSHA256"}, {"x-amz-checksum-crc32", "ChecksumCRC32"}}) {
      if (part.header(header).empty()) continue;
      document += std::string("<") + element + ">" + part.header(header) + "</" + element + ">";
    }
    document += "</Part>";
  }
  return send("POST " + path + "?uploadId=" + id, {}, document + "</CompleteMultipartUpload>");
}

std::string S3Fixture::text_of(std::size_t bytes, unsigned seed) {
  std::string text(bytes, '\0');
  std::uint32_t state = seed;
  for (char& c : text) c = static_cast<char>((state = state * 1'664'525 + 1'013'904'223) >> 24);
  return text;
}

}  // namespace firn::test
