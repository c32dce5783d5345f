import Foundation
import Solidity

/// The part of the disk below some directories. What lies elsewhere is not there, whatever way leads to it: links are
/// resolved before they are followed, and what is read is the path that was examined.
struct RootedFileSystem: FileSystem {
  private let roots: [String]
  private let disk = LocalFileSystem()

  /// Makes the view.
  ///
  /// - Parameter roots: absolute paths with all links resolved.
  init(roots: [String]) { self.roots = roots }

  /// What a path leads to when that is below a root.
  private func permitted(_ path: String) -> String? {
    Self.resolved(path).flatMap { covers($0) ? $0 : nil }
  }

  private func covers(_ path: String) -> Bool {
    roots.contains { SourcePath.isWithin(path, $0) }
  }

  /// Whether a path leads, or would lead if it existed, outside of every root.
  func isOutside(_ path: String) -> Bool {
    var existing = path
    while true {
      if let target = Self.resolved(existing) { return !covers(target) }
      let parent = SourcePath.parent(of: existing)
      guard parent != existing else { return true }
      existing = parent
    }
  }

  /// A path with all links resolved; nil when that fails.
  static func resolved(_ path: String) -> String? {
    guard let buffer = realpath(path, nil) else { return nil }
    defer { free(buffer) }
    return String(cString: buffer)
  }

  func kind(of path: String) -> FileKind? { permitted(path).flatMap(disk.kind) }

  func list(_ directory: String) throws(FileSystemError) -> [DirectoryEntry] {
    guard let target = permitted(directory) else { throw .missing(path: directory) }
    return try disk.list(target).filter { entry in
      !entry.isLink || permitted(SourcePath.joined(target, entry.name)) != nil
    }
  }

  func read(_ path: String, limit: Int) throws(FileSystemError) -> [UInt8] {
    guard let target = permitted(path) else { throw .missing(path: path) }
    return try disk.read(target, limit: limit)
  }

  func resolvingLinks(_ path: String) -> String { permitted(path) ?? path }
}
