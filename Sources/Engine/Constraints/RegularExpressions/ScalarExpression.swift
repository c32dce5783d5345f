/// A regular expression over Unicode scalars, apart from how scalars are spelled in bytes.
indirect enum ScalarExpression: Hashable, Sendable {
  case scalars(ScalarSet)
  case sequence([ScalarExpression])
  case choice([ScalarExpression])
  case repetition(ScalarExpression, minimum: Int, maximum: Int?)

  static let empty = ScalarExpression.sequence([])
  /// Any text.
  static let anything = ScalarExpression.repetition(.scalars(.all), minimum: 0, maximum: nil)

  /// The scalars of a text, one after the other.
  static func literal(_ text: String) -> ScalarExpression {
    .sequence(text.unicodeScalars.map { .scalars(ScalarSet(CollectionOfOne($0))) })
  }

  /// The automaton of the expression's texts.
  func automaton(_ spelling: ScalarSpelling) throws(GrammarError) -> DeterministicAutomaton {
    var result = NondeterministicAutomaton()
    var source = 0
    if spelling != .plain { source = try result.addBytes(source, [UInt8(ascii: "\"")]) }
    var end = try add(&result, from: source, spelling)
    if spelling != .plain { end = try result.addBytes(end, [UInt8(ascii: "\"")]) }
    result.ends = [end]
    return try result.determinized(limit: DeterministicAutomaton.maximumLanguageStates)
      .trimmed().minimized()
  }

  private func add(
    _ automaton: inout NondeterministicAutomaton, from source: Int, _ spelling: ScalarSpelling
  ) throws(GrammarError) -> Int {
    switch self {
    case .scalars(let set):
      let target = try automaton.addState()
      try spelling.add(set, to: &automaton, from: source, to: target)
      return target
    case .sequence(let list):
      var state = source
      for item in list { state = try item.add(&automaton, from: state, spelling) }
      return state
    case .choice(let list):
      let target = try automaton.addState()
      for item in list {
        automaton.addEpsilon(try item.add(&automaton, from: source, spelling), target)
      }
      return target
    case .repetition(let body, let minimum, let maximum):
      var state = source
      // A round without states would be written out without end: nothing is repeated there.
      if body.isEmptySequence || maximum == 0 { return state }
      for _ in 0..<minimum { state = try body.add(&automaton, from: state, spelling) }
      let target = try automaton.addState()
      if let maximum {
        automaton.addEpsilon(state, target)
        for _ in minimum..<max(minimum, maximum) {
          state = try body.add(&automaton, from: state, spelling)
          automaton.addEpsilon(state, target)
        }
        return target
      }
      let hub = try automaton.addState()
      automaton.addEpsilon(state, hub)
      automaton.addEpsilon(try body.add(&automaton, from: hub, spelling), hub)
      automaton.addEpsilon(hub, target)
      return target
    }
  }

  private var isEmptySequence: Bool {
    switch self {
    case .sequence(let list), .choice(let list): list.allSatisfy(\.isEmptySequence)
    case .repetition(let body, _, _): body.isEmptySequence
    case .scalars: false
    }
  }
}

/// How scalars are spelled in bytes.
enum ScalarSpelling: Hashable, Sendable {
  /// As UTF-8.
  case plain
  /// As a JSON string in quotation marks (RFC 8259 section 7) with every escape there is.
  case anyJSON
  /// As a JSON string in quotation marks where letters, digits and spaces are never escaped.
  case usualJSON

  func add(
    _ set: ScalarSet, to automaton: inout NondeterministicAutomaton, from source: Int,
    to target: Int
  ) throws(GrammarError) {
    if self == .plain {
      try automaton.addScalars(source, set, target)
      return
    }
    try automaton.addScalars(source, set.intersection(ScalarSpelling.unescaped), target)
    var letters = ByteSet()
    for (scalar, letter) in ScalarSpelling.shortEscapes where set.contains(scalar) {
      letters.insert(letter)
    }
    let escapable = self == .anyJSON ? set : set.subtracting(ScalarSpelling.neverEscaped)
    if letters.isEmpty && escapable.isEmpty { return }
    let escape = try automaton.addState()
    automaton.addEdge(source, ByteSet(CollectionOfOne(UInt8(ascii: "\\"))), escape)
    automaton.addEdge(escape, letters, target)
    guard !escapable.isEmpty else { return }
    let digits = try automaton.addBytes(escape, [UInt8(ascii: "u")])
    for range in escapable.ranges {
      try ScalarSpelling.addEscapes(range, to: &automaton, from: digits, to: target)
    }
  }

  /// The scalars that may stand in a JSON string as they are.
  static let unescaped = ScalarSet([0x20...0x21, 0x23...0x5B, 0x5D...0x10FFFF])

  private static let neverEscaped = ScalarSet([0x20...0x20, 0x30...0x39, 0x41...0x5A, 0x61...0x7A])

  private static let shortEscapes: [(Unicode.Scalar, UInt8)] = [
    ("\"", UInt8(ascii: "\"")), ("\\", UInt8(ascii: "\\")), ("/", UInt8(ascii: "/")),
    ("\u{8}", UInt8(ascii: "b")), ("\u{C}", UInt8(ascii: "f")), ("\n", UInt8(ascii: "n")),
    ("\r", UInt8(ascii: "r")), ("\t", UInt8(ascii: "t")),
  ]

  /// Adds the four digits of scalars below U+10000, and surrogate pairs above.
  private static func addEscapes(
    _ range: ClosedRange<UInt32>, to automaton: inout NondeterministicAutomaton, from source: Int,
    to target: Int
  ) throws(GrammarError) {
    if range.lowerBound < 0x10000 {
      try addDigits(
        range.lowerBound, min(range.upperBound, 0xFFFF), to: &automaton, from: source, to: target)
    }
    guard range.upperBound >= 0x10000 else { return }
    let low = max(range.lowerBound, 0x10000) - 0x10000
    let high = range.upperBound - 0x10000
    // First and last high surrogates may go with some low ones only; those between go with all.
    var next = low
    while next <= high {
      let first = next >> 10
      let isWhole = next & 0x3FF == 0
      let last = isWhole && high >> 10 > first ? (high + 1) >> 10 - 1 : first
      let end = min(high, last << 10 | 0x3FF)
      let between = try automaton.addState()
      try addDigits(0xD800 + first, 0xD800 + last, to: &automaton, from: source, to: between)
      let second = try automaton.addBytes(between, Array("\\u".utf8))
      let lowest = isWhole ? 0 : next & 0x3FF
      let highest = first == last ? end & 0x3FF : 0x3FF
      try addDigits(0xDC00 + lowest, 0xDC00 + highest, to: &automaton, from: second, to: target)
      next = end + 1
    }
  }

  /// Adds the four hexadecimal digits of a range of numbers.
  private static func addDigits(
    _ low: UInt32, _ high: UInt32, to automaton: inout NondeterministicAutomaton, from source: Int,
    to target: Int
  ) throws(GrammarError) {
    for tail: UInt32 in 1..<4 {
      let mask: UInt32 = 1 << (4 * tail) - 1
      guard low & ~mask != high & ~mask else { continue }
      if low & mask != 0 {
        try addDigits(low, low | mask, to: &automaton, from: source, to: target)
        try addDigits((low | mask) + 1, high, to: &automaton, from: source, to: target)
        return
      }
      if high & mask != mask {
        try addDigits(low, (high & ~mask) - 1, to: &automaton, from: source, to: target)
        try addDigits(high & ~mask, high, to: &automaton, from: source, to: target)
        return
      }
    }
    var state = source
    for place: UInt32 in [12, 8, 4, 0] {
      var digits = ByteSet()
      for digit in (low >> place & 0xF)...(high >> place & 0xF) {
        for byte in String(digit, radix: 16).utf8 { digits.insert(byte) }
        for byte in String(digit, radix: 16, uppercase: true).utf8 { digits.insert(byte) }
      }
      let next = place == 0 ? target : try automaton.addState()
      automaton.addEdge(state, digits, next)
      state = next
    }
  }
}
