// What a picture of a timetable shows.
#include "dtc/Explain/TimetableSVG.h"

#include "llvm/ADT/StringRef.h"
#include "gtest/gtest.h"

#include <algorithm>

using namespace dtc;
using llvm::StringRef;

namespace {

std::string draw(const explain::TimetablePicture &picture) {
  std::string text;
  llvm::raw_string_ostream os(text);
  explain::drawTimetable(os, picture);
  return text;
}

/// gpipe with equal stage times of `unit`.
Timetable pipeline(int stages, int microbatches, double unit) {
  Timetable table;
  table.ranks.resize(stages);
  for (int stage = 0; stage < stages; ++stage)
    for (bool forward : {true, false})
      for (int i = 0; i < microbatches; ++i) {
        double begin = forward ? stage + i
                               : microbatches + stages - 1 + (stages - 1 - stage) + i;
        table.ranks[stage].push_back({forward ? SpanKind::Forward : SpanKind::Backward, "f", stage,
                                      i, begin * unit, (begin + 1) * unit});
      }
  table.stepSeconds = 2 * (microbatches + stages - 1) * unit;
  return table;
}

size_t count(StringRef text, StringRef what) { return text.count(what); }

TEST(TimetableSVG, ShowsEveryFragmentWithItsMicrobatch) {
  Timetable table = pipeline(2, 3, 1e-3);
  std::string svg = draw({"mlp", {"stage0", "stage1"}, &table});
  EXPECT_EQ(count(svg, "<rect class=\"forward\""), 6u + 1); // and the legend
  EXPECT_EQ(count(svg, "<rect class=\"backward\""), 6u + 1);
  EXPECT_EQ(count(svg, "class=\"number\">2<"), 4u);
  EXPECT_NE(svg.find("predicted: step 8.000 ms, bubble 25.0 %"), std::string::npos);
  EXPECT_EQ(svg.find("measured"), std::string::npos);
  EXPECT_NE(svg.find(">1 stage1<"), std::string::npos);
  EXPECT_NE(svg.find("<title>forward: f, microbatch 2, 2.000 ms to 3.000 ms</title>"),
            std::string::npos);
}

TEST(TimetableSVG, PutsTheMeasurementBelowThePrediction) {
  Timetable predicted = pipeline(2, 3, 1e-3), measured = pipeline(2, 3, 1.1e-3);
  std::string svg = draw({"mlp", {}, &predicted, &measured});
  EXPECT_NE(svg.find("predicted: step 8.000 ms, bubble 25.0 %"), std::string::npos);
  EXPECT_NE(svg.find("measured: step 8.800 ms, bubble 25.0 %"), std::string::npos);
  EXPECT_EQ(count(svg, "<rect class=\"row\""), 4u);
  // The rows of a rank follow each other: rank 0's two, then rank 1's.
  EXPECT_LT(svg.find("7.700 ms to 8.800 ms"), svg.rfind("<g>"));
}

/// The number after `name="` from `from` on.
double attribute(StringRef text, StringRef name) {
  double value = -1;
  StringRef rest = text.substr(text.find(name.str() + "=\"") + name.size() + 2);
  EXPECT_FALSE(rest.take_until([](char c) { return c == '"'; }).getAsDouble(value));
  return value;
}

TEST(TimetableSVG, StaysLegibleWith64DevicesAnd64Microbatches) {
  Timetable table = pipeline(64, 64, 1e-3);
  std::string svg = draw({"large", {}, &table});
  EXPECT_EQ(count(svg, "class=\"number\""), 2u * 64 * 64);
  StringRef rest = svg;
  for (size_t place; (place = rest.find("<rect class=\"forward\"")) != StringRef::npos;) {
    rest = rest.substr(place + 1);
    EXPECT_GE(attribute(rest, "width"), 12);
    EXPECT_GE(attribute(rest, "height"), 12);
  }
  EXPECT_LT(svg.size(), 4u << 20);
}

/// However far apart prediction and measurement are: every microbatch has room for its number, and the picture is no wider than that takes.
TEST(TimetableSVG, StaysLegibleAtAnyRatio) {
  for (double ratio : {0.01, 0.1, 1 / 6., 0.5, 0.9, 1., 1.4, 2., 6., 10., 100.}) {
    Timetable predicted = pipeline(4, 8, 1e-3), measured = pipeline(4, 8, 1e-3 * ratio);
    std::string svg = draw({"far", {}, &predicted, &measured});
    EXPECT_EQ(count(svg, "class=\"number\""), 2u * 2 * 4 * 8) << ratio;
    for (std::string kind : {"forward", "backward"}) {
      StringRef rest = StringRef(svg).split("</style>").second;
      rest = rest.substr(rest.find("<g>"));
      std::string rect = "<rect class=\"" + kind + "\"";
      for (size_t place; (place = rest.find(rect)) != StringRef::npos;) {
        rest = rest.substr(place + 1);
        EXPECT_GE(attribute(rest, "width"), 12) << ratio;
      }
    }
    EXPECT_LE(attribute(svg, "width"), 1300) << ratio;
    bool far = ratio < 0.6 || ratio > 1.5;
    EXPECT_EQ(svg.find("on its own scale") != std::string::npos, far) << ratio;
    EXPECT_EQ(svg.find(">ms, measured<") != std::string::npos, far) << ratio;
  }
}

/// A run that mostly waited: what it waited for stays in sight.
TEST(TimetableSVG, WaitingMakesItNoWider) {
  Timetable predicted = pipeline(2, 8, 1e-3), measured = pipeline(2, 8, 1e-3);
  measured.stepSeconds *= 50;
  EXPECT_LE(attribute(draw({"idle", {}, &predicted, &measured}), "width"), 1300);
}

/// The number of a tick is where its time is, on both scales.
TEST(TimetableSVG, EachScaleHasItsAxis) {
  Timetable predicted = pipeline(1, 2, 1e-3), measured = pipeline(1, 2, 10e-3);
  std::string svg = draw({"axes", {}, &predicted, &measured});
  auto placeOf = [&](const std::string &label) {
    size_t end = svg.find(">" + label + "<");
    EXPECT_NE(end, std::string::npos) << label;
    return attribute(StringRef(svg).substr(svg.rfind("<text", end)), "x");
  };
  // Steps of 4 ms and of 40 ms over the same width.
  EXPECT_NEAR(placeOf("2") - placeOf("0"), placeOf("20") - placeOf("0"), 0.2);
}

TEST(TimetableSVG, StaysInItsFrame) {
  Timetable predicted = pipeline(3, 2, 1e-3), measured = pipeline(3, 2, 2e-3);
  std::string svg = draw({"mlp", {}, &predicted, &measured});
  double width = attribute(svg, "width"), height = attribute(svg, "height");
  StringRef rest = svg;
  for (size_t place; (place = rest.find("<rect class=")) != StringRef::npos;) {
    rest = rest.substr(place + 1);
    EXPECT_LE(attribute(rest, "x") + attribute(rest, "width"), width);
    EXPECT_LE(attribute(rest, "y") + attribute(rest, "height"), height);
  }
}

TEST(TimetableSVG, DrawsNothingOfNothing) {
  Timetable table;
  EXPECT_NE(draw({"empty", {}, &table}).find("bubble 0.0 %"), std::string::npos);
  table.ranks.resize(2);
  EXPECT_NE(draw({"idle", {}, &table}).find(">1<"), std::string::npos);
}

TEST(TimetableSVG, EscapesNames) {
  Timetable table = pipeline(1, 1, 1);
  table.ranks[0][0].name = "a<b>&\"c'\x01\xff";
  std::string svg = draw({"</svg><script>", {"<r>"}, &table});
  EXPECT_EQ(svg.find("<script>"), std::string::npos);
  EXPECT_EQ(svg.find("<r>"), std::string::npos);
  EXPECT_NE(svg.find("a&lt;b&gt;&amp;&quot;c&apos;\xEF\xBF\xBD\xEF\xBF\xBD"), std::string::npos);
}

} // namespace
