#pragma once

#include <string>

#include "firn/base/cluster_identity.h"

namespace firn {

/// A certificate authority in a folder of its own, and what it signs for nodes. The folder goes with it.
class Authority {
 public:
  explicit Authority(const std::string& name);
  ~Authority();
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;

  /// Files of a node whose certificate this authority signed.
  PeerTls issue(const std::string& node) const;

 private:
  struct Keys;
  std::string path(const std::string& file) const { return folder_ + "/" + file; }
  const std::string folder_;
  Keys* keys_;
};

}  // namespace firn
