import DurableFiles
import Foundation
import JSON

/// The `maslin serve` that runs for a data directory, as it announces itself in the file `serve.json` there.
public struct RunningServer: Hashable, Sendable {
  /// Its address: `http://127.0.0.1:4114`.
  public let url: String
  /// The file with its token; nil for a server without one.
  public let tokenFile: String?
  /// Its process.
  public let process: Int32

  /// Makes a description.
  public init(url: String, tokenFile: String?, process: Int32) {
    self.url = url
    self.tokenFile = tokenFile
    self.process = process
  }

  /// The server that announced itself last and still runs; nil when there is none. A damaged file counts as none.
  public init?(in directory: DataDirectory) {
    guard let bytes = try? SystemFiles().read(Self.path(directory), limit: 1 << 16),
      let json = try? JSONParser.parse(bytes), let url = json["url"]?.stringValue,
      let number = json["pid"]?.integerValue, let process = Int32(exactly: number), process > 0
    else { return nil }
    // Signal 0 only asks; a process of another user exists too.
    guard kill(process, 0) == 0 || errno == EPERM else { return nil }
    self.init(url: url, tokenFile: json["tokenFile"]?.stringValue, process: process)
  }

  /// Leaves the description for others to find.
  ///
  /// - Throws: `FileFailure` when it cannot be written.
  public func announce(in directory: DataDirectory) throws {
    var writer = JSONWriter(style: .compact)
    writer.value(
      .members([
        "url": .string(url), "tokenFile": tokenFile.map(JSONValue.string) ?? .null,
        "pid": .integer(Int(process)),
      ]))
    try AtomicFile.write(writer.takeBytes(), to: Self.path(directory))
  }

  /// Removes the description, if it is still this server's.
  public func withdraw(from directory: DataDirectory) {
    guard RunningServer(in: directory) == self else { return }
    unlink(Self.path(directory))
  }

  private static func path(_ directory: DataDirectory) -> String { directory.file("serve.json") }
}
