// SPDX-License-Identifier: MIT
// The Asio types of the data plane, all on io_context's concrete executor: no type-erased executor on the hot path.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace cr::http {

namespace asio = boost::asio;
using SystemError = boost::system::error_code;
using Executor = asio::io_context::executor_type;
using Socket = asio::basic_stream_socket<asio::ip::tcp, Executor>;
using Acceptor = asio::basic_socket_acceptor<asio::ip::tcp, Executor>;
template <class T>
using Task = asio::awaitable<T, Executor>;
// co_await operation(k_await) gives a tuple that begins with the error_code; nothing is thrown.
inline constexpr auto k_await = asio::as_tuple(asio::use_awaitable_t<Executor>());

}  // namespace cr::http
