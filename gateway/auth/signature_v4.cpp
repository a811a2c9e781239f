#include "auth/signature_v4.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "auth/uri_encoding.h"
#include "firn/base/digest.h"

namespace firn::gateway {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view kTerminator = "aws4_request";
constexpr std::string_view kSignatureParameter = "X-Amz-Signature";

/// The next piece of `rest` up to `separator`, taken off it.
std::string_view take_piece(std::string_view& rest, char separator) {
  const std::size_t end = std::min(rest.find(separator), rest.size());
  const std::string_view piece = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return piece;
}

/// One encoded parameter in a scratch text: offsets, since the text still grows.
struct EncodedParameter {
  std::size_t name_at, value_at, end;
};

/// Appends the parameters sorted by encoded name, then value, each as name=value.
void append_canonical_query(std::string& out, std::string_view raw_query) {
  thread_local std::string scratch;
  thread_local std::vector<EncodedParameter> parameters;
  scratch.clear();
  parameters.clear();
  while (!raw_query.empty()) {
    std::string_view value = take_piece(raw_query, '&');
    if (value.empty()) continue;
    const std::string_view name = take_piece(value, '=');
    EncodedParameter parameter{scratch.size(), 0, 0};
    append_canonical_query_text(scratch, name);
    parameter.value_at = scratch.size();
    if (std::string_view(scratch).substr(parameter.name_at) == kSignatureParameter) {
      scratch.resize(parameter.name_at);
      continue;
    }
    append_canonical_query_text(scratch, value);
    parameter.end = scratch.size();
    parameters.push_back(parameter);
  }
  const auto name_of = [](const EncodedParameter& p) {
    return std::string_view(scratch).substr(p.name_at, p.value_at - p.name_at);
  };
  const auto value_of = [](const EncodedParameter& p) {
    return std::string_view(scratch).substr(p.value_at, p.end - p.value_at);
  };
  std::sort(parameters.begin(), parameters.end(), [&](const EncodedParameter& a, const EncodedParameter& b) {
    const int order = name_of(a).compare(name_of(b));
    return order != 0 ? order < 0 : value_of(a) < value_of(b);
  });
  for (const EncodedParameter& parameter : parameters) {
    if (&parameter != parameters.data()) out.push_back('&');
    out.append(name_of(parameter)).push_back('=');
    out.append(value_of(parameter));
  }
}

/// Without white space around it, and with each run inside it as one space.
void append_trimmed(std::string& out, std::string_view value) {
  bool space_pending = false;
  bool begun = false;
  for (const char c : value) {
    if (c == ' ' || c == '\t') {
      space_pending = begun;
      continue;
    }
    if (space_pending) out.push_back(' ');
    space_pending = false;
    begun = true;
    out.push_back(c);
  }
}

/// Appends "name:value[,value]\n" for every signed header. False when that grows past the bound.
bool append_canonical_headers(std::string& out, const Fields& headers, std::string_view signed_headers) {
  while (!signed_headers.empty()) {
    const std::string_view name = take_piece(signed_headers, ';');
    out.append(name).push_back(':');
    auto [first, last] = headers.equal_range(boost::beast::string_view(name.data(), name.size()));
    for (auto field = first; field != last; ++field) {
      if (field != first) out.push_back(',');
      append_trimmed(out, {field->value().data(), field->value().size()});
    }
    out.push_back('\n');
    if (out.size() > kCanonicalBytesMax) return false;
  }
  return true;
}

void copy_key(SigningKey& key, std::string_view raw) { std::copy_n(raw.begin(), key.size(), key.begin()); }

}  // namespace

bool append_canonical_request(std::string& out, const RequestToSign& request, std::string_view signed_headers,
                              std::string_view payload_hash, PathSpelling spelling) {
  out.append(request.method).push_back('\n');
  if (spelling == PathSpelling::reencoded) {
    append_canonical_path(out, request.raw_path);
  } else {
    out.append(request.raw_path);
  }
  out.push_back('\n');
  append_canonical_query(out, request.raw_query);
  out.push_back('\n');
  if (!append_canonical_headers(out, request.headers, signed_headers)) return false;
  out.push_back('\n');
  out.append(signed_headers).push_back('\n');
  out.append(payload_hash);
  return out.size() <= kCanonicalBytesMax;
}

std::optional<CredentialScope> parse_scope(std::string_view text) {
  std::string_view rest = text;
  CredentialScope scope{.text = text, .day = take_piece(rest, '/'), .region = {}, .service = {}};
  scope.region = take_piece(rest, '/');
  scope.service = take_piece(rest, '/');
  if (rest != kTerminator || scope.day.empty() || scope.region.empty() || scope.service.empty()) return std::nullopt;
  return scope;
}

SigningKey derive_signing_key(std::string_view secret_key, const CredentialScope& scope) {
  std::string raw = hmac_sha256(std::string("AWS4").append(secret_key), scope.day);
  raw = hmac_sha256(raw, scope.region);
  raw = hmac_sha256(raw, scope.service);
  raw = hmac_sha256(raw, kTerminator);
  SigningKey key;
  copy_key(key, raw);
  return key;
}

std::string sign(const SigningKey& key, std::string_view string_to_sign) {
  return to_hex(hmac_sha256({key.data(), key.size()}, string_to_sign));
}

void append_string_to_sign(std::string& out, const SigningTime& time, std::string_view scope,
                           std::string_view canonical_request) {
  out.append(kAlgorithm).push_back('\n');
  out.append(time.text()).push_back('\n');
  out.append(scope).push_back('\n');
  out.append(to_hex(sha256(as_bytes(canonical_request))));
}

SigningKeyCache& SigningKeyCache::for_this_thread() {
  thread_local SigningKeyCache cache;
  return cache;
}

const SigningKey* SigningKeyCache::find(std::uint64_t credential_id, const CredentialScope& scope) const {
  for (const Entry& entry : entries_) {
    if (entry.credential_id == credential_id && entry.scope == scope.text) return &entry.key;
  }
  return nullptr;
}

void SigningKeyCache::remember(std::uint64_t credential_id, const CredentialScope& scope, const SigningKey& key) {
  Entry& entry = entries_[next_];
  next_ = (next_ + 1) % entries_.size();
  entry.credential_id = credential_id;
  entry.scope.assign(scope.text);
  entry.key = key;
}

}  // namespace firn::gateway
