import Foundation
import JSON
import TerminalText

extension QuantizationReport {
  /// The report as JSON; sizes in bytes.
  public var json: JSONValue {
    .members([
      "bytesBefore": .integer(bytesBefore), "bytesAfter": .integer(bytesAfter),
      "fallbacks": .integer(fallbacks.count),
      "tensors": .array(
        tensors.map {
          .members([
            "name": .string($0.entry.name), "before": .string($0.entry.before.name),
            "after": .string($0.entry.after.name),
            "shape": .array($0.shape.map { .integer($0) }),
            "bytesBefore": .integer($0.bytesBefore), "bytesAfter": .integer($0.bytesAfter),
            "rootMeanSquareError": .number($0.rootMeanSquareError),
            "relativeError": .number($0.relativeError),
          ])
        }),
    ])
  }

  /// The report as lines: name, types, bytes and relative error of every tensor, then the sums.
  public var text: String {
    var lines: [String] = []
    for tensor in tensors {
      let entry = tensor.entry
      var line = "\(SafeText.line(entry.name))\t\(entry.before.name) -> \(entry.after.name)\t"
      line += "\(tensor.bytesBefore) -> \(tensor.bytesAfter)"
      if entry.before != entry.after {
        line += String(format: "\terror %.3f %%", tensor.relativeError * 100)
      }
      if case .fallback = entry.reason { line += "\tthe mix's type does not fit this row length" }
      lines.append(line)
    }
    lines.append(
      "all\t\(tensors.count) tensors\t\(bytesBefore) -> \(bytesAfter)"
        + (fallbacks.isEmpty ? "" : "\t\(fallbacks.count) with another type than the mix's"))
    return lines.map { $0 + "\n" }.joined()
  }
}
