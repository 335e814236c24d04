// Draws timetables.
//
//              0         2         4 ms
//   0 stage0   [0][1][2][3]      [0][1][2][3][update]     predicted
//               ▂  ▂  ▂  ▂                                beside it: communication
//              [0] [1][2][3]       [0][1][2][3][update]   measured
//   1 stage1      [0][1] …
//
// Where one took much longer than the other, each is drawn on a scale of its own, as long as the picture is wide.
#include "dtc/Explain/TimetableSVG.h"

#include "Escape.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>
#include <set>

using namespace dtc;
using namespace dtc::explain;
using llvm::formatv;
using llvm::SmallVector;
using llvm::StringRef;

namespace {

// In pixels.
constexpr double rowHeight = 18, stripHeight = 4, rankGap = 8, pairGap = 2;
constexpr double labelWidth = 180, rightMargin = 24, topHeight = 96, axisHeight = 26;
constexpr double minWidth = 1000, maxWidth = 20000, boxWidth = 16;
/// The times a step takes the one and the other way may differ by this factor on one scale.
constexpr double mostRatio = 1.5;
/// A step that waits longer than it works makes the picture no wider.
constexpr double mostIdle = 2;
/// Of a digit in a box.
constexpr double digitWidth = 6.2;

struct Style {
  SpanKind kind;
  StringRef cssClass, colour;
};
constexpr Style styles[] = {
    {SpanKind::Forward, "forward", "#4472b0"},
    {SpanKind::Backward, "backward", "#3f8f4f"},
    {SpanKind::WeightGradient, "weight", "#8a9a2b"},
    {SpanKind::ForwardBackward, "both", "#2f8f94"},
    {SpanKind::Update, "update", "#8659a5"},
    {SpanKind::Communication, "communication", "#d9822b"},
    {SpanKind::Wait, "wait", "#e4e4e4"},
};

const Style &styleOf(SpanKind kind) {
  return *llvm::find_if(styles, [&](const Style &style) { return style.kind == kind; });
}

std::string milliseconds(double seconds) { return formatv("{0:F3} ms", seconds * 1e3); }
std::string plainNumber(double value) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%g", value);
  return text;
}
std::string percent(double share) { return formatv("{0:F1} %", share * 100); }

/// One timetable on its scale.
struct View {
  double xOf(double seconds) const { return labelWidth + seconds * scale; }
  /// Ticks at 1, 2 or 5 times a power of ten, about 100 pixels apart.
  double tick() const {
    double rough = 100 / scale, step = std::pow(10, std::floor(std::log10(rough)));
    for (double factor : {5.0, 2.0})
      if (step * factor <= rough)
        return step * factor;
    return step;
  }

  const Timetable *table = nullptr;
  /// Seconds across, pixels a second.
  double duration = 0, scale = 0;
};

/// The seconds that a row must have room for.
double durationOf(const Timetable &table) {
  double duration = table.stepSeconds;
  for (const std::vector<Span> &spans : table.ranks)
    for (const Span &span : spans)
      duration = std::max(duration, span.end);
  return duration;
}

/// The pixels that make the boxes of the fullest row legible on average.
double widthFor(const Timetable &table) {
  double widest = 0;
  for (const std::vector<Span> &spans : table.ranks) {
    double work = 0;
    size_t boxes = 0;
    for (const Span &span : spans) {
      boxes += isWork(span.kind);
      work += isWork(span.kind) ? span.seconds() : 0;
    }
    if (work > 0)
      widest = std::max(widest, boxWidth * boxes * std::min(table.stepSeconds / work, mostIdle));
  }
  return widest;
}

class Drawing {
public:
  Drawing(llvm::raw_ostream &os, const TimetablePicture &picture);
  void draw();

private:
  void drawHead();
  void drawLegend();
  void drawAxis(const View &view, StringRef unit, double labels);
  void drawGrid(const View &view, double top, double bottom);
  void drawRank(size_t rank);
  void drawRow(const View &view, size_t rank, double y);
  void drawSpan(const View &view, const Span &span, double y, const std::set<int64_t> &stages);
  void text(double x, double y, const std::string &what, StringRef attributes = "") {
    os << formatv("<text x=\"{0:F1}\" y=\"{1:F1}\"{2}{3}>{4}</text>\n", x, y,
                  attributes.empty() ? "" : " ", attributes, escapeXML(what));
  }
  bool hasOneScale() const { return !picture.measured || predicted.scale == measured.scale; }
  /// Two scales have two axes.
  double top() const { return topHeight + (hasOneScale() ? 0 : axisHeight); }
  double heightOfRank() const {
    return (picture.measured ? 2 : 1) * (rowHeight + stripHeight) +
           (picture.measured ? pairGap : 0) + rankGap;
  }
  size_t ranks() const { return picture.predicted->ranks.size(); }

  llvm::raw_ostream &os;
  const TimetablePicture &picture;
  View predicted, measured;
  double width = 0, height = 0;
};

} // namespace

Drawing::Drawing(llvm::raw_ostream &os, const TimetablePicture &picture)
    : os(os), picture(picture), predicted{picture.predicted}, measured{picture.measured} {
  SmallVector<View *> views{&predicted};
  if (picture.measured)
    views.push_back(&measured);
  double across = minWidth, shortest = HUGE_VAL, longest = 0;
  for (View *view : views) {
    view->duration = durationOf(*view->table);
    across = std::max(across, widthFor(*view->table));
    shortest = std::min(shortest, view->duration);
    longest = std::max(longest, view->duration);
  }
  across = std::min(across, maxWidth);
  bool shared = longest <= mostRatio * shortest;
  for (View *view : views) {
    view->duration = shared ? longest : view->duration;
    view->scale = view->duration > 0 ? across / view->duration : 0;
  }
  width = labelWidth + across + rightMargin;
  height = top() + ranks() * heightOfRank() + axisHeight;
}

void Drawing::drawHead() {
  os << "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
     << formatv("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:F0}\" height=\"{1:F0}\" "
                "viewBox=\"0 0 {0:F0} {1:F0}\" font-family=\"sans-serif\" font-size=\"11\">\n",
                width, height)
     << "<style>\n"
     << "text{fill:#222}.number{fill:#fff;font-size:10px;text-anchor:middle}"
     << ".tick{text-anchor:middle}.grid{stroke:#ddd}.row{fill:#f7f7f7}\n";
  for (const Style &style : styles)
    os << "." << style.cssClass << "{fill:" << style.colour << "}";
  os << "\n</style>\n"
     << "<title>" << escapeXML(picture.title) << "</title>\n"
     << formatv("<rect width=\"{0:F0}\" height=\"{1:F0}\" fill=\"#fff\"/>\n", width, height);
  text(12, 22, picture.title, "font-size=\"15\" font-weight=\"bold\"");
  auto numbers = [&](StringRef what, const Timetable &table) {
    return formatv("{0}: step {1}, bubble {2}", what, milliseconds(table.stepSeconds),
                   percent(table.bubble()))
        .str();
  };
  text(12, 41, numbers("predicted", *picture.predicted));
  if (picture.measured)
    text(12, 57, numbers("measured", *picture.measured) +
                     " (in each pair of rows the lower one" +
                     (hasOneScale() ? ")" : "; on its own scale: the two differ too much for one)"));
}

/// The kinds that occur.
void Drawing::drawLegend() {
  std::set<SpanKind> kinds;
  for (const Timetable *table : {picture.predicted, picture.measured})
    for (size_t rank = 0; table && rank < table->ranks.size(); ++rank)
      for (const Span &span : table->ranks[rank])
        kinds.insert(span.kind);
  double x = 12;
  for (SpanKind kind : kinds) {
    os << formatv("<rect class=\"{0}\" x=\"{1:F1}\" y=\"66\" width=\"12\" height=\"12\"/>\n",
                  styleOf(kind).cssClass, x);
    text(x + 16, 76, nameOf(kind).str());
    x += 34 + 6.5 * nameOf(kind).size();
  }
}

/// Numbers with their baseline at `labels`.
void Drawing::drawAxis(const View &view, StringRef unit, double labels) {
  if (view.duration > 0)
    for (int64_t i = 0; i * view.tick() <= view.duration * (1 + 1e-9); ++i)
      text(view.xOf(i * view.tick()), labels, plainNumber(i * view.tick() * 1e3), "class=\"tick\"");
  text(12, labels, unit.str());
}

void Drawing::drawGrid(const View &view, double top, double bottom) {
  if (view.duration > 0)
    for (int64_t i = 0; i * view.tick() <= view.duration * (1 + 1e-9); ++i)
      os << formatv("<line class=\"grid\" x1=\"{0:F1}\" y1=\"{1:F1}\" x2=\"{0:F1}\" y2=\"{2:F1}\"/>\n",
                    view.xOf(i * view.tick()), top, bottom);
}

void Drawing::drawSpan(const View &view, const Span &span, double y, const std::set<int64_t> &stages) {
  double x = view.xOf(span.begin), across = std::max(span.seconds() * view.scale, 0.3);
  // A device's later stages are paler.
  double place = span.stage < 0 ? 0 : std::distance(stages.begin(), stages.find(span.stage));
  double opacity = 1 - 0.45 * place / std::max<double>(1, stages.size() - 1);
  if (span.overlapped)
    y += rowHeight;
  os << formatv("<rect class=\"{0}\" x=\"{1:F2}\" y=\"{2:F1}\" width=\"{3:F2}\" height=\"{4:F1}\"",
                styleOf(span.kind).cssClass, x, y, across,
                span.overlapped ? stripHeight - 1 : rowHeight);
  if (place > 0)
    os << formatv(" fill-opacity=\"{0:F2}\"", opacity);
  if (isWork(span.kind) && across > 3)
    os << " stroke=\"#fff\" stroke-width=\"0.6\"";
  os << "><title>" << escapeXML(nameOf(span.kind)) << ": " << escapeXML(span.name);
  if (span.microbatch >= 0)
    os << ", microbatch " << span.microbatch;
  os << ", " << milliseconds(span.begin) << " to " << milliseconds(span.end) << "</title></rect>\n";
  std::string number = std::to_string(span.microbatch);
  if (isWork(span.kind) && span.microbatch >= 0 && across >= digitWidth * number.size() + 1)
    text(x + across / 2, y + rowHeight / 2 + 3.5, number, "class=\"number\"");
}

void Drawing::drawRow(const View &view, size_t rank, double y) {
  std::set<int64_t> stages;
  for (const Span &span : view.table->ranks[rank])
    if (span.stage >= 0)
      stages.insert(span.stage);
  os << formatv("<rect class=\"row\" x=\"{0:F1}\" y=\"{1:F1}\" width=\"{2:F1}\" height=\"{3:F1}\"/>\n",
                labelWidth, y, width - labelWidth - rightMargin, rowHeight);
  if (!hasOneScale())
    drawGrid(view, y, y + rowHeight + stripHeight);
  for (const Span &span : view.table->ranks[rank])
    drawSpan(view, span, y, stages);
}

void Drawing::drawRank(size_t rank) {
  double y = top() + rank * heightOfRank();
  std::string label = std::to_string(rank);
  if (rank < picture.roles.size() && !picture.roles[rank].empty()) {
    StringRef role = picture.roles[rank];
    // Names are the model's and may be of any length.
    label += " " + (role.size() > 14 ? role.take_front(13).str() + "…" : role.str());
  }
  os << "<g>\n";
  text(12, y + 13, label);
  auto share = [&](const Timetable &table, double top) {
    text(labelWidth - 8, top + 13, percent(table.bubble(rank)),
         "fill-opacity=\"0.6\" text-anchor=\"end\"");
  };
  drawRow(predicted, rank, y);
  share(*picture.predicted, y);
  if (picture.measured) {
    double below = y + rowHeight + stripHeight + pairGap;
    drawRow(measured, rank, below);
    share(*picture.measured, below);
  }
  os << "</g>\n";
}

void Drawing::draw() {
  drawHead();
  drawLegend();
  text(labelWidth - 8, top() - 6, "idle", "fill-opacity=\"0.6\" text-anchor=\"end\"");
  double bottom = height - axisHeight;
  if (hasOneScale()) {
    drawGrid(predicted, top() - 6, bottom);
    drawAxis(predicted, "ms", bottom + 14);
  } else {
    drawAxis(predicted, "ms, predicted", top() - 6);
    drawAxis(measured, "ms, measured", bottom + 14);
  }
  for (size_t rank = 0; rank < ranks(); ++rank)
    drawRank(rank);
  os << "</svg>\n";
}

void dtc::explain::drawTimetable(llvm::raw_ostream &os, const TimetablePicture &picture) {
  Drawing(os, picture).draw();
}
