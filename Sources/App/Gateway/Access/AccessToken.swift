import DurableFiles
import Foundation

/// The secret that clients show: 256 random bits in the URL-safe alphabet of Base64 (RFC 4648, 5), 43 characters.
public struct AccessToken: Hashable, Sendable {
  /// The token as clients send it.
  public let text: String

  /// Makes a new one from the system's random numbers.
  public init() {
    var generator = SystemRandomNumberGenerator()
    let bytes = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    text = Data(bytes).base64EncodedString()
      .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
  }

  /// Takes one that was made elsewhere: 16 to 512 characters that header fields can hold, without spaces.
  public init?(_ text: String) {
    guard (16...512).contains(text.utf8.count), text.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
    else { return nil }
    self.text = text
  }

  /// Whether a client's text is this token. Takes the same time for every text of the same length.
  func matches(_ other: some StringProtocol) -> Bool {
    let own = Array(text.utf8)
    let other = Array(other.utf8)
    var difference = UInt(truncatingIfNeeded: own.count ^ other.count)
    for index in own.indices {
      let byte = other.isEmpty ? 0 : other[index % other.count]
      difference |= UInt(own[index] ^ byte)
    }
    return difference == 0
  }
}

/// The file that keeps a token between runs: for its owner's eyes alone.
public struct TokenFile: Sendable {
  /// Where it is.
  public let path: String

  /// Names the file; does not touch it.
  public init(path: String) { self.path = path }

  /// Reads the token, or makes one and keeps it.
  ///
  /// Two programs that do this at once get the same token: the file appears complete or not at all, and is never
  /// replaced.
  ///
  /// - Returns: the token, and whether it is new.
  /// - Throws: `TokenFileError` when others could read the file, or it holds no token.
  public func load() throws(TokenFileError) -> (token: AccessToken, isNew: Bool) {
    if let token = try read() { return (token, false) }
    let token = AccessToken()
    let temporary = "\(path).\(UInt64.random(in: .min ... .max)).new"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw .file(systemFailure("create", temporary)) }
    defer { _ = unlink(temporary) }
    let files = SystemFiles()
    let isNew: Bool
    do throws(FileFailure) {
      do throws(FileFailure) {
        var rest = Array((token.text + "\n").utf8)[...]
        while !rest.isEmpty {
          rest = rest.dropFirst(try files.write(rest, to: descriptor, path: temporary))
        }
        try files.flush(descriptor, path: temporary)
      } catch {
        try? files.close(descriptor, path: temporary)
        throw error
      }
      try files.close(descriptor, path: temporary)
      isNew = link(temporary, path) == 0
      if !isNew, errno != EEXIST { throw systemFailure("create", path) }
      let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
      let directory = parts.joined(separator: "/")
      try files.flushDirectory(
        path.hasPrefix("/") && directory.isEmpty ? "/" : directory.isEmpty ? "." : directory)
    } catch {
      throw .file(error)
    }
    if isNew { return (token, true) }
    guard let token = try read() else {
      throw .file(FileFailure(operation: "read", path: path, reason: "it disappeared"))
    }
    return (token, false)
  }

  /// Reads the token; nil when there is no file.
  private func read() throws(TokenFileError) -> AccessToken? {
    let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      if errno == ENOENT { return nil }
      if errno == ELOOP { throw .notPlain(path: path) }
      throw .file(systemFailure("open", path))
    }
    defer { _ = close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .file(systemFailure("open", path)) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw .notPlain(path: path) }
    guard status.st_uid == geteuid() else { throw .otherOwner(path: path) }
    guard status.st_mode & 0o077 == 0 else {
      throw .readableByOthers(path: path, mode: Int(status.st_mode & 0o777))
    }
    var bytes = [UInt8](repeating: 0, count: 1024)
    let count = bytes.withUnsafeMutableBytes {
      Foundation.read(descriptor, $0.baseAddress, $0.count)
    }
    guard count >= 0 else { throw .file(systemFailure("read", path)) }
    let text = String(decoding: bytes[..<count], as: UTF8.self)
    guard count < bytes.count,
      let token = AccessToken(text.trimmingCharacters(in: .whitespacesAndNewlines))
    else { throw .noToken(path: path) }
    return token
  }
}

private func systemFailure(_ operation: String, _ path: String) -> FileFailure {
  FileFailure(operation: operation, path: path, reason: String(cString: strerror(errno)))
}

/// Why there is no token.
public enum TokenFileError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The file cannot be read or made.
  case file(FileFailure)
  /// It is a link, a directory or a device.
  case notPlain(path: String)
  /// It belongs to someone else.
  case otherOwner(path: String)
  /// Its permissions let others read or change it.
  case readableByOthers(path: String, mode: Int)
  /// Its content is no token.
  case noToken(path: String)

  /// A sentence for people, with what to do.
  public var description: String {
    switch self {
    case .file(let failure): "the token: \(failure)"
    case .notPlain(let path): "the token file '\(path)' is not a plain file; remove it"
    case .otherOwner(let path):
      "the token file '\(path)' belongs to another user, who knows what is in it; remove it or name another"
    case .readableByOthers(let path, let mode):
      "the token file '\(path)' has the permissions \(String(mode, radix: 8)), so that others may have read it; "
        + "remove it to get a new token, or chmod 600 it if you are sure"
    case .noToken(let path):
      "the token file '\(path)' does not hold a token (16 to 512 visible ASCII characters); remove it to get a new one"
    }
  }
}
