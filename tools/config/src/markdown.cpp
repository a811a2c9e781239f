#include <string>

#include "firn/config/settings.h"

namespace firn::config {
namespace {

constexpr std::string_view kHead = R"(# Configuration

Every setting of `firnd`, wherever it is given. A flag prevails over the `FIRN_` variable, that over MinIO's variable, that over the
YAML file named by `--config`, that over the default. An empty variable counts as not given. This page is written by
`firnd --help-markdown`; a test compares it with the table in `tools/config`.

| flag | variable | MinIO's | in the file | default | |
|---|---|---|---|---|---|
)";

constexpr std::string_view kTail = R"(
- `data` and `drives` exclude each other. If they come from different places, the stronger place decides: `--drives` over `FIRN_DATA`.
- Directories are made when they are absent. One that holds something else, or a drive of another cluster, is refused.
- `{1...4}` stands for 1, 2, 3, 4, also several times in one pattern; `{01...12}` keeps its width. Quote it: some shells expand braces.
- Sizes are written 1048576, 512MiB or 4GiB. Lists are separated by spaces or commas in variables, and are lists or text in the file.
- Root user and password have no flag: a process list would show them. Without them the first start makes a pair, shows
  it once on a terminal, or else writes it to the file `root-credentials` (mode 0600) on the first drive, which the banner names.
- `nodes` makes a cluster, and then the cluster key, root user and password must be given, the same on every node. A node knows itself
  by `node-id`, by the address of `listen`, by the machine's name (`firn-0` is `firn-0.firn`), or by where the names lead. Without `listen`
  it serves on all addresses, on its own port of the list. `drives` (or MINIO_VOLUMES) may name nodes and directories at once:
  `http://firn-{0...3}.firn:9000/data{1...4}`.

```yaml
drives: [ "/mnt/disk{1...6}" ]
erasure: 4+2
listen: 127.0.0.1:9000
domain: s3.example.com
tls_cert: /etc/firn/tls.pem
tls_key: /etc/firn/tls.key
```
)";

/// A table cell: a bar would end it.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '|' ? std::string("\\|") : std::string(1, c);
  return out;
}

std::string code(std::string_view text) { return text.empty() ? "" : "`" + cell(text) + "`"; }

}  // namespace

std::string settings_markdown() {
  std::string page(kHead);
  for (const auto& row : kSettings) {
    std::string flag = row.flag.empty() ? "" : "--" + std::string(row.flag);
    if (!flag.empty() && !row.placeholder.empty()) flag += " " + std::string(row.placeholder);
    page += "| " + code(flag) + " | " + code(row.variable) + " | " + code(row.minio) + " | " + code(row.yaml) + " | " +
            code(row.fallback) + " | " + cell(row.help) + " |\n";
  }
  return page + std::string(kTail);
}

}  // namespace firn::config
