#pragma once

#include "firn/base/runtime.h"

namespace firn::server {

/// The runtime runs while one of these lives.
class Running {
 public:
  explicit Running(Runtime& runtime) : runtime_(runtime) { runtime_.start(); }
  ~Running() { runtime_.stop(); }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

 private:
  Runtime& runtime_;
};

}  // namespace firn::server
