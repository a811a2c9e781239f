#include "http/target.h"

#include <algorithm>
#include <utility>

#include "auth/uri_encoding.h"
#include "http/limits.h"

namespace firn::gateway {
namespace {

using boost::beast::iequals;

Error invalid_uri() { return client_error(Errc::invalid_uri, "Couldn't parse the specified URI."); }

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return iequals({a.data(), a.size()}, {b.data(), b.size()});
}

/// Appends the decoded form if it is text a name may hold.
bool decode_text(std::string& out, std::string_view raw, PlusSign plus) {
  const std::size_t before = out.size();
  if (!append_percent_decoded(out, raw, plus)) return false;
  const std::string_view decoded = std::string_view(out).substr(before);
  return decoded.find('\0') == std::string_view::npos && is_utf8(decoded);
}

/// The path and query of an absolute target, or nothing when it names another host.
std::string_view without_authority(std::string_view target, std::string_view host) {
  for (const std::string_view scheme : {std::string_view("http://"), std::string_view("https://")}) {
    if (target.size() <= scheme.size() || !equal_ignoring_case(target.substr(0, scheme.size()), scheme)) continue;
    const std::string_view rest = target.substr(scheme.size());
    const std::size_t path = std::min(rest.find('/'), rest.size());
    if (path < rest.size() && equal_ignoring_case(rest.substr(0, path), host)) return rest.substr(path);
  }
  return {};
}

std::string_view without_port(std::string_view host) {
  if (host.ends_with(']')) return host;  // A bare IPv6 address.
  const std::size_t colon = host.rfind(':');
  return colon == std::string_view::npos ? host : host.substr(0, colon);
}

}  // namespace

Result<Target> split_target(std::string_view target, std::string_view host) {
  if (!target.starts_with('/')) target = without_authority(target, host);
  if (target.empty() || target.find('#') != std::string_view::npos) return invalid_uri();
  const std::size_t question = std::min(target.find('?'), target.size());
  return Target{target.substr(0, question), target.substr(std::min(question + 1, target.size()))};
}

std::string_view bucket_of_host(std::string_view host, const std::vector<std::string>& domains) {
  host = without_port(host);
  std::string_view bucket;
  for (const std::string& domain : domains) {
    if (host.size() <= domain.size() + 1) continue;
    const std::size_t dot = host.size() - domain.size() - 1;
    if (host[dot] != '.' || !equal_ignoring_case(host.substr(dot + 1), domain)) continue;
    if (bucket.empty() || dot < bucket.size()) bucket = host.substr(0, dot);
  }
  return bucket;
}

Result<> decode_path(std::string_view raw_path, std::string_view host_bucket, std::string& bucket, std::string& key) {
  bucket.clear();
  key.clear();
  std::string_view rest = raw_path.substr(1);
  if (!host_bucket.empty()) {
    // Host names have no case, bucket names are lower case.
    for (const char c : host_bucket) bucket.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
    return decode_text(key, rest, PlusSign::plus) ? Result<>{} : invalid_uri();
  }
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  if (!decode_text(bucket, rest.substr(0, slash), PlusSign::plus)) return invalid_uri();
  rest.remove_prefix(std::min(slash + 1, rest.size()));
  if (!decode_text(key, rest, PlusSign::plus)) return invalid_uri();
  if (bucket.empty() && slash < raw_path.size() - 1) return invalid_uri();  // "//key" names no bucket.
  return {};
}

Result<Query> parse_query(std::string_view raw_query) {
  std::vector<Query::Parameter> parameters;
  while (!raw_query.empty()) {
    const std::size_t end = std::min(raw_query.find('&'), raw_query.size());
    const std::string_view piece = raw_query.substr(0, end);
    raw_query.remove_prefix(std::min(end + 1, raw_query.size()));
    if (piece.empty()) continue;
    if (parameters.size() == limits::kQueryParametersMax) return invalid_uri();
    const std::size_t equals = std::min(piece.find('='), piece.size());
    Query::Parameter& parameter = parameters.emplace_back();
    parameter.has_value = equals < piece.size();
    if (!decode_text(parameter.name, piece.substr(0, equals), PlusSign::space)) return invalid_uri();
    const std::string_view value = piece.substr(std::min(equals + 1, piece.size()));
    if (!decode_text(parameter.value, value, PlusSign::space)) return invalid_uri();
  }
  return Query(std::move(parameters));
}

}  // namespace firn::gateway
