// Downloads against a server that misbehaves in the ways servers and networks do.
#include "catch.h"

#include <taxon/base/interrupted.h>
#include <taxon/fetch/fetch.h>

#include <atomic>
#include <chrono>
#include <memory>

#include "fetch_test.h"

using namespace taxon;
using namespace taxon::test;

namespace {

const std::string content = noise(300000);
const std::string other = noise(300000, 7);

/// One file, "data.bin", published with `content`, at these mirrors.
Publication publication(const std::vector<std::string>& mirrors) {
  return {{published("data.bin", content)}, mirrors, "MIT", "nobody"};
}

/// A server whose n-th answer (from 0) is `reply(n, request)`.
std::unique_ptr<HttpServer> server(
    std::function<HttpReply(std::size_t, const HttpRequest&)> reply) {
  auto count = std::make_shared<std::size_t>(0);
  return std::make_unique<HttpServer>(
      [reply, count](const HttpRequest& request) { return reply((*count)++, request); });
}

/// The first answer ends after half of the file.
std::unique_ptr<HttpServer> cutting_server(const std::string& etag,
                                           const std::string& modified = "") {
  return server([=](std::size_t n, const HttpRequest& request) {
    HttpReply reply = file_reply(request, content, etag, modified);
    if (n == 0) reply.cut_after = 150000;
    return reply;
  });
}

std::string fetched(const Folder& folder) {
  return read_text(folder / "data.bin");
}

}  // namespace

TEST_CASE("SHA-256 of the standard's example") {
  const Folder folder;  // FIPS 180-2, appendix B.1
  CHECK(fetch::sha256_of_file(folder.write("abc", "abc")) ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("files are fetched, and checked the next time") {
  const Folder folder;
  const std::string labels = noise(500, 3);
  const HttpServer good([&](const HttpRequest& request) {
    return file_reply(request, request.path == "sub/data.bin" ? content : labels);
  });
  Publication p = publication({good.url() + "sub/"});
  p.files.push_back(published("labels.bin", labels));
  Told told;
  fetch_files(p, folder.path(), quick(), told.callbacks());
  CHECK(fetched(folder) == content);
  CHECK(names_in(folder.path()) == std::vector<std::string>{"data.bin", "labels.bin"});
  REQUIRE(told.files.size() == 2);
  CHECK(told.files[0].from == good.url() + "sub/data.bin");
  CHECK(told.files[0].bytes == content.size());
  CHECK(told.files[0].fetched == content.size());
  CHECK(told.notes.empty());

  Told again;
  fetch_files(p, folder.path(), quick(), again.callbacks());
  CHECK(good.requests().size() == 2);
  REQUIRE(again.files.size() == 2);
  CHECK(again.files[0].from.empty());

  folder.write("data.bin", other);  // the right size, other bytes
  Told damaged;
  fetch_files(p, folder.path(), quick(), damaged.callbacks());
  CHECK(fetched(folder) == content);
  CHECK(good.requests().size() == 3);
  REQUIRE(damaged.notes.size() == 1);
  CHECK(contains(damaged.notes[0], "data.bin: is not the file that was published"));
}

TEST_CASE("nothing is found under its name before it is complete") {
  const Folder folder;
  const auto good =
      server([](std::size_t, const HttpRequest& r) { return file_reply(r, content); });
  FetchCallbacks callbacks;
  int calls = 0;
  std::uint64_t last = 0;
  callbacks.on_progress = [&](const FetchProgress& p) {
    ++calls;
    CHECK_FALSE(file_exists(folder / "data.bin"));
    CHECK(p.total == content.size());
    last = p.bytes;
  };
  fetch_files(publication({good->url()}), folder.path(), quick(), callbacks);
  CHECK(calls > 1);
  CHECK(last == content.size());
}

TEST_CASE("a connection that is cut is taken up where it ended") {
  const Folder folder;
  const auto cutting = cutting_server("\"v1\"");
  Told told;
  fetch_files(publication({cutting->url()}), folder.path(), quick(), told.callbacks());
  CHECK(fetched(folder) == content);
  const auto requests = cutting->requests();
  REQUIRE(requests.size() == 2);
  CHECK(requests[0].header("range").empty());
  CHECK(requests[1].header("range") == "bytes=150000-");
  CHECK(requests[1].header("if-range") == "\"v1\"");
  CHECK(told.files[0].fetched == content.size());
  REQUIRE(told.notes.size() == 1);
  CHECK(contains(told.notes[0], "after 150000 of 300000 bytes; trying again"));
}

TEST_CASE("what names a version: a strong ETag, else the date") {
  const Folder folder;
  const std::string date = "Sat, 01 Jan 2022 00:00:00 GMT";
  const auto weak = cutting_server("W/\"v1\"", date);
  fetch_files(publication({weak->url()}), folder.path(), quick());
  CHECK(fetched(folder) == content);
  CHECK(weak->requests().at(1).header("if-range") == date);

  const Folder second;
  const auto neither = cutting_server("");
  fetch_files(publication({neither->url()}), second.path(), quick());
  CHECK(fetched(second) == content);
  CHECK(neither->requests().at(1).header("range") == "bytes=150000-");
  CHECK(neither->requests().at(1).header("if-range").empty());
}

TEST_CASE("a connection that is cut again and again comes to the end as long as it moves") {
  const Folder folder;
  const auto hasty = server([](std::size_t, const HttpRequest& request) {
    HttpReply reply = file_reply(request, content, "\"v1\"");
    reply.cut_after = 30000;
    return reply;
  });
  fetch_files(publication({hasty->url()}), folder.path(), quick());
  CHECK(fetched(folder) == content);
  CHECK(hasty->requests().size() == 10);
}

TEST_CASE("a server that moves no more is given up, and what came is kept") {
  const Folder folder;
  const auto stuck = server([](std::size_t, const HttpRequest& request) {
    HttpReply reply = file_reply(request, content, "\"v1\"");
    reply.cut_after = request.header("range").empty() ? 1000 : 0;
    return reply;
  });
  const std::string e =
      error_of<IoError>([&] { fetch_files(publication({stuck->url()}), folder.path(), quick()); });
  CHECK(contains(e, "data.bin: no mirror gave the file"));
  CHECK(contains(e, "after 1000 of 300000 bytes"));
  CHECK(contains(e, "kept in " + folder / "data.bin.part"));
  CHECK(stuck->requests().size() == 1 + 4);
  CHECK(std::filesystem::file_size(folder / "data.bin.part") == 1000);
}

TEST_CASE("a server without ranges: the file starts again, cleanly") {
  const Folder folder;
  const auto simple = server([](std::size_t n, const HttpRequest&) {
    HttpReply reply;
    reply.body = content;
    if (n == 0) reply.cut_after = 150000;
    return reply;
  });
  fetch_files(publication({simple->url()}), folder.path(), quick());
  CHECK(fetched(folder) == content);
  CHECK(simple->requests().at(1).header("range") == "bytes=150000-");
}

TEST_CASE("a file that changed between two parts") {
  const Folder folder;
  // First another file, cut in the middle; then the right one. With a mark of the version the
  // server sends it whole; without, the halves do not fit, which the sum tells.
  for (const bool marked : {true, false}) {
    const auto changed = server([&](std::size_t n, const HttpRequest& request) {
      HttpReply reply = n == 0 ? file_reply(request, other, marked ? "\"old\"" : "")
                               : file_reply(request, content, marked ? "\"new\"" : "");
      if (n == 0) reply.cut_after = 150000;
      return reply;
    });
    Told told;
    fetch_files(publication({changed->url()}), folder.path(), quick(), told.callbacks());
    CHECK(fetched(folder) == content);
    CHECK(changed->requests().size() == (marked ? 2 : 3));
    CHECK(contains(told.notes.back(), marked ? "trying again" : "starting again"));
    std::filesystem::remove(folder / "data.bin");
  }
  CHECK(names_in(folder.path()).empty());
}

TEST_CASE("wrong bytes are never accepted: the next mirror serves, or there is an error") {
  const Folder folder;
  const auto wrong = server([](std::size_t, const HttpRequest& r) { return file_reply(r, other); });
  const auto right =
      server([](std::size_t, const HttpRequest& r) { return file_reply(r, content); });
  Told told;
  fetch_files(publication({wrong->url(), right->url()}), folder.path(), quick(), told.callbacks());
  CHECK(fetched(folder) == content);
  CHECK(told.files.at(0).from == right->url() + "data.bin");
  CHECK(contains(told.notes.at(0), "SHA-256 is "));
  CHECK(wrong->requests().size() == 1);

  const Folder second;
  const std::string e = error_of<FormatError>(
      [&] { fetch_files(publication({wrong->url()}), second.path(), quick()); });
  CHECK(contains(e, wrong->url() + "data.bin: SHA-256 is "));
  CHECK(contains(e, "expected " + sha256(content)));
  CHECK(names_in(second.path()).empty());
}

TEST_CASE("mirrors are tried in order: the caller's, then the published ones") {
  const Folder folder;
  std::string down;
  {
    const auto gone = server([](std::size_t, const HttpRequest&) { return HttpReply{}; });
    down = gone->url();
  }
  const auto missing = server([](std::size_t, const HttpRequest&) {
    HttpReply reply;
    reply.status = 404;
    reply.body = "not here";
    return reply;
  });
  const auto right =
      server([](std::size_t, const HttpRequest& r) { return file_reply(r, content); });
  FetchOptions o = quick();
  o.mirrors = {down};
  Told told;
  fetch_files(publication({missing->url(), right->url()}), folder.path(), o, told.callbacks());
  CHECK(fetched(folder) == content);
  REQUIRE(told.notes.size() == 2);
  CHECK(contains(told.notes[0], down + "data.bin: "));
  CHECK(contains(told.notes[1], "the server answered 404"));
  CHECK(missing->requests().size() == 1);

  const Folder second;
  const std::string e =
      error_of<IoError>([&] { fetch_files(publication({missing->url()}), second.path(), o); });
  CHECK(contains(e, down + "data.bin: "));
  CHECK(contains(e, missing->url() + "data.bin: the server answered 404"));
  CHECK(names_in(second.path()).empty());
}

TEST_CASE("a server that is busy is asked again") {
  const Folder folder;
  const auto busy = server([](std::size_t n, const HttpRequest& request) {
    HttpReply reply = file_reply(request, content);
    if (n < 2) reply = {503, {}, "busy"};
    return reply;
  });
  fetch_files(publication({busy->url()}), folder.path(), quick());
  CHECK(fetched(folder) == content);
  CHECK(busy->requests().size() == 3);
}

TEST_CASE("a page in place of the file is told by its size, and costs no part") {
  const Folder folder;
  folder.write("data.bin.part", content.substr(0, 100000));
  const auto page = server([](std::size_t, const HttpRequest&) {
    HttpReply reply;
    reply.body = "<html>please log in</html>";
    return reply;
  });
  const std::string e = error_of<FormatError>(
      [&] { fetch_files(publication({page->url()}), folder.path(), quick()); });
  CHECK(contains(e, "holds 26 bytes, expected 300000"));
  CHECK(std::filesystem::file_size(folder / "data.bin.part") == 100000);

  const auto endless = server([](std::size_t, const HttpRequest&) {
    HttpReply reply;
    reply.body = content + content;
    reply.announce_length = false;
    return reply;
  });
  const Folder second;
  CHECK(contains(error_of<FormatError>(
                     [&] { fetch_files(publication({endless->url()}), second.path(), quick()); }),
                 "sends more than the expected 300000 bytes"));
  CHECK(names_in(second.path()).empty());
}

TEST_CASE("a size that is not announced, and redirections") {
  const Folder folder;
  const auto silent = server([](std::size_t, const HttpRequest& request) {
    HttpReply reply = file_reply(request, content);
    reply.announce_length = false;
    return reply;
  });
  const auto moved = server([&](std::size_t, const HttpRequest&) {
    HttpReply reply;
    reply.status = 302;
    reply.headers = {{"Location", silent->url() + "elsewhere.bin"},
                     {"ETag", "\"of the redirection\""}};
    reply.body = "moved";
    return reply;
  });
  fetch_files(publication({moved->url()}), folder.path(), quick());
  CHECK(fetched(folder) == content);
  CHECK(silent->requests().at(0).path == "elsewhere.bin");

  const Folder second;
  const auto circle = server([](std::size_t, const HttpRequest&) {
    HttpReply reply;
    reply.status = 302;
    reply.headers = {{"Location", "/data.bin"}};
    return reply;
  });
  CHECK(contains(
      error_of<IoError>([&] { fetch_files(publication({circle->url()}), second.path(), quick()); }),
      "redirected in circles"));
}

TEST_CASE("a server that falls silent is cut") {
  const Folder folder;
  const auto silent = server([](std::size_t n, const HttpRequest& request) {
    HttpReply reply = file_reply(request, content, "\"v1\"");
    if (n == 0) reply.cut_after = 150000;
    reply.stall = n == 0;
    return reply;
  });
  const auto began = std::chrono::steady_clock::now();
  fetch_files(publication({silent->url()}), folder.path(), quick());
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(20));
  CHECK(fetched(folder) == content);
  CHECK(silent->requests().at(1).header("range") == "bytes=150000-");
}

TEST_CASE("an interruption leaves a part that is taken up") {
  const Folder folder;
  const auto silent = server([](std::size_t n, const HttpRequest& request) {
    HttpReply reply = file_reply(request, content, "\"v1\"");
    if (n == 0) reply.cut_after = 150000;
    reply.stall = n == 0;
    return reply;
  });
  std::atomic<bool> interrupt{false};
  FetchOptions o = quick();
  o.stall_seconds = 60;
  o.interrupt = &interrupt;
  FetchCallbacks callbacks;
  callbacks.on_progress = [&](const FetchProgress& p) { interrupt = p.bytes == 150000; };
  CHECK_THROWS_AS(fetch_files(publication({silent->url()}), folder.path(), o, callbacks),
                  Interrupted);
  CHECK(std::filesystem::file_size(folder / "data.bin.part") == 150000);
  interrupt = false;
  fetch_files(publication({silent->url()}), folder.path(), o);
  CHECK(fetched(folder) == content);
  CHECK(silent->requests().at(1).header("range") == "bytes=150000-");
}

TEST_CASE("a part that is not a beginning of the file") {
  const Folder folder;
  const auto right =
      server([](std::size_t, const HttpRequest& r) { return file_reply(r, content); });
  // Of another file, complete but wrong, and too long.
  for (const std::string& part : {other.substr(0, 1000), other, other + other}) {
    folder.write("data.bin.part", part);
    fetch_files(publication({right->url()}), folder.path(), quick());
    CHECK(fetched(folder) == content);
    CHECK(names_in(folder.path()) == std::vector<std::string>{"data.bin"});
    std::filesystem::remove(folder / "data.bin");
  }
  // Complete and right: nothing is asked for.
  const std::size_t before = right->requests().size();
  folder.write("data.bin.part", content);
  fetch_files(publication({right->url()}), folder.path(), quick());
  CHECK(fetched(folder) == content);
  CHECK(right->requests().size() == before);
}
