#include "http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <stdexcept>

namespace taxon::test {
namespace {

bool readable(int socket) {
  pollfd p{socket, POLLIN, 0};
  return ::poll(&p, 1, 50) > 0;
}

// False: the other side is gone.
bool send_all(int socket, const char* bytes, std::size_t n) {
  while (n > 0) {
    const ssize_t sent = ::send(socket, bytes, n, MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes += sent;
    n -= static_cast<std::size_t>(sent);
  }
  return true;
}

std::string small_letters(std::string s) {
  std::transform(s.begin(), s.end(), s.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return s;
}

std::string decoded(const std::string& path) {
  std::string out;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '%' && i + 2 < path.size()) {
      out += static_cast<char>(std::strtol(path.substr(i + 1, 2).c_str(), nullptr, 16));
      i += 2;
    } else {
      out += path[i];
    }
  }
  return out;
}

HttpRequest parse(const std::string& text) {
  HttpRequest request;
  std::size_t at = text.find("\r\n");
  const std::size_t path = text.find('/');
  request.path = decoded(text.substr(path + 1, text.find(' ', path) - path - 1));
  while (at + 2 < text.size()) {
    const std::size_t begin = at + 2, colon = text.find(": ", begin);
    at = text.find("\r\n", begin);
    if (at == std::string::npos || colon > at) break;
    request.headers[small_letters(text.substr(begin, colon - begin))] =
        text.substr(colon + 2, at - colon - 2);
  }
  return request;
}

}  // namespace

HttpServer::HttpServer(Handler handler) : handler_(std::move(handler)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  auto* general = reinterpret_cast<sockaddr*>(&address);
  if (listener_ < 0 || ::bind(listener_, general, length) != 0 || ::listen(listener_, 16) != 0 ||
      ::getsockname(listener_, general, &length) != 0) {
    throw std::runtime_error("the test's HTTP server cannot listen");
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

HttpServer::~HttpServer() {
  stop_ = true;
  acceptor_.join();
  for (std::thread& connection : connections_) connection.join();
  ::close(listener_);
}

std::vector<HttpRequest> HttpServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void HttpServer::accept_all() {
  while (!stop_) {
    if (!readable(listener_)) continue;
    const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection >= 0) connections_.emplace_back([this, connection] { serve(connection); });
  }
}

void HttpServer::serve(int connection) {
  std::string text;
  while (!stop_ && text.find("\r\n\r\n") == std::string::npos) {
    if (!readable(connection)) continue;
    char buffer[4096];
    const ssize_t n = ::recv(connection, buffer, sizeof buffer, 0);
    if (n <= 0) break;
    text.append(buffer, static_cast<std::size_t>(n));
  }
  if (text.find("\r\n\r\n") != std::string::npos) {
    const HttpRequest request = parse(text);
    HttpReply reply;
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(request);
      reply = handler_(request);
    }
    send_body(connection, reply);
  }
  ::close(connection);
}

void HttpServer::send_body(int connection, const HttpReply& reply) {
  std::string head = "HTTP/1.1 " + std::to_string(reply.status) + " -\r\nConnection: close\r\n";
  for (const auto& [name, value] : reply.headers) head += name + ": " + value + "\r\n";
  if (reply.announce_length) {
    head += "Content-Length: " + std::to_string(reply.body.size()) + "\r\n";
  }
  head += "\r\n";
  if (!send_all(connection, head.data(), head.size())) return;
  const std::size_t end = std::min(reply.cut_after, reply.body.size());
  const auto step = reply.bytes_per_s > 0
                        ? std::max<std::size_t>(1, static_cast<std::size_t>(reply.bytes_per_s / 50))
                        : end;
  for (std::size_t at = 0; at < end && !stop_; at += step) {
    if (!send_all(connection, reply.body.data() + at, std::min(step, end - at))) return;
    if (reply.bytes_per_s > 0) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  char gone;
  while (reply.stall && !stop_ && (!readable(connection) || ::recv(connection, &gone, 1, 0) > 0)) {
  }
}

HttpReply file_reply(const HttpRequest& request, const std::string& body, const std::string& etag,
                     const std::string& modified) {
  HttpReply reply;
  if (!etag.empty()) reply.headers.emplace_back("ETag", etag);
  if (!modified.empty()) reply.headers.emplace_back("Last-Modified", modified);
  const std::string range = request.header("range"), condition = request.header("if-range");
  if (range.empty() || (!condition.empty() && condition != etag && condition != modified)) {
    reply.body = body;
    return reply;
  }
  const std::size_t first = std::stoul(range.substr(range.find('=') + 1));
  if (first >= body.size()) {
    reply.status = 416;
    return reply;
  }
  reply.status = 206;
  reply.body = body.substr(first);
  reply.headers.emplace_back("Content-Range", "bytes " + std::to_string(first) + "-" +
                                                  std::to_string(body.size() - 1) + "/" +
                                                  std::to_string(body.size()));
  return reply;
}

}  // namespace taxon::test
