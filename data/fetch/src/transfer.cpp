// HTTP by libcurl: ranges, versions (RFC 9110, sections 13 and 14), and what may go wrong on the
// way.
#include "transfer.h"

#include <taxon/base/error.h>
#include <taxon/base/text.h>

#include <curl/curl.h>

#include <algorithm>
#include <exception>
#include <memory>
#include <optional>

#include "library.h"

namespace taxon::fetch {
namespace {

struct Curl {
  decltype(&curl_global_init) global_init;
  decltype(&curl_easy_init) easy_init;
  decltype(&curl_easy_cleanup) easy_cleanup;
  decltype(&curl_easy_setopt) easy_setopt;
  decltype(&curl_easy_perform) easy_perform;
  decltype(&curl_easy_strerror) easy_strerror;
  decltype(&curl_slist_append) slist_append;
  decltype(&curl_slist_free_all) slist_free_all;

  Curl() {
    const SharedLibrary library("libcurl (Debian: libcurl4)", "downloading",
                                {"libcurl.so.4", "libcurl-gnutls.so.4", "libcurl.so"});
    library.bind(global_init, "curl_global_init");
    library.bind(easy_init, "curl_easy_init");
    library.bind(easy_cleanup, "curl_easy_cleanup");
    library.bind(easy_setopt, "curl_easy_setopt");
    library.bind(easy_perform, "curl_easy_perform");
    library.bind(easy_strerror, "curl_easy_strerror");
    library.bind(slist_append, "curl_slist_append");
    library.bind(slist_free_all, "curl_slist_free_all");
    if (global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) fail<IoError>("libcurl cannot start");
  }
};

const Curl& curl() {
  static const Curl loaded;
  return loaded;
}

// What the headers of the last answer said (a redirection is an answer too).
struct Answer {
  long status = 0;
  std::optional<std::uint64_t> length;         // of the body
  std::optional<std::uint64_t> first, of_all;  // of a part: where it begins, of how much
  std::string etag, modified;
};

std::optional<std::uint64_t> number(std::string_view s) {
  if (s.empty() || s.find_first_not_of("0123456789") != std::string_view::npos || s.size() > 18) {
    return std::nullopt;
  }
  return std::stoull(std::string(s));
}

// "bytes 100-199/1000"; the size may be "*".
void read_content_range(std::string_view value, Answer& answer) {
  constexpr std::string_view unit = "bytes ";
  if (value.substr(0, unit.size()) != unit) return;
  value.remove_prefix(unit.size());
  answer.first = number(value.substr(0, value.find('-')));
  answer.of_all = number(value.substr(value.find('/') + 1));
}

void read_header(std::string_view line, Answer& answer) {
  if (line.substr(0, 5) == "HTTP/") {  // the first line of an answer: "HTTP/1.1 206 ..."
    answer = {};
    const std::size_t space = line.find(' ');
    if (space != std::string_view::npos) {
      answer.status = static_cast<long>(number(line.substr(space + 1, 3)).value_or(0));
    }
    return;
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return;
  const std::string name = lower(std::string(line.substr(0, colon)));
  const std::string_view value = trim(line.substr(colon + 1));
  if (name == "content-length") answer.length = number(value);
  if (name == "content-range") read_content_range(value, answer);
  if (name == "etag") answer.etag = value;
  if (name == "last-modified") answer.modified = value;
}

// What names this version of the file in If-Range: a weak ETag does not.
std::string version_of(const Answer& answer) {
  if (!answer.etag.empty() && answer.etag.substr(0, 2) != "W/") return answer.etag;
  return answer.modified;
}

class Request {
 public:
  Request(const std::string& url, PartFile& part, std::uint64_t total, const FetchOptions& options,
          const Callback<void(std::uint64_t)>& progress)
      : url_(url),
        part_(part),
        total_(total),
        options_(options),
        progress_(progress),
        handle_(curl().easy_init(), curl().easy_cleanup),
        headers_(nullptr, curl().slist_free_all) {
    if (!handle_) fail<IoError>("libcurl cannot make a request");
    set_up();
  }

  Transfer run() {
    const CURLcode code = curl().easy_perform(handle_.get());
    if (error_) std::rethrow_exception(error_);
    if (interrupted()) fail<Interrupted>("interrupted while fetching ", url_);
    if (!refusal_.empty()) return {Transfer::End::other_file, refusal_};
    if (part_.size() == total_) return {};
    if (code == CURLE_HTTP_RETURNED_ERROR) return http_error();
    if (code == CURLE_TOO_MANY_REDIRECTS) return {Transfer::End::refused, "redirected in circles"};
    const std::string reason = code == CURLE_OK ? "the connection ended" : message(code);
    if (answer_.status == 0) return {Transfer::End::unreachable, reason};
    return {Transfer::End::cut, text(reason, " after ", part_.size(), " of ", total_, " bytes")};
  }

 private:
  template <class T>
  void set(CURLoption option, T value) {
    const CURLcode code = curl().easy_setopt(handle_.get(), option, value);
    if (code != CURLE_OK)
      fail<IoError>("libcurl: option ", static_cast<int>(option), ": ", message(code));
  }

  void set_up() {
    set(CURLOPT_URL, url_.c_str());
    set(CURLOPT_USERAGENT, "taxon");
    set(CURLOPT_FAILONERROR, 1L);
    set(CURLOPT_FOLLOWLOCATION, 1L);  // to http(s) and ftp(s) only, which is libcurl's default
    set(CURLOPT_MAXREDIRS, 10L);
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(1000 * options_.connect_seconds));
    set(CURLOPT_LOW_SPEED_LIMIT, 1000L);
    set(CURLOPT_LOW_SPEED_TIME, std::max(1L, static_cast<long>(options_.stall_seconds)));
    set(CURLOPT_ERRORBUFFER, details_);
    set(CURLOPT_HEADERFUNCTION, &Request::on_header);
    set(CURLOPT_HEADERDATA, this);
    set(CURLOPT_WRITEFUNCTION, &Request::on_body);
    set(CURLOPT_WRITEDATA, this);
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, &Request::on_progress);
    set(CURLOPT_XFERINFODATA, this);
    if (part_.size() == 0) return;
    set(CURLOPT_RANGE, text(part_.size(), '-').c_str());
    const std::string version = part_.version(url_);
    if (version.empty()) return;
    headers_.reset(curl().slist_append(nullptr, text("If-Range: ", version).c_str()));
    set(CURLOPT_HTTPHEADER, headers_.get());
  }

  bool interrupted() const { return options_.interrupt != nullptr && options_.interrupt->load(); }

  std::string message(CURLcode code) const {
    return details_[0] != 0 ? std::string(details_) : std::string(curl().easy_strerror(code));
  }

  Transfer http_error() {
    const std::string reason = text("the server answered ", answer_.status);
    if (answer_.status == 416) {  // there is nothing behind what we have: then that is wrong
      part_.restart();
      return {Transfer::End::cut, reason};
    }
    const bool passing = answer_.status >= 500 || answer_.status == 408 || answer_.status == 429;
    return {passing ? Transfer::End::cut : Transfer::End::refused, reason};
  }

  // The first bytes of a body: whether they are those asked for. False: they are not.
  bool begin() {
    if (answer_.status == 206) {
      if (answer_.first != part_.size() || answer_.of_all.value_or(total_) != total_) {
        refusal_ =
            text("sends bytes from ", answer_.first.value_or(0), " of ", answer_.of_all.value_or(0),
                 ", expected from ", part_.size(), " of ", total_);
      }
    } else if (answer_.status != 200) {  // FTP, after a redirection
      refusal_ = text("sends the file with the answer ", answer_.status, ", expected 200 or 206");
    } else if (answer_.length.value_or(total_) != total_) {
      refusal_ = text("holds ", *answer_.length, " bytes, expected ", total_);
    } else {
      part_.restart(url_, version_of(answer_));
    }
    if (answer_.status == 206 && part_.size() > 0) part_.join();
    return refusal_.empty();
  }

  std::size_t take(const char* bytes, std::size_t n) {
    if (!begun_ && !begin()) return 0;
    begun_ = true;
    if (n > total_ - part_.size()) {
      refusal_ = text("sends more than the expected ", total_, " bytes");
      part_.restart();
      return 0;
    }
    part_.append(bytes, n);
    if (progress_) progress_(part_.size());
    return n;
  }

  // libcurl is C: exceptions wait here until it has returned.
  template <class F>
  std::size_t guarded(F f) {
    try {
      return f();
    } catch (...) {
      error_ = std::current_exception();
      return 0;
    }
  }

  static std::size_t on_header(char* line, std::size_t, std::size_t n, void* self) {
    auto& r = *static_cast<Request*>(self);
    return r.guarded([&] {
      read_header({line, n}, r.answer_);
      return n;
    });
  }

  static std::size_t on_body(char* bytes, std::size_t, std::size_t n, void* self) {
    auto& r = *static_cast<Request*>(self);
    return r.guarded([&] { return r.take(bytes, n); });
  }

  static int on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return static_cast<Request*>(self)->interrupted() ? 1 : 0;
  }

  const std::string& url_;
  PartFile& part_;
  std::uint64_t total_;
  const FetchOptions& options_;
  const Callback<void(std::uint64_t)>& progress_;
  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> handle_;
  std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers_;
  char details_[CURL_ERROR_SIZE] = {};
  Answer answer_;
  bool begun_ = false;
  std::string refusal_;
  std::exception_ptr error_;
};

}  // namespace

void need_network_library() {
  curl();
}

Transfer transfer(const std::string& url, PartFile& part, std::uint64_t total,
                  const FetchOptions& options, const Callback<void(std::uint64_t)>& progress) {
  return Request(url, part, total, options, progress).run();
}

}  // namespace taxon::fetch
