// Files are written whole or not at all.
#include <taxon/base/error.h>
#include <taxon/base/file.h>

#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "catch.h"

using namespace taxon;
namespace fs = std::filesystem;

namespace {

struct TemporaryFolder {
  std::string path;
  TemporaryFolder() {
    std::string pattern = (fs::temp_directory_path() / "taxon-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    path = pattern;
  }
  ~TemporaryFolder() { fs::remove_all(path); }
  std::string operator/(const char* name) const { return path + "/" + name; }
  std::ptrdiff_t files() const {
    return std::distance(fs::directory_iterator(path), fs::directory_iterator());
  }
};

}  // namespace

TEST_CASE("what was written is read back, and replaces what was there") {
  const TemporaryFolder folder;
  const std::string path = folder / "file";
  write_file_atomic(path, "old");
  write_file_atomic(path, std::string("new\0bytes", 9));
  CHECK(read_text(path) == std::string("new\0bytes", 9));
  CHECK(read_file(path).size() == 9);
  CHECK(folder.files() == 1);
  write_file_atomic(path, "");
  CHECK(read_file(path).empty());
}

TEST_CASE("a file that is not committed leaves nothing") {
  const TemporaryFolder folder;
  const std::string path = folder / "file";
  write_file_atomic(path, "old");
  {
    AtomicFile file(path);
    file.write("half");
  }
  CHECK(read_text(path) == "old");
  CHECK(folder.files() == 1);
}

TEST_CASE("a full disk leaves the old file whole") {
  const TemporaryFolder folder;
  const std::string path = folder / "file";
  write_file_atomic(path, "old");
  // The limit on a file's size stands for the full disk: write() fails the same way.
  struct rlimit before {};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const struct rlimit limit { 1000, before.rlim_max };
  REQUIRE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
  CHECK_THROWS_AS(write_file_atomic(path, std::string(5000, 'x')), IoError);
  REQUIRE(setrlimit(RLIMIT_FSIZE, &before) == 0);
  std::signal(SIGXFSZ, handler);
  CHECK(read_text(path) == "old");
  CHECK(folder.files() == 1);
}

TEST_CASE("errors name the path and the reason") {
  const TemporaryFolder folder;
  for (const std::string& path : {folder / "absent", folder.path}) {
    try {
      (void)read_file(path);
      FAIL("no error");
    } catch (const IoError& e) {
      CHECK(std::string(e.what()).find(path) != std::string::npos);
    }
  }
  CHECK_THROWS_AS(write_file_atomic(folder / "no/such/folder", "x"), IoError);
  CHECK_FALSE(file_exists(folder / "absent"));
}

TEST_CASE("a file that a killed process of the same number left does not stand in the way") {
  const std::string path = "left_behind.txt";
  AtomicFile first(path);  // as long as it lives, its temporary file is there
  std::string left;
  for (const auto& entry : fs::directory_iterator(".")) {
    const std::string name = entry.path().filename().string();
    if (name.rfind(path + ".tmp", 0) == 0) left = name;
  }
  REQUIRE_FALSE(left.empty());
  const std::size_t dot = left.rfind('.');
  const int next = std::stoi(left.substr(dot + 1)) + 1;
  write_file_atomic("other.txt", "x");  // takes the next number
  const std::string after = left.substr(0, dot + 1) + std::to_string(next + 1);
  std::FILE* f = std::fopen(after.c_str(), "w");
  REQUIRE(f != nullptr);
  std::fclose(f);
  write_file_atomic(path, "whole");
  CHECK(read_text(path) == "whole");
  fs::remove(after);
  fs::remove(path);
  fs::remove("other.txt");
}

TEST_CASE("what is no regular file is not replaced") {
  CHECK_THROWS_AS(write_file_atomic("/dev/null", "x"), IoError);
  CHECK(fs::is_character_file("/dev/null"));
}
