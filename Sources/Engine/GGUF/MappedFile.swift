import CKernels

#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What the kernel will be told about the coming use of a part of a file.
public enum MemoryAdvice: Hashable, Sendable {
  /// It will be read soon: fetch it in the background.
  case willNeed
  /// It will be read from front to back.
  case sequential
  /// It will be read here and there: reading ahead is useless.
  case random
  /// It will not be read soon: its memory can be given to others.
  case dontNeed
}

/// A whole file mapped for reading. The process survives when the file is truncated meanwhile (see
/// `checkUnchanged()`).
package final class MappedFile: @unchecked Sendable {
  // Sendable: all properties are constant, the mapping is read-only, and the guard counts atomically.

  /// The file.
  package let path: String
  /// Its whole content; valid for as long as this object lives.
  package let bytes: UnsafeRawBufferPointer
  private let descriptor: Int32
  private let state: FileState
  private let guardRecord: OpaquePointer

  /// The time of the file's last change when it was opened, in nanoseconds since 1970.
  package var modifiedNanoseconds: Int { state.modifiedNanoseconds }

  /// Opens and maps a file that is not empty.
  package init(_ path: String) throws(GGUFError) {
    // Not blocking: opening a pipe would wait for a writer.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw Self.failure(path, "open") }
    do throws(GGUFError) {
      guard let state = FileState(descriptor: descriptor) else {
        throw Self.failure(path, "inspect")
      }
      guard state.isRegular else {
        throw .system(path: path, operation: "map", reason: "it is no regular file")
      }
      guard state.size > 0 else {
        throw .system(path: path, operation: "map", reason: "it is empty")
      }
      let address = mmap(nil, state.size, PROT_READ, MAP_SHARED, descriptor, 0)
      guard let address, address != MAP_FAILED else { throw Self.failure(path, "map") }
      guard let record = maslin_mapping_guard(address, state.size) else {
        munmap(address, state.size)
        throw .system(path: path, operation: "watch", reason: "no memory")
      }
      self.path = path
      self.descriptor = descriptor
      self.state = state
      guardRecord = record
      bytes = UnsafeRawBufferPointer(start: address, count: state.size)
    } catch {
      close(descriptor)
      throw error
    }
  }

  deinit {
    maslin_mapping_release(guardRecord)
    munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
    close(descriptor)
  }

  /// Throws when the file is no longer what it was when it was opened.
  package func checkUnchanged() throws(GGUFError) {
    let lost = maslin_mapping_lost_pages(guardRecord)
    guard lost == 0 else {
      throw .changed(
        path: path, problem: "was truncated while it was in use (\(lost) pages were gone when read)"
      )
    }
    guard let now = FileState(descriptor: descriptor) else { throw Self.failure(path, "inspect") }
    guard now.size == state.size else {
      throw .changed(
        path: path, problem: "changed its size from \(state.size) to \(now.size) bytes")
    }
    guard now == state else { throw .changed(path: path, problem: "was written to") }
    guard let named = FileState(path: path) else {
      throw .changed(path: path, problem: "was removed")
    }
    guard named.isSameFile(as: state) else {
      throw .changed(path: path, problem: "was replaced by another file")
    }
  }

  /// Passes advice on the pages that `part` touches; pages outside the file are left alone.
  package func advise(_ part: UnsafeRawBufferPointer, _ advice: MemoryAdvice) {
    guard let partStart = part.baseAddress, let start = bytes.baseAddress, !part.isEmpty else {
      return
    }
    let pageSize = Int(sysconf(Int32(_SC_PAGESIZE)))
    guard pageSize > 0 else { return }
    var lower = partStart - start
    var upper = lower + part.count
    guard lower >= 0, upper <= bytes.count else { return }
    if advice == .dontNeed {
      // Only pages that nobody else's bytes share.
      lower = (lower + pageSize - 1) / pageSize * pageSize
      upper = upper == bytes.count ? upper : upper / pageSize * pageSize
    } else {
      lower = lower / pageSize * pageSize
    }
    guard lower < upper else { return }
    let number =
      switch advice {
      case .willNeed: MADV_WILLNEED
      case .sequential: MADV_SEQUENTIAL
      case .random: MADV_RANDOM
      case .dontNeed: MADV_DONTNEED
      }
    // Advice that is refused costs speed, never correctness.
    _ = madvise(UnsafeMutableRawPointer(mutating: start + lower), upper - lower, number)
  }

  private static func failure(_ path: String, _ operation: String) -> GGUFError {
    .system(path: path, operation: operation, reason: String(cString: strerror(errno)))
  }
}

/// What tells whether a file is still the same.
package struct FileState: Equatable {
  let isRegular: Bool
  /// In bytes.
  package let size: Int
  private let device: UInt64
  private let inode: UInt64
  /// The time of the last change since 1970.
  package let modifiedNanoseconds: Int

  /// The state of an open file; nil when the system refuses.
  init?(descriptor: Int32) {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return nil }
    self.init(status)
  }

  /// The state of the file of that name; nil when there is none.
  package init?(path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    self.init(status)
  }

  private init(_ status: stat) {
    isRegular = status.st_mode & S_IFMT == S_IFREG
    size = Int(status.st_size)
    device = UInt64(truncatingIfNeeded: status.st_dev)
    inode = UInt64(status.st_ino)
    #if canImport(Darwin)
      let modified = status.st_mtimespec
    #else
      let modified = status.st_mtim
    #endif
    // Seconds beyond the year 2262 do not fit; wrapped numbers still tell changes.
    modifiedNanoseconds = modified.tv_sec &* 1_000_000_000 &+ modified.tv_nsec
  }

  func isSameFile(as other: FileState) -> Bool {
    device == other.device && inode == other.inode
  }
}
