// Chromium without a window, driven by the DevTools protocol over a pipe
// (https://chromedevtools.github.io/devtools-protocol/): file descriptors 3 and 4, messages in
// JSON, each ended by a zero byte.
#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

#include <sys/types.h>

#include "train_test.h"

namespace taxon::test {

class Browser {
 public:
  /// The program's path, or "" where there is none.
  static std::string program();
  Browser();
  ~Browser();
  Browser(const Browser&) = delete;
  Browser& operator=(const Browser&) = delete;

  /// Loads the file's page and waits until its scripts have run.
  void open(const std::string& file, const std::string& fragment = "");
  /// The value of a JavaScript expression; throws std::runtime_error with what the script threw.
  nlohmann::json evaluate(const std::string& expression);
  /// A real click into the middle of the first element that matches, scrolled into view.
  void click(const std::string& selector);
  /// A real drag over the element, from and to shares of its width and height.
  void drag(const std::string& selector, double x0, double y0, double x1, double y1);
  /// A key as from the keyboard: "Enter", "ArrowRight", "Tab", " ", "a" ...
  void key(const std::string& name);
  void screen(int width, int height, bool phone = false);
  void prefer(const std::string& scheme);  ///< "light" or "dark"
  void save_downloads_to(const std::string& folder);
  void screenshot(const std::string& file);

  /// Since the last open(): what the console said, and what was asked of anything but the page's
  /// own file.
  const std::vector<std::string>& complaints() const { return complaints_; }
  const std::vector<std::string>& requests() const { return requests_; }

 private:
  nlohmann::json call(const std::string& method,
                      nlohmann::json parameters = nlohmann::json::object());
  nlohmann::json receive();
  void note(const nlohmann::json& event);
  void mouse(const std::string& type, double x, double y, int buttons);

  Folder profile_;
  pid_t process_ = -1;
  int to_ = -1, from_ = -1;
  int last_id_ = 0;
  std::string buffer_, session_, page_;
  std::vector<std::string> complaints_, requests_;
};

}  // namespace taxon::test
