// See browser.h.
#include "browser.h"

#include <taxon/base/file.h>
#include <taxon/base/text.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <thread>

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report_test.h"

namespace taxon::test {
namespace {

using nlohmann::json;
constexpr int patience_ms = 60'000;

[[noreturn]] void give_up(const std::string& what) {
  throw std::runtime_error("chromium: " + what);
}

[[noreturn]] void become(const std::string& program, const std::string& profile, int in, int out) {
  // The pipe's ends may themselves be 3 and 4.
  const int in_copy = ::fcntl(in, F_DUPFD_CLOEXEC, 10);
  const int out_copy = ::fcntl(out, F_DUPFD_CLOEXEC, 10);
  ::dup2(in_copy, 3);
  ::dup2(out_copy, 4);
  const int nothing = ::open("/dev/null", O_RDWR);
  ::dup2(nothing, 1);
  ::dup2(nothing, 2);
  const std::string data = "--user-data-dir=" + profile;
  // Without a sandbox of its own it runs as root and in containers; it sees our pages only.
  ::execl(program.c_str(), program.c_str(), "--headless", "--no-sandbox", "--disable-gpu",
          "--no-first-run", "--disable-background-networking", "--disable-component-update",
          "--disable-dev-shm-usage", "--remote-debugging-pipe", data.c_str(), "about:blank",
          static_cast<char*>(nullptr));
  ::_exit(127);
}

}  // namespace

std::string Browser::program() {
  const char* path = std::getenv("PATH");
  for (const std::string& folder : split(path == nullptr ? "" : path, ':')) {
    for (const char* name : {"/chromium", "/chromium-browser", "/google-chrome"})
      if (::access((folder + name).c_str(), X_OK) == 0) return folder + name;
  }
  return "";
}

Browser::Browser() {
  int down[2], up[2];
  if (::pipe2(down, O_CLOEXEC) != 0 || ::pipe2(up, O_CLOEXEC) != 0) give_up("no pipe");
  const std::string chromium = program();
  process_ = ::fork();
  if (process_ < 0) give_up("no process");
  if (process_ == 0) {
    ::setpgid(0, 0);
    become(chromium, profile_.path(), down[0], up[1]);
  }
  ::close(down[0]);
  ::close(up[1]);
  to_ = down[1];
  from_ = up[0];
  std::signal(SIGPIPE, SIG_IGN);
  const json target = call("Target.createTarget", {{"url", "about:blank"}});
  session_ = call("Target.attachToTarget", {{"targetId", target["targetId"]}, {"flatten", true}})
                 .at("sessionId");
  for (const char* domain : {"Page", "Runtime", "Log", "Network"})
    call(std::string(domain) + ".enable");
  screen(1280, 900);
}

Browser::~Browser() {
  ::close(to_);
  ::close(from_);
  ::kill(-process_, SIGKILL);
  ::waitpid(process_, nullptr, 0);
}

json Browser::receive() {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(patience_ms);
  for (;;) {
    const std::size_t end = buffer_.find('\0');
    if (end != std::string::npos) {
      json message = json::parse(buffer_.substr(0, end));
      buffer_.erase(0, end + 1);
      return message;
    }
    pollfd wait{from_, POLLIN, 0};
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0 || ::poll(&wait, 1, static_cast<int>(left.count())) <= 0)
      give_up("no answer");
    char bytes[65536];
    const ssize_t n = ::read(from_, bytes, sizeof bytes);
    if (n <= 0) give_up("it ended");
    buffer_.append(bytes, static_cast<std::size_t>(n));
  }
}

json Browser::call(const std::string& method, json parameters) {
  json message{{"id", ++last_id_}, {"method", method}, {"params", std::move(parameters)}};
  if (!session_.empty()) message["sessionId"] = session_;
  const std::string bytes = message.dump() + '\0';
  write_all(to_, bytes.data(), bytes.size(), "the pipe to chromium");
  for (;;) {
    const json answer = receive();
    if (!answer.contains("id")) {
      note(answer);
    } else if (answer["id"] == last_id_) {
      if (answer.contains("error")) give_up(method + ": " + answer["error"].dump());
      return answer["result"];
    }
  }
}

void Browser::note(const json& event) {
  const std::string method = event.value("method", "");
  const json& p = event["params"];
  if (method == "Runtime.exceptionThrown") complaints_.push_back(p["exceptionDetails"].dump());
  if (method == "Runtime.consoleAPICalled" && p["type"] != "log") complaints_.push_back(p.dump());
  if (method == "Log.entryAdded") complaints_.push_back(p["entry"].dump());
  if (method != "Network.requestWillBeSent") return;
  const std::string url = p["request"]["url"];
  const bool inside = url.rfind("blob:", 0) == 0 || url.rfind("data:", 0) == 0;
  if (!inside && url.substr(0, url.find('#')) != page_) requests_.push_back(url);
}

void Browser::open(const std::string& file, const std::string& fragment) {
  call("Page.navigate", {{"url", "about:blank"}});
  complaints_.clear();
  requests_.clear();
  page_ = "file://" + file;
  call("Page.navigate", {{"url", page_ + fragment}});
  for (int tries = 0; tries < 600; ++tries) {
    if (evaluate("document.documentElement?.dataset.ready || ''") != "") return;
    if (!complaints_.empty()) give_up("the page fails: " + complaints_.front());
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  give_up("the page is not ready after 30 s");
}

json Browser::evaluate(const std::string& expression) {
  const json result =
      call("Runtime.evaluate",
           {{"expression", expression}, {"returnByValue", true}, {"awaitPromise", true}});
  if (result.contains("exceptionDetails"))
    give_up(expression + ": " + result["exceptionDetails"].dump());
  return result["result"].value("value", json(nullptr));
}

void Browser::mouse(const std::string& type, double x, double y, int buttons) {
  call("Input.dispatchMouseEvent", {{"type", type},
                                    {"x", x},
                                    {"y", y},
                                    {"button", "left"},
                                    {"buttons", buttons},
                                    {"clickCount", 1}});
}

void Browser::click(const std::string& selector) {
  drag(selector, 0.5, 0.5, 0.5, 0.5);
}

void Browser::drag(const std::string& selector, double x0, double y0, double x1, double y1) {
  const json box =
      evaluate("(() => { const e = document.querySelector(" + json(selector).dump() +
               "); e.scrollIntoView({block: 'center', inline: 'center'}); const r = "
               "e.getBoundingClientRect(); return [r.x, r.y, r.width, r.height]; })()");
  const auto at = [&](double share, std::size_t axis) {
    return box[axis].get<double>() + share * box[axis + 2].get<double>();
  };
  mouse("mouseMoved", at(x0, 0), at(y0, 1), 0);
  mouse("mousePressed", at(x0, 0), at(y0, 1), 1);
  if (x0 != x1 || y0 != y1) mouse("mouseMoved", at(x1, 0), at(y1, 1), 1);
  mouse("mouseReleased", at(x1, 0), at(y1, 1), 0);
}

void Browser::key(const std::string& name) {
  static const std::vector<std::pair<std::string, int>> codes{
      {"Tab", 9},        {"Enter", 13},   {"Escape", 27},     {" ", 32},
      {"End", 35},       {"Home", 36},    {"PageUp", 33},     {"PageDown", 34},
      {"ArrowLeft", 37}, {"ArrowUp", 38}, {"ArrowRight", 39}, {"ArrowDown", 40}};
  json down{{"type", "rawKeyDown"}, {"key", name}, {"code", name}};
  for (const auto& [known, code] : codes)
    if (known == name) down["windowsVirtualKeyCode"] = code;
  if (name == "Enter") down["text"] = "\r";
  if (name == " ") down["text"] = " ";
  if (down.contains("text")) down["type"] = "keyDown";
  call("Input.dispatchKeyEvent", down);
  down["type"] = "keyUp";
  down.erase("text");
  call("Input.dispatchKeyEvent", down);
}

void Browser::screen(int width, int height, bool phone) {
  call("Emulation.setDeviceMetricsOverride", {{"width", width},
                                              {"height", height},
                                              {"deviceScaleFactor", phone ? 2 : 1},
                                              {"mobile", phone}});
}

void Browser::prefer(const std::string& scheme) {
  call("Emulation.setEmulatedMedia",
       {{"features", {{{"name", "prefers-color-scheme"}, {"value", scheme}}}}});
}

void Browser::save_downloads_to(const std::string& folder) {
  call("Page.setDownloadBehavior", {{"behavior", "allow"}, {"downloadPath", folder}});
}

void Browser::screenshot(const std::string& file) {
  const json shot = call("Page.captureScreenshot", {{"format", "png"}});
  write_file_atomic(file, decoded(shot["data"].get<std::string>()));
}

}  // namespace taxon::test
