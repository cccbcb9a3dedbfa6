// A small writer of SVG: shapes in pixels, text escaped.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace taxon {

struct Point {
  double x = 0, y = 0;
};

enum class Anchor { start, middle, end };

class Svg {
 public:
  Svg(double width, double height);

  void rectangle(double x, double y, double width, double height, std::string_view fill);
  void line(Point from, Point to, std::string_view colour, double width = 1, bool dashed = false);
  void path(const std::vector<Point>& points, std::string_view colour, double width);
  void text(Point at, std::string_view words, Anchor anchor = Anchor::start, double size = 12,
            std::string_view colour = "#222", double turned = 0);
  std::string done() const;

 private:
  std::string out_;
};

/// A square from 0 to 1 in both directions, with ticks, names and a title.
class UnitAxes {
 public:
  UnitAxes(Svg& svg, Point corner, double side, std::string_view title, std::string_view x,
           std::string_view y);
  Point at(double x, double y) const;  ///< in pixels
  double side() const { return side_; }

 private:
  Point corner_;
  double side_;
};

/// Colours that are told apart with any colour vision (Okabe and Ito 2008), over and over.
std::string_view colour_of(std::size_t i);
/// A blue from white (0) to dark (1), "#rrggbb".
std::string shade(double share);

}  // namespace taxon
