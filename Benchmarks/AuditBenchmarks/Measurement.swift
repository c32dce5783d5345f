import Foundation

/// What one stage of the audit achieved.
struct Measurement {
  let stage: String
  /// The fastest of several runs, in seconds.
  let seconds: Double
  let bytes: Int
  let files: Int
  /// The speed of the physical limit this stage is compared with, in bytes a second; nil for the limits themselves.
  let limit: Double?

  var bytesPerSecond: Double { Double(bytes) / seconds }
  var filesPerSecond: Double { Double(files) / seconds }
  var shareOfLimit: Double? { limit.map { bytesPerSecond / $0 } }

  /// Runs `work` at least three times and for at least `minimum` seconds, and keeps the fastest run: the machine's
  /// other work can only slow a run down.
  static func fastest(minimum: Double, _ work: () -> Void) -> Double {
    var best = Double.infinity
    var total = 0.0
    var runs = 0
    while runs < 3 || (total < minimum && runs < 1000) {
      let start = ContinuousClock.now
      work()
      let seconds = (ContinuousClock.now - start) / .seconds(1)
      best = min(best, seconds)
      total += seconds
      runs += 1
    }
    return max(best, 1e-9)
  }

  /// The most memory this process ever held, in bytes; nil where the system does not tell.
  static var peakMemory: Int? {
    #if os(Linux)
      guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
        let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
        let kilobytes = line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap({
          Int($0)
        })
      else { return nil }
      return kilobytes << 10
    #else
      var usage = rusage()
      guard getrusage(RUSAGE_SELF, &usage) == 0 else { return nil }
      return Int(usage.ru_maxrss)
    #endif
  }
}

/// The physical limits that stages are compared with, measured on the same bytes in the same run.
enum PhysicalLimit {
  /// Bytes a second at which one core reads the text from memory, eight bytes at a time.
  static func memoryRead(_ text: [UInt8], minimum: Double) -> Double {
    var sum: UInt64 = 0
    let seconds = Measurement.fastest(minimum: minimum) {
      text.withUnsafeBytes { bytes in
        var a: UInt64 = 0
        var b: UInt64 = 0
        var c: UInt64 = 0
        var d: UInt64 = 0
        var index = 0
        while index + 32 <= bytes.count {
          a &+= bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
          b &+= bytes.loadUnaligned(fromByteOffset: index + 8, as: UInt64.self)
          c &+= bytes.loadUnaligned(fromByteOffset: index + 16, as: UInt64.self)
          d &+= bytes.loadUnaligned(fromByteOffset: index + 24, as: UInt64.self)
          index += 32
        }
        sum &+= a ^ b ^ c ^ d
      }
    }
    keep(sum)
    return Double(text.count) / seconds
  }

  /// Bytes a second at which one core finds the line ends with `memchr`.
  static func lineScan(_ text: [UInt8], minimum: Double) -> Double {
    var lines: UInt64 = 0
    let seconds = Measurement.fastest(minimum: minimum) {
      text.withUnsafeBytes { bytes in
        guard var position = bytes.baseAddress else { return }
        let end = position + bytes.count
        while position < end, let found = memchr(position, 0x0A, end - position) {
          lines &+= 1
          position = UnsafeRawPointer(found) + 1
        }
      }
    }
    keep(lines)
    return Double(text.count) / seconds
  }

  /// Makes a result needed, so that its computation cannot be left out.
  @inline(never)
  private static func keep(_ value: UInt64) {
    if value == 0x6D61_736C_696E_0001 { print("", terminator: "") }
  }
}
