import Foundation

/// The one directory that holds what Maslin keeps between runs.
///
/// Taken from `--data`, else from `MASLIN_DATA`, else the platform's place for data: `$XDG_DATA_HOME/maslin` or
/// `~/.local/share/maslin` on Linux (XDG Base Directory Specification), `~/Library/Application Support/Maslin` on macOS.
public struct DataDirectory: Hashable, Sendable {
  /// The path, absolute or relative to the working directory.
  public let path: String

  /// Finds the directory; does not create it.
  ///
  /// - Parameters:
  ///   - option: the value of `--data`, if it was given.
  ///   - environment: the process's environment.
  /// - Throws: `DataDirectoryError.unknown` when nothing names a directory.
  public init(
    option: String?, environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws(DataDirectoryError) {
    if let option, !option.isEmpty {
      path = option
      return
    }
    if let variable = environment["MASLIN_DATA"], !variable.isEmpty {
      path = variable
      return
    }
    let home = environment["HOME"].flatMap { $0.isEmpty ? nil : $0 }
    #if os(macOS)
      guard let home else { throw .unknown }
      path = home + "/Library/Application Support/Maslin"
    #else
      if let base = environment["XDG_DATA_HOME"], base.hasPrefix("/") {
        path = base + "/maslin"
      } else if let home {
        path = home + "/.local/share/maslin"
      } else {
        throw .unknown
      }
    #endif
  }

  /// The path of a file in the directory.
  public func file(_ name: String) -> String { path + "/" + name }

  /// Creates the directory, for its owner alone, if it does not exist.
  ///
  /// - Throws: `DataDirectoryError.cannotCreate` with the system's reason.
  public func create() throws(DataDirectoryError) {
    do {
      try FileManager.default.createDirectory(
        atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    } catch {
      throw .cannotCreate(path: path, reason: error.localizedDescription)
    }
  }
}

/// Why there is no data directory.
public enum DataDirectoryError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Neither an option nor the environment names one.
  case unknown
  /// It does not exist and could not be made.
  case cannotCreate(path: String, reason: String)

  /// A sentence for people.
  public var description: String {
    switch self {
    case .unknown:
      "no place for data: HOME is not set; name a directory with --data or MASLIN_DATA"
    case .cannotCreate(let path, let reason):
      "the data directory '\(path)' could not be created: \(reason)"
    }
  }
}
