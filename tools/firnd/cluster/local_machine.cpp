#include "cluster/local_machine.h"

#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <set>
#include <string>

namespace firn::server {
namespace {

/// An address in bytes; empty for kinds that no node has.
std::string bytes_of(const sockaddr* address) {
  if (address == nullptr) return {};
  if (address->sa_family == AF_INET) {
    const auto& ip = reinterpret_cast<const sockaddr_in*>(address)->sin_addr;
    return {reinterpret_cast<const char*>(&ip), sizeof ip};
  }
  if (address->sa_family == AF_INET6) {
    const auto& ip = reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr;
    return {reinterpret_cast<const char*>(&ip), sizeof ip};
  }
  return {};
}

std::set<std::string> own_addresses() {
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return {};
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner(list, &freeifaddrs);
  std::set<std::string> addresses;
  for (const auto* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (auto bytes = bytes_of(entry->ifa_addr); !bytes.empty()) addresses.insert(std::move(bytes));
  }
  return addresses;
}

Result<bool> leads_here(const std::string& host) {
  addrinfo* found = nullptr;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  if (const int failure = getaddrinfo(host.c_str(), nullptr, &hints, &found); failure != 0) {
    return error(Errc::request_timeout, host + ": " + gai_strerror(failure));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, &freeaddrinfo);
  const auto own = own_addresses();
  for (const auto* entry = found; entry != nullptr; entry = entry->ai_next) {
    if (own.contains(bytes_of(entry->ai_addr))) return true;
  }
  return false;
}

}  // namespace

config::LocalMachine local_machine() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) name[0] = '\0';
  return {name.data(), leads_here};
}

}  // namespace firn::server
