import Foundation
import JSON
import Logging
import Synchronization
import TerminalText

/// Writes log messages as lines: JSON objects for programs, or text for people.
public struct LineLogHandler: LogHandler {
  /// How a line looks.
  public enum Form: String, Sendable, CaseIterable {
    /// `{"time":"2026-01-01T00:00:00.000Z","level":"info","message":"...",...}`, the rest sorted by name.
    case json
    /// `12:00:00 info message name=value ...`
    case text
  }

  /// Where lines go; calls come one at a time.
  public typealias Output = @Sendable (String) -> Void

  private static let turn = Mutex(())

  /// The least level that is written.
  public var logLevel: Logger.Level = .info
  /// Values that every line has.
  public var metadata: Logger.Metadata = [:]
  private let form: Form
  private let output: Output
  private let clock: @Sendable () -> Double

  /// Makes a handler.
  ///
  /// - Parameters:
  ///   - output: gets every line with its line break.
  ///   - clock: seconds since 1970.
  public init(
    form: Form, clock: @escaping @Sendable () -> Double = { Date().timeIntervalSince1970 },
    output: @escaping Output
  ) {
    self.form = form
    self.clock = clock
    self.output = output
  }

  /// A logger that writes with such a handler.
  public static func logger(form: Form, output: @escaping Output) -> Logger {
    Logger(label: "maslin") { _ in LineLogHandler(form: form, output: output) }
  }

  /// One of the values that every line has.
  public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  /// Writes one line.
  public func log(event: LogEvent) {
    let values = metadata.merging(event.metadata ?? [:]) { $1 }
    let sorted = values.sorted { $0.key < $1.key }
    let line: String
    switch form {
    case .json:
      var writer = JSONWriter(style: .compact)
      writer.object { writer in
        writer.member("time", Self.timestamp(clock()))
        writer.member("level", event.level.rawValue)
        writer.member("message", event.message.description)
        for (name, value) in sorted { writer.member(name, Self.json(value.description)) }
      }
      line = writer.text
    case .text:
      let time = Self.timestamp(clock()).dropFirst(11).prefix(8)
      let pairs = sorted.map { " \($0.key)=\(SafeText.line($0.value.description))" }.joined()
      line = "\(time) \(event.level.rawValue) \(SafeText.line(event.message.description))\(pairs)"
    }
    Self.turn.withLock { _ in output(line + "\n") }
  }

  /// Numbers as numbers, everything else as text.
  private static func json(_ text: String) -> JSONValue {
    if let whole = Int(text), String(whole) == text { return .integer(whole) }
    if text.contains("."), text.allSatisfy({ $0.isASCII && ($0.isNumber || $0 == ".") }),
      let number = Double(text)
    {
      return .number(number)
    }
    return .string(text)
  }

  /// RFC 3339 in UTC with milliseconds.
  static func timestamp(_ seconds: Double) -> String {
    let milliseconds = Int((seconds * 1000).rounded(.down))
    let days = Int((Double(milliseconds) / 86_400_000).rounded(.down))
    let rest = milliseconds - days * 86_400_000
    // Days to civil date: Howard Hinnant, "chrono-compatible low-level date algorithms".
    let shifted = days + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthIndex = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * monthIndex + 2) / 5 + 1
    let month = monthIndex < 10 ? monthIndex + 3 : monthIndex - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    func digits(_ value: Int, _ count: Int) -> String {
      let text = String(value)
      return String(repeating: "0", count: max(0, count - text.count)) + text
    }
    return
      "\(digits(year, 4))-\(digits(month, 2))-\(digits(day, 2))T\(digits(rest / 3_600_000, 2)):"
      + "\(digits(rest / 60_000 % 60, 2)):\(digits(rest / 1000 % 60, 2)).\(digits(rest % 1000, 3))Z"
  }
}
