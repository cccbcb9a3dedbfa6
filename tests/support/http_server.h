// A small HTTP/1.1 server for tests, on 127.0.0.1 and a port of the system's choice. What it
// answers, and how it misbehaves, the test says request by request.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace taxon::test {

struct HttpRequest {
  std::string path;                            ///< without the leading "/", %XX decoded
  std::map<std::string, std::string> headers;  ///< names in small letters
  std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
};

struct HttpReply {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  bool announce_length = true;
  std::size_t cut_after = std::string::npos;  ///< bytes of the body; then the connection ends ...
  bool stall = false;                         ///< ... or stays open and silent
  double bytes_per_s = 0;                     ///< 0: as fast as it goes
};

class HttpServer {
 public:
  using Handler = std::function<HttpReply(const HttpRequest&)>;
  explicit HttpServer(Handler handler);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  int port() const { return port_; }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/"; }
  std::vector<HttpRequest> requests() const;

 private:
  void accept_all();
  void serve(int connection);
  void send_body(int connection, const HttpReply& reply);

  Handler handler_;
  int listener_ = -1, port_ = 0;
  std::atomic<bool> stop_{false};
  mutable std::mutex mutex_;
  std::vector<HttpRequest> requests_;
  std::list<std::thread> connections_;
  std::thread acceptor_;
};

/// What a good server answers: the file or the range asked for, If-Range understood.
HttpReply file_reply(const HttpRequest& request, const std::string& body,
                     const std::string& etag = "", const std::string& modified = "");

}  // namespace taxon::test
