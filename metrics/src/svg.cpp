// A small writer of SVG.
#include "svg.h"

#include <taxon/base/text.h>
#include <taxon/base/utf8.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace taxon {
namespace {

std::string number(double v) {
  return shortest(std::round(v * 100) / 100);
}

// Control characters, which XML has no way to write, become U+FFFD; so does every byte above ASCII
// where the words are not UTF-8.
std::string escaped(std::string_view words) {
  const bool utf8 = is_utf8(words);
  std::string out;
  for (const char c : words) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '"') {
      out += "&quot;";
    } else if (static_cast<unsigned char>(c) < 0x20 ||
               (!utf8 && static_cast<unsigned char>(c) >= 0x80)) {
      out += "\xEF\xBF\xBD";
    } else {
      out += c;
    }
  }
  return out;
}

std::string_view name_of(Anchor anchor) {
  return anchor == Anchor::start ? "start" : anchor == Anchor::middle ? "middle" : "end";
}

}  // namespace

Svg::Svg(double width, double height) {
  out_ = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + number(width) + "\" height=\"" +
         number(height) + "\" viewBox=\"0 0 " + number(width) + " " + number(height) +
         "\" font-family=\"sans-serif\">\n";
  rectangle(0, 0, width, height, "#fff");
}

void Svg::rectangle(double x, double y, double width, double height, std::string_view fill) {
  out_ += "<rect x=\"" + number(x) + "\" y=\"" + number(y) + "\" width=\"" + number(width) +
          "\" height=\"" + number(height) + "\" fill=\"" + std::string(fill) + "\"/>\n";
}

void Svg::line(Point from, Point to, std::string_view colour, double width, bool dashed) {
  out_ += "<line x1=\"" + number(from.x) + "\" y1=\"" + number(from.y) + "\" x2=\"" + number(to.x) +
          "\" y2=\"" + number(to.y) + "\" stroke=\"" + std::string(colour) + "\" stroke-width=\"" +
          number(width) + "\"" + (dashed ? " stroke-dasharray=\"4 4\"" : "") + "/>\n";
}

void Svg::path(const std::vector<Point>& points, std::string_view colour, double width) {
  std::string d;
  for (const Point& p : points) d += (d.empty() ? "M" : "L") + number(p.x) + " " + number(p.y);
  out_ += "<path d=\"" + d + "\" fill=\"none\" stroke=\"" + std::string(colour) +
          "\" stroke-width=\"" + number(width) + "\" stroke-linejoin=\"round\"/>\n";
}

void Svg::text(Point at, std::string_view words, Anchor anchor, double size,
               std::string_view colour, double turned) {
  out_ += "<text x=\"" + number(at.x) + "\" y=\"" + number(at.y) + "\" font-size=\"" +
          number(size) + "\" fill=\"" + std::string(colour) + "\" text-anchor=\"" +
          std::string(name_of(anchor)) + "\"";
  if (turned != 0)
    out_ +=
        " transform=\"rotate(" + number(turned) + " " + number(at.x) + " " + number(at.y) + ")\"";
  out_ += ">" + escaped(words) + "</text>\n";
}

std::string Svg::done() const {
  return out_ + "</svg>\n";
}

UnitAxes::UnitAxes(Svg& svg, Point corner, double side, std::string_view title, std::string_view x,
                   std::string_view y)
    : corner_(corner), side_(side) {
  constexpr int ticks = 5;
  for (int i = 0; i <= ticks; ++i) {
    const double v = static_cast<double>(i) / ticks;
    svg.line(at(v, 0), at(v, 1), "#e4e4e4");
    svg.line(at(0, v), at(1, v), "#e4e4e4");
    svg.text({at(v, 0).x, at(v, 0).y + 18}, fixed(v, 1), Anchor::middle, 11);
    svg.text({at(0, v).x - 6, at(0, v).y + 4}, fixed(v, 1), Anchor::end, 11);
  }
  svg.line(at(0, 0), at(1, 0), "#222");
  svg.line(at(0, 0), at(0, 1), "#222");
  svg.text({at(0.5, 0).x, at(0, 0).y + 38}, x, Anchor::middle);
  svg.text({at(0, 0.5).x - 36, at(0, 0.5).y}, y, Anchor::middle, 12, "#222", -90);
  svg.text({at(0.5, 1).x, at(0, 1).y - 12}, title, Anchor::middle, 14);
}

Point UnitAxes::at(double x, double y) const {
  return {corner_.x + x * side_, corner_.y + (1 - y) * side_};
}

std::string_view colour_of(std::size_t i) {
  constexpr std::string_view colours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00",
                                          "#56b4e9", "#8c564b", "#555555", "#b8a800", "#7b3fa0"};
  return colours[i % std::size(colours)];
}

std::string shade(double share) {
  const auto mix = [&](int light, int dark) {
    return static_cast<int>(std::lround(light + (dark - light) * std::clamp(share, 0.0, 1.0)));
  };
  char buffer[8];
  std::snprintf(buffer, sizeof buffer, "#%02x%02x%02x", static_cast<unsigned>(mix(255, 8)) & 0xFFU,
                static_cast<unsigned>(mix(255, 64)) & 0xFFU,
                static_cast<unsigned>(mix(255, 129)) & 0xFFU);
  return buffer;
}

}  // namespace taxon
