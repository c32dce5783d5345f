import Inference
import Testing

@Suite("Memory plan")
struct MemoryPlanTests {
  private static let gibibyte = 1 << 30

  private func plan(available: Int, context: Int = 65_536) -> MemoryPlan {
    // The 2-bit Flash file: 80.8 GiB, of it 73 GiB routed experts; 13,760 bytes of cache a token.
    MemoryPlan(
      weights: 81 * Self.gibibyte, denseWeights: 8 * Self.gibibyte, contextLength: context,
      contextLimit: 1_048_576, memory: MachineMemory(total: available, available: available),
      cacheBytes: { $0 * 13_760 })
  }

  @Test("What fits, what streams, what does not")
  func verdicts() {
    #expect(plan(available: 96 * Self.gibibyte).verdict == .fits)
    #expect(plan(available: 62 * Self.gibibyte).verdict == .streams)
    #expect(plan(available: 8 * Self.gibibyte).verdict == .doesNotFit)
  }

  @Test("The longest context that fits is found, and offered when a longer one was asked for")
  func context() {
    let long = plan(available: 90 * Self.gibibyte, context: 1_048_576)
    #expect(long.verdict != .fits)
    #expect(long.longestContext == 524_288)
    #expect(long.explanation.contains("choose a context of 524288 tokens"))
    #expect(plan(available: 80 * Self.gibibyte).longestContext == nil)
  }

  @Test("The explanation names what is needed, what there is and what to do")
  func explanation() {
    let text = plan(available: 62 * Self.gibibyte).explanation
    #expect(text.contains("needs 82.1 GiB"))
    #expect(text.contains("62.0 GiB available"))
    #expect(text.contains("--stream"))
  }

  @Test("The present machine has memory, no more available than there is")
  func machine() throws {
    let memory = try MachineMemory.current()
    #expect(memory.total > 1 << 28)
    #expect(memory.available > 0)
    #expect(memory.available <= memory.total)
  }

  @Test("The groups that limit a process are its own and those around it")
  func groups() {
    #expect(
      MachineMemory.groupDirectories("0::/user/session 1\n")
        == ["/sys/fs/cgroup/user/session 1", "/sys/fs/cgroup/user", "/sys/fs/cgroup"])
    #expect(
      MachineMemory.groupDirectories("9:name=systemd:/\n4:cpu,memory:/jobs\n3:cpu:/x\n")
        == ["/sys/fs/cgroup/memory/jobs", "/sys/fs/cgroup/memory"])
    #expect(MachineMemory.groupDirectories("damaged\n1:memory:/../../etc\n").isEmpty)
  }

  @Test("Sizes are printed for people")
  func sizes() {
    #expect(ByteText.gibibytes(97 * Self.gibibyte + Self.gibibyte / 5) == "97.2 GiB")
    #expect(ByteText.gibibytes(17 << 20) == "17.0 MiB")
    #expect(ByteText.gibibytes(0) == "0.0 MiB")
  }
}
