// The one translation unit that holds Asio's and Beast's non-template code (see cmake/Toolchain.cmake).
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
#include <boost/beast/src.hpp>
