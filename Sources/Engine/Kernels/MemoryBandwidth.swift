import CKernels

/// How fast this machine reads memory, measured.
public struct MemoryBandwidth: Hashable, Sendable {
  /// Bytes a second that all threads of a pool read together.
  public var bytesPerSecond: Double
  /// The number of threads that read.
  public var threads: Int

  /// Reads a block of memory several times with all threads of a pool and takes the fastest pass.
  ///
  /// - Parameters:
  ///   - byteCount: the size of the block; several times the last cache to mean anything.
  ///   - passes: how often the block is read.
  public static func measure(
    _ pool: ThreadPool, byteCount: Int = 512 << 20, passes: Int = 5
  ) -> MemoryBandwidth {
    let partWords = 1 << 17
    let parts = max(pool.threads, byteCount / 8 / partWords)
    let words = UnsafeMutablePointer<UInt64>.allocate(capacity: parts * partWords)
    defer { words.deallocate() }
    // Written by the threads that read it later, so that each page lies near its reader where memory is not uniform.
    pool.parallel(parts) { part, _ in
      (words + part * partWords).initialize(repeating: UInt64(part), count: partWords)
    }
    let sums = UnsafeMutablePointer<UInt64>.allocate(capacity: parts)
    sums.initialize(repeating: 0, count: parts)
    defer { sums.deallocate() }
    var best = Duration.seconds(1_000_000)
    for _ in 0..<max(1, passes) {
      let start = ContinuousClock.now
      pool.parallel(parts) { part, _ in
        sums[part] = maslin_sum_words(words + part * partWords, partWords)
      }
      best = min(best, ContinuousClock.now - start)
    }
    let bytes = Double(parts * partWords * 8)
    return MemoryBandwidth(bytesPerSecond: bytes / (best / .seconds(1)), threads: pool.threads)
  }
}

extension ProcessorOperations {
  /// How fast this machine reads memory with the threads that these operations run on.
  public func measureBandwidth(byteCount: Int = 512 << 20, passes: Int = 5) -> MemoryBandwidth {
    MemoryBandwidth.measure(pool, byteCount: byteCount, passes: passes)
  }
}
