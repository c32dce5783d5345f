/// Cuts a stream of bytes into lines, with a bound on their length.
struct LineSplitter: Sendable {
  /// A piece of the input.
  enum Line: Hashable, Sendable {
    /// A line without its end. Never empty.
    case line([UInt8])
    /// A line above the limit; its content is gone.
    case tooLong
  }

  private let limit: Int
  private var pending: [UInt8] = []
  /// Whether the rest of a line above the limit is being passed over.
  private var isSkipping = false

  /// Makes a splitter.
  ///
  /// - Parameter limit: the longest line in bytes, its end left out.
  init(limit: Int) { self.limit = limit }

  /// Takes bytes; returns the lines they end.
  mutating func append(_ bytes: some Collection<UInt8>) -> [Line] {
    var lines: [Line] = []
    var rest = bytes[...]
    while let end = rest.firstIndex(of: 0x0A) {
      take(rest[..<end], &lines)
      finish(&lines)
      rest = rest[rest.index(after: end)...]
    }
    take(rest, &lines)
    return lines
  }

  /// The input has ended; returns what was left without a line's end.
  mutating func end() -> [Line] {
    var lines: [Line] = []
    finish(&lines)
    return lines
  }

  private mutating func take(_ part: some Collection<UInt8>, _ lines: inout [Line]) {
    guard !isSkipping else { return }
    guard pending.count + part.count <= limit else {
      pending = []
      isSkipping = true
      lines.append(.tooLong)
      return
    }
    pending.append(contentsOf: part)
  }

  private mutating func finish(_ lines: inout [Line]) {
    if pending.last == 0x0D { pending.removeLast() }
    if !isSkipping, !pending.isEmpty { lines.append(.line(pending)) }
    pending = []
    isSkipping = false
  }
}
