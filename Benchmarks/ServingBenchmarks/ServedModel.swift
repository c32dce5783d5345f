import Foundation
import JSON

/// A `maslin serve` started for a measurement.
final class ServedModel {
  private let process = Process()
  private let data: String
  /// Asks the server.
  let client: StreamingClient

  /// Starts the executable that lies beside this one.
  init(model: String, options: [String]) throws {
    data = NSTemporaryDirectory() + "maslin-benchmark-\(getpid())"
    try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
    let folder = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
      .deletingLastPathComponent()
    process.executableURL = folder.appendingPathComponent("maslin")
    process.arguments =
      ["serve", model, "--port", "0", "--json", "--data", data] + options
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    var line: [UInt8] = []
    while line.last != 0x0A {
      let piece = output.fileHandleForReading.availableData
      guard !piece.isEmpty else { throw BenchmarkFailure("maslin serve did not start") }
      line += piece
    }
    let ready = try JSONParser.parse(line)
    guard let url = ready["url"]?.stringValue, let number = URL(string: url)?.port,
      let file = ready["tokenFile"]?.stringValue
    else { throw BenchmarkFailure("maslin serve printed no address") }
    client = StreamingClient(
      port: UInt16(number),
      token: try String(contentsOfFile: file, encoding: .utf8)
        .trimmingCharacters(in: .whitespacesAndNewlines))
  }

  /// The server's resident memory in bytes; Linux only.
  var residentBytes: Int {
    let status =
      (try? String(contentsOfFile: "/proc/\(process.processIdentifier)/status", encoding: .utf8))
      ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
    return (line?.split(separator: " ").dropFirst().first).flatMap { Int($0) }.map { $0 * 1024 }
      ?? 0
  }

  /// Ends the server.
  func stop() {
    process.terminate()
    process.waitUntilExit()
    try? FileManager.default.removeItem(atPath: data)
  }
}
