import Kernels
import Synchronization
import Testing

@Suite struct ThreadPoolTests {
  @Test(arguments: 1...8) func thousandsOfTinyRegionsAddUp(threads: Int) throws {
    let pool = try ThreadPool(threads: threads)
    #expect(pool.threads == threads)
    let sum = Atomic<Int>(0)
    var expected = 0
    for region in 0..<4000 {
      let parts = region % 23
      pool.parallel(parts) { part, worker in
        precondition(worker < threads)
        sum.add(part + 1, ordering: .relaxed)
      }
      expected += parts * (parts + 1) / 2
      // The region is over when `parallel` returns.
      #expect(sum.load(ordering: .relaxed) == expected)
    }
  }

  @Test func everyPartRunsOnce() throws {
    let pool = try ThreadPool(threads: 4)
    for parts in [1, 2, 3, 100, 10_000] {
      let counts = UnsafeMutablePointer<Int>.allocate(capacity: parts)
      defer { counts.deallocate() }
      counts.initialize(repeating: 0, count: parts)
      pool.parallel(parts) { part, _ in counts[part] += 1 }
      #expect((0..<parts).allSatisfy { counts[$0] == 1 })
    }
  }

  @Test func threadsWakeAfterALongPause() throws {
    let pool = try ThreadPool(threads: 3)
    let sum = Atomic<Int>(0)
    for _ in 0..<20 {
      pool.parallel(7) { part, _ in sum.add(part, ordering: .relaxed) }
      // Longer than threads spin.
      let start = ContinuousClock.now
      while ContinuousClock.now - start < .milliseconds(2) {}
    }
    #expect(sum.load(ordering: .relaxed) == 20 * 21)
  }

  @Test func poolsComeAndGo() throws {
    for threads in 1...50 {
      let pool = try ThreadPool(threads: threads % 8 + 1)
      if threads % 2 == 0 { pool.parallel(3) { _, _ in } }
    }
  }

  @Test(arguments: [0, -1, 1025]) func refusesCounts(threads: Int) {
    #expect(throws: KernelError.self) { try ThreadPool(threads: threads) }
  }
}
