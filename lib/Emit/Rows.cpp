// Lists of buffers: of an optimizer's call, of what the runtime binds.
#include "Printer.h"
#include "Repetition.h"

#include <map>

using namespace mlir;
using namespace dtc;
using namespace dtc::emit;

/// Rows repeat where all their buffers move to the next place of their arrays
/// together.
static SmallVector<Repetition> findRowRepetitions(const Printer &printer,
                                                  ArrayRef<Row> rows) {
  std::map<std::vector<int64_t>, unsigned> keys;
  SmallVector<SequenceItem> items;
  for (const Row &row : rows) {
    std::vector<int64_t> words{row.key};
    std::optional<int64_t> number;
    for (Value buffer : row.buffers) {
      auto [array, place] = printer.names.placeOf(buffer);
      const void *what =
          array ? array.getOperation() : buffer.getAsOpaquePointer();
      words.push_back(reinterpret_cast<intptr_t>(what));
      if (!array)
        continue;
      if (!number)
        number = place;
      words.push_back(place - *number);
    }
    items.push_back(
        {keys.try_emplace(std::move(words), keys.size()).first->second,
         number});
  }
  SmallVector<Repetition> repetitions = findRepetitions(items);
  llvm::erase_if(repetitions, [](const Repetition &repetition) {
    return repetition.shift != 1 && repetition.shift != -1;
  });
  return repetitions;
}

bool dtc::emit::canRoll(const Printer &printer, ArrayRef<Row> rows) {
  return !findRowRepetitions(printer, rows).empty();
}

void dtc::emit::printRows(
    Printer &printer, ArrayRef<Row> rows,
    llvm::function_ref<void(size_t, ArrayRef<std::string>)> print) {
  auto printRow = [&](size_t row, std::optional<Loop> loop) {
    SmallVector<std::string> texts;
    for (Value buffer : rows[row].buffers) {
      auto [array, place] = printer.names.placeOf(buffer);
      if (loop && array)
        texts.push_back("b." + printer.names.of(array.getArray()).str() + "[" +
                        printLinear(loop->variable, 1, place - loop->first) +
                        "]");
      else
        texts.push_back(printer.buffer(buffer));
    }
    print(row, texts);
  };
  size_t row = 0;
  for (const Repetition &repetition : findRowRepetitions(printer, rows)) {
    for (; row < repetition.begin; ++row)
      printRow(row, std::nullopt);
    // The places of the first buffer.
    int64_t first = 0;
    for (Value buffer : llvm::reverse(rows[repetition.begin].buffers))
      if (auto [array, place] = printer.names.placeOf(buffer); array)
        first = place;
    int64_t last =
        first + repetition.shift * (static_cast<int64_t>(repetition.count) - 1);
    printer.os << printer.indent << "for (index i = " << first << "; ";
    if (repetition.shift > 0)
      printer.os << "i < " << last + 1 << "; ++i) {\n";
    else
      printer.os << "i >= " << last << "; --i) {\n";
    printer.indent += "  ";
    for (; row < repetition.begin + repetition.period; ++row)
      printRow(row, Loop{Value(), "i", first, repetition.shift, false});
    printer.indent.resize(printer.indent.size() - 2);
    printer.os << printer.indent << "}\n";
    row = repetition.end();
  }
  for (; row < rows.size(); ++row)
    printRow(row, std::nullopt);
}
