#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "firn/base/clock.h"
#include "firn/base/result.h"
#include "firn/base/runtime.h"

namespace firn::objects {
class Store;
}

namespace firn::gateway {

class AdminHandler;

/// The one root credential, until IAM fills the seam behind it.
struct RootCredential {
  std::string access_key;
  std::string secret_key;
};

/// What the health endpoints say. Callable from any io thread.
class Health {
 public:
  virtual ~Health() = default;
  virtual bool ready() const = 0;         ///< Joined, drives open, metadata readable, and not about to stop.
  virtual bool write_quorum() const = 0;  ///< /minio/health/cluster: writes can be made durable.
};

/// The S3 gateway: listens on every io thread (SO_REUSEPORT), speaks HTTP or HTTPS.
///
/// Threads: `start` and `stop` from the main thread; a connection stays on the io thread that accepted it.
/// Memory: connections, header bytes and bodies are bounded by Options; beyond them 503 SlowDown or a closed
/// connection.
class Server {
 public:
  struct Options {
    std::string listen_host = "127.0.0.1";
    std::uint16_t listen_port = 9000;  ///< 0: the kernel chooses; see port().
    std::string region = "us-east-1";
    std::vector<std::string> domains;  ///< Virtual-host style: bucket.DOMAIN.
    std::string tls_certificate_path;  ///< PEM chain; empty: plain HTTP. Re-read when the file changes.
    std::string tls_key_path;
    std::string access_log_path;  ///< "-" standard output, empty none.
    bool metrics_public = false;  ///< Otherwise /firn/metrics needs the metrics token.
    std::string metrics_token;
    std::size_t connections_max =
        16'384;  ///< Idle keep-alive connections of a few hundred Spark executors fit; 16 KiB each.
  };
  struct Parts {
    Runtime& runtime;
    Health& health;
    Clock& clock;
  };

  /// Listens, and answers what load balancers ask; all other requests get 503, which clients try again. So a start that
  /// takes long, or waits for other nodes, can be told from one that hangs.
  static Result<std::unique_ptr<Server>> listen(Parts parts, Options options);
  virtual ~Server() = default;
  /// Requests are answered from now on. `admin` answers /firn/admin/v1/…; null: there is no such path. Both must
  /// outlive the server. Once, from the main thread.
  virtual void serve(objects::Store& store, RootCredential root, AdminHandler* admin) = 0;
  virtual std::uint16_t port() const = 0;
  /// Stops accepting, lets requests under way finish for `grace`, then cuts them.
  virtual void stop(std::chrono::milliseconds grace) = 0;
};

}  // namespace firn::gateway
