#pragma once

#include "firn/config/config.h"

namespace firn::server {

/// This machine by its name and its addresses. `is_here` looks a name up, and so may block for seconds.
config::LocalMachine local_machine();

}  // namespace firn::server
