// Serves a folder's files to the tests of the program: serve FOLDER BYTES_PER_S (0: no limit).
// Prints its URL and ends when its standard input does.
#include <taxon/base/file.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "http_server.h"

int main(int argc, char** argv) {
  using namespace taxon::test;
  if (argc != 3) return 2;
  const std::string folder = argv[1];
  const double rate = std::atof(argv[2]);
  const HttpServer server([&](const HttpRequest& request) {
    HttpReply reply;
    const std::string path = folder + "/" + request.path;
    if (!taxon::file_exists(path)) {
      reply.status = 404;
      return reply;
    }
    reply = file_reply(request, taxon::read_text(path), "\"1\"");
    reply.bytes_per_s = rate;
    return reply;
  });
  std::printf("%s\n", server.url().c_str());
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
}
