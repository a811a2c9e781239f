#include "command_line.h"

#include <CLI/CLI.hpp>

#ifndef FIRN_VERSION
#error "FIRN_VERSION is set by CMake"
#endif

namespace firn::cli {
namespace {

using Command = Invocation::Command;

constexpr const char* kFooter =
    "The endpoint is the one of --endpoint or FIRN_ENDPOINT, else where a firnd with the same settings listens.\n"
    "The credential is FIRN_ROOT_USER and FIRN_ROOT_PASSWORD, else that in DIR/drive1/root-credentials.\n"
    "Exit codes: 0 done; 1 failed; 2 wrong command line; 3 done, and damage or a contradiction was found.\n"
    "docs/operations/administration.md says more.";

void declare_access(CLI::App& app, Invocation& asked) {
  auto& access = asked.access;
  app.add_option("--endpoint", access.endpoint, "Ask this server. [FIRN_ENDPOINT]")->type_name("URL");
  app.add_option("--data", access.data,
                 "The server's --data: where its drives and its credential file are. [FIRN_DATA]")
      ->type_name("DIR");
  app.add_option("--drives", access.drives, "The server's --drives, instead. [FIRN_DRIVES]")->type_name("DIR");
  app.add_option("--config", access.config, "The server's --config: settings given nowhere else.")->type_name("FILE");
  app.add_option("--ca-file", access.ca_file, "Trust these PEM certificates instead of the system's.")
      ->check(CLI::ExistingFile);
  app.add_flag("--json", asked.json, "Answer in JSON on standard output, failures too.");
}

/// Options of `firn` may also stand behind the command.
CLI::App* add_command(CLI::App& app, Invocation& asked, const char* name, Command command, const char* help) {
  auto* added = app.add_subcommand(name, help)->fallthrough();
  added->callback([&asked, command] { asked.command = command; });
  return added;
}

void declare_growth(CLI::App& app, Invocation& asked) {
  add_command(app, asked, "add-drive", Command::add_drive,
              "Makes an empty directory of the node that is asked one more drive of the cluster.")
      ->add_option("PATH", asked.path, "Its directory on the server.")
      ->required();
  const auto drive = [&asked](CLI::App* command) {
    command->add_option("DRIVE", asked.drive, "Its number in firn status.")
        ->required()
        ->check(CLI::Range(1, UINT16_MAX));
    return command;
  };
  const auto node = [&asked](CLI::App* command) {
    command->add_option("NODE", asked.node, "Its number in firn status.")->required()->check(CLI::Range(1, UINT16_MAX));
    return command;
  };
  const auto undo = [&asked](CLI::App* command) {
    command->add_flag("--undo", asked.undo, "No: it is to take data again.");
  };
  undo(drive(add_command(app, asked, "drain-drive", Command::drain_drive,
                         "Moves all that a drive of a cluster holds to the others.")));
  drive(add_command(app, asked, "retire-drive", Command::retire_drive,
                    "Drops a drained drive from the cluster for good."));
  undo(node(add_command(app, asked, "drain-node", Command::drain_node,
                        "Moves all that a node's drives hold to the other nodes.")));
  node(add_command(app, asked, "retire-node", Command::retire_node,
                   "Drops a drained node from the cluster for good: its process ends."));
}

void declare_commands(CLI::App& app, Invocation& asked) {
  add_command(app, asked, "status", Command::status,
              "Drives and their state, capacity, objects below full redundancy, and what repair is doing.");
  add_command(app, asked, "usage", Command::usage, "Objects and bytes of every bucket, or of one.")
      ->add_option("BUCKET", asked.bucket);
  add_command(app, asked, "scrub", Command::scrub,
              "Reads and checks every record on every drive. What is damaged is rebuilt from the others.")
      ->add_option("--rate", asked.scrub_bytes_per_second, "Bytes a second on each drive; 0: as fast as it goes.")
      ->type_name("BYTES")
      ->transform(CLI::AsSizeValue(false));
  add_command(app, asked, "verify", Command::verify,
              "Checks metadata in itself, and every extent it names: data against parity on the drives.");
  add_command(app, asked, "fsck", Command::fsck,
              "Compares metadata with what all drives list, both ways: what is missing, unreadable, or nobody's.");
  auto* replace = add_command(app, asked, "replace-drive", Command::replace_drive,
                              "Takes the empty (or returned) drive in place of a failed one, and fills it.");
  replace->add_option("DRIVE", asked.drive, "Its number in firn status.")->required()->check(CLI::Range(1, UINT16_MAX));
  replace->add_option("PATH", asked.path, "Its new directory on the server; without it, the one it has.");
  declare_growth(app, asked);
  auto* metadata = app.add_subcommand("metadata", "Backup, restore and last resort of the metadata.")->fallthrough();
  metadata->require_subcommand(1);
  add_command(*metadata, asked, "backup", Command::metadata_backup,
              "Writes a snapshot of the metadata to a new file on the server.")
      ->add_option("FILE", asked.file, "A path on the server that does not exist yet.")
      ->required();
  auto* restore =
      add_command(*metadata, asked, "restore", Command::metadata_restore,
                  "Gives stopped drives whose metadata is gone that of a backup. Asks no server: name --drives "
                  "or --data, of a cluster those of one node.");
  restore->add_option("FILE", asked.file)->required();
  restore->add_option("--node", asked.node, "Of a cluster, where the drives are empty: the node whose they are.");
  add_command(*metadata, asked, "force-membership", Command::force_membership,
              "After most nodes that vote were lost for ever: makes the stopped node whose --drives are named the only "
              "one that votes. Says what it would do, and does it with --accept-loss.")
      ->add_flag("--accept-loss", asked.accept_loss, "What was acknowledged and never reached this node may be lost.");
  auto* become = add_command(*metadata, asked, "become-cluster", Command::become_cluster,
                             "Makes the stopped single machine whose --drives (or --data) are named a node of a new "
                             "cluster, with its data. The other nodes join it.");
  become->add_option("--nodes", asked.access.nodes, "What firnd will be started with. [FIRN_NODES]")->type_name("URL");
  become->add_option("--node-id", asked.access.node_id, "This machine's place in the list, from 1. [FIRN_NODE_ID]");
  become->add_flag("--undo", asked.undo, "A single machine again, if its node has not started yet.");
}

}  // namespace

// CLI11 reports by exceptions, --help among them; they end here.
Result<std::variant<Invocation, Printed>> read_command_line(int argc, const char* const* argv) {
  CLI::App app("Administers firnd, the object store.", "firn");
  Invocation asked;
  declare_access(app, asked);
  declare_commands(app, asked);
  app.require_subcommand(1);
  app.get_formatter()->column_width(34);
  app.footer(kFooter);
  app.set_version_flag("--version", "firn " FIRN_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return std::variant<Invocation, Printed>(Printed{app.help()});
  } catch (const CLI::CallForVersion& version) {
    return std::variant<Invocation, Printed>(Printed{std::string(version.what()) + "\n"});
  } catch (const CLI::ParseError& failure) {
    if (app.get_subcommands().empty() && app.remaining_size() > 0) {
      return client_error(Errc::invalid_argument,
                          "there is no command " + app.remaining().front() + ". firn --help lists every command.");
    }
    return client_error(Errc::invalid_argument, std::string(failure.what()) + ". firn --help lists every command.");
  }
  return std::variant<Invocation, Printed>(std::move(asked));
}

}  // namespace firn::cli
