/// Sizes as users write them.
enum ByteCount {
  /// The bytes of `4096`, `512M`, `4G` (multiples of 1024; K, M, G, T with or without B or iB).
  ///
  /// - Throws: `CommandFailure` naming the option.
  static func parse(_ text: String, option: String) throws -> Int {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    let unit = text.dropFirst(digits.count).uppercased()
    let shift: Int? =
      switch unit {
      case "", "B": 0
      case "K", "KB", "KIB": 10
      case "M", "MB", "MIB": 20
      case "G", "GB", "GIB": 30
      case "T", "TB", "TIB": 40
      default: nil
      }
    guard let shift, let value = Int(digits), value > 0, value <= Int.max >> shift else {
      throw CommandFailure(.usage, "\(option) '\(text)': expected a size such as 512M or 4G")
    }
    return value << shift
  }
}
