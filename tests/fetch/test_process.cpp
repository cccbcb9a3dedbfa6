// Downloads of several processes, and of processes that end early.
#include "catch.h"

#include <taxon/fetch/fetch.h>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <functional>
#include <thread>

#include "fetch_test.h"

using namespace taxon;
using namespace taxon::test;

namespace {

const std::string content = noise(300000);

Publication publication(const HttpServer& server) {
  return {{published("data.bin", content)}, {server.url()}, "", ""};
}

/// Runs `body` in a process of its own, which ends with what it returns, or 99 for an exception.
pid_t in_child(const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  int code = 99;
  try {
    code = body();
  } catch (...) {
  }
  ::_exit(code);
}

/// The exit code; 128 and the signal's number for one that was killed.
int wait_for(pid_t child) {
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::uint64_t size_of(const std::string& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  return error ? 0 : size;
}

bool until(const std::function<bool()>& holds) {
  for (int i = 0; i < 1000 && !holds(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return holds();
}

}  // namespace

TEST_CASE("a killed process leaves a part that the next one takes up") {
  const Folder folder;
  int answers = 0;
  const HttpServer server([&](const HttpRequest& request) {
    HttpReply reply = file_reply(request, content, "\"v1\"");
    if (answers++ == 0) reply.cut_after = 150000;
    reply.stall = answers == 1;
    return reply;
  });
  const Publication p = publication(server);
  const pid_t child = in_child([&] {
    FetchOptions o = quick();
    o.stall_seconds = 60;
    fetch_files(p, folder.path(), o);
    return 0;
  });
  REQUIRE(until([&] { return size_of(folder / "data.bin.part") == 150000; }));
  ::kill(child, SIGKILL);
  CHECK(wait_for(child) == 128 + SIGKILL);
  CHECK_FALSE(file_exists(folder / "data.bin"));

  Told told;
  fetch_files(p, folder.path(), quick(), told.callbacks());
  CHECK(read_text(folder / "data.bin") == content);
  CHECK(names_in(folder.path()) == std::vector<std::string>{"data.bin"});
  CHECK(told.files.at(0).fetched == 150000);
  const HttpRequest rest = server.requests().back();
  CHECK(rest.header("range") == "bytes=150000-");
  CHECK(rest.header("if-range") == "\"v1\"");
}

TEST_CASE("a full disk: an error that names the part, which is taken up when there is room") {
  const Folder folder;
  const HttpServer server(
      [](const HttpRequest& request) { return file_reply(request, content, "\"v1\""); });
  const Publication p = publication(server);
  const pid_t child = in_child([&] {
    std::signal(SIGXFSZ, SIG_IGN);  // a limit of the file size acts as a full disk
    const rlimit limit{100000, 100000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const std::string e = error_of<IoError>([&] { fetch_files(p, folder.path(), quick()); });
    return contains(e, "cannot write '" + folder / "data.bin.part") ? 4 : 1;
  });
  CHECK(wait_for(child) == 4);
  CHECK(size_of(folder / "data.bin.part") == 100000);
  CHECK_FALSE(file_exists(folder / "data.bin"));
  fetch_files(p, folder.path(), quick());
  CHECK(read_text(folder / "data.bin") == content);
  CHECK(server.requests().back().header("range") == "bytes=100000-");
}

TEST_CASE("two processes: one fetches, the other waits and finds the file") {
  const Folder folder;
  const HttpServer server([](const HttpRequest& request) {
    HttpReply reply = file_reply(request, content);
    reply.bytes_per_s = 200000;
    return reply;
  });
  const Publication p = publication(server);
  const auto fetch_here = [&] {
    Told told;
    fetch_files(p, folder.path(), quick(), told.callbacks());
    const bool waited =
        !told.notes.empty() && contains(told.notes[0], "another process is fetching");
    return told.files.at(0).from.empty() ? (waited ? 11 : 12) : 10;
  };
  const pid_t first = in_child(fetch_here), second = in_child(fetch_here);
  const int a = wait_for(first), b = wait_for(second);
  CHECK(std::min(a, b) == 10);
  CHECK(std::max(a, b) == 11);
  CHECK(server.requests().size() == 1);
  CHECK(read_text(folder / "data.bin") == content);
}

TEST_CASE("an interruption ends the waiting for another process") {
  const Folder folder;
  const HttpServer server([](const HttpRequest& request) {
    HttpReply reply = file_reply(request, content);
    reply.cut_after = 1000;
    reply.stall = true;
    return reply;
  });
  const Publication p = publication(server);
  FetchOptions patient = quick();
  patient.stall_seconds = 60;
  const pid_t other = in_child([&] {
    fetch_files(p, folder.path(), patient);
    return 0;
  });
  REQUIRE(until([&] { return size_of(folder / "data.bin.part") == 1000; }));
  std::atomic<bool> interrupt{false};
  patient.interrupt = &interrupt;
  FetchCallbacks callbacks;
  callbacks.on_note = [&](const std::string&) { interrupt = true; };
  CHECK_THROWS_AS(fetch_files(p, folder.path(), patient, callbacks), Interrupted);
  ::kill(other, SIGKILL);
  wait_for(other);
}

TEST_CASE("blanks and letters of all kinds in paths; a folder that cannot be") {
  const Folder folder;
  const HttpServer server([](const HttpRequest& request) { return file_reply(request, content); });
  const std::string deep = folder / "a folder/Größe 数据 ☃";
  fetch_files(publication(server), deep, quick());
  CHECK(read_text(deep + "/data.bin") == content);

  folder.write("file", "in the way");
  CHECK(contains(
      error_of<IoError>([&] { fetch_files(publication(server), folder / "file/x", quick()); }),
      "cannot create the folder '" + folder / "file/x"));
}
