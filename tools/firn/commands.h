#pragma once

#include <boost/json/object.hpp>
#include <string>

#include "command_line.h"
#include "firn/base/result.h"
#include "firn/config/config.h"

namespace firn::cli {

/// A command that was carried out.
struct Outcome {
  boost::json::object content;  ///< For --json: the server's own words.
  std::string text;             ///< For people.
  bool sound = true;            ///< Nothing was found damaged or contradictory.
};

/// Carries it out. A failure has a message for people.
Result<Outcome> carry_out(const Invocation& asked, const config::Environment& environment);

}  // namespace firn::cli
