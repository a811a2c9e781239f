#pragma once

#include <boost/json/object.hpp>
#include <string>

namespace firn::cli {

// What the server answered, in words and tables for people. A field that an older server does not send counts as zero.

std::string status_report(const boost::json::object& status);
std::string usage_report(const boost::json::object& usage);
std::string scrub_report(const boost::json::object& scrub);
std::string verify_report(const boost::json::object& verify);
std::string fsck_report(const boost::json::object& fsck);
/// `status` is the server's after it took the drive.
std::string replacement_report(const boost::json::object& status, unsigned drive, bool moved);
std::string addition_report(const boost::json::object& status, const std::string& path);
std::string drain_report(const boost::json::object& status, bool undone);
std::string backup_report(const boost::json::object& backup);
std::string restore_report(const boost::json::object& restored);
std::string forced_report(const boost::json::object& forced);
std::string became_report(const boost::json::object& became);

// Reading such answers.
std::uint64_t number_at(const boost::json::object& object, std::string_view name);
bool flag_at(const boost::json::object& object, std::string_view name);
std::string text_at(const boost::json::object& object, std::string_view name);
boost::json::object object_at(const boost::json::object& object, std::string_view name);
boost::json::array array_at(const boost::json::object& object, std::string_view name);

}  // namespace firn::cli
