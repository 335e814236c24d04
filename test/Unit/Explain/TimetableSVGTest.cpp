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
