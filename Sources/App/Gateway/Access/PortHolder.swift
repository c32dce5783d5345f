import DurableFiles
import Foundation
import TerminalText

/// The process that listens on a port.
public struct PortHolder: Hashable, Sendable, CustomStringConvertible {
  /// The process's number.
  public let process: Int
  /// Its name.
  public let name: String

  /// `'python3' (process 4711)`
  public var description: String { "'\(name)' (process \(process))" }

  /// Finds out who listens on a TCP port of this machine; nil where the system does not tell, or not to this user.
  ///
  /// On Linux from `/proc/net/tcp` and `/proc/net/tcp6` (proc_net(5)), which name the socket, and `/proc/PID/fd`, which
  /// name the process.
  public init?(port: Int) {
    #if os(Linux)
      let sockets = Set(
        ["/proc/net/tcp", "/proc/net/tcp6"].flatMap { path in
          Self.listeners(port: port, in: Self.text(path))
        })
      guard !sockets.isEmpty,
        let entries = try? FileManager.default.contentsOfDirectory(atPath: "/proc")
      else { return nil }
      for process in entries.compactMap({ Int($0) }).sorted() {
        let directory = "/proc/\(process)/fd"
        let links = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        let holds = links.contains { link in
          guard
            let target = try? FileManager.default.destinationOfSymbolicLink(
              atPath: directory + "/" + link)
          else { return false }
          return sockets.contains(target)
        }
        guard holds else { continue }
        self.process = process
        name = SafeText.line(
          Self.text("/proc/\(process)/comm").trimmingCharacters(in: .whitespacesAndNewlines))
        return
      }
    #endif
    return nil
  }

  /// A file of the system, whose size is not known before it is read; empty when it cannot be read.
  private static func text(_ path: String) -> String {
    String(decoding: (try? SystemFiles().read(path, limit: 16 << 20)) ?? [], as: UTF8.self)
  }

  /// The sockets in a table of `/proc/net` that listen on a port, as descriptors name them: `socket:[12345]`.
  static func listeners(port: Int, in table: String) -> [String] {
    table.split(separator: "\n").dropFirst().compactMap { line in
      let fields = line.split(separator: " ")
      // Local address, state (0A: listening) and inode.
      guard fields.count > 9, fields[3] == "0A",
        let own = fields[1].split(separator: ":").last.flatMap({ Int($0, radix: 16) }), own == port
      else { return nil }
      return "socket:[\(fields[9])]"
    }
  }
}
