import Kernels
import Testing

@Suite struct ProcessorTopologyTests {
  @Test func hyperthreadsCountOnce() {
    let topology = ProcessorTopology(
      allowed: [0, 1, 2, 3, 4, 5], speeds: [0, 0, 0, 0, 0, 0], cores: [0, 1, 2, 0, 1, 2],
      quota: nil)
    #expect(topology.preferred == [0, 1, 2])
    #expect(topology.threads == 3)
  }

  @Test func slowCoresAreLeftOut() {
    let topology = ProcessorTopology(
      allowed: [0, 1, 2, 3, 4], speeds: [5_000, 4_800, 3_500, 3_500, 5_100],
      cores: [0, 1, 2, 3, 4], quota: nil)
    #expect(topology.preferred == [0, 1, 4])
  }

  @Test func aMaskMayLeaveOnlyOneThreadOfACore() {
    let topology = ProcessorTopology(
      allowed: [8, 9], speeds: [1, 1], cores: [0, 1], quota: nil)
    #expect(topology.preferred == [8, 9])
  }

  @Test(arguments: [(0.5, 1), (1.0, 1), (1.5, 2), (2.0, 2), (100, 4)])
  func quotasLimitThreads(quota: Double, threads: Int) {
    let topology = ProcessorTopology(
      allowed: [0, 1, 2, 3], speeds: [1, 1, 1, 1], cores: [0, 1, 2, 3], quota: quota)
    #expect(topology.threads == threads)
    #expect(topology.preferred.count == 4)
  }

  @Test func thisMachineHasProcessors() {
    let topology = ProcessorTopology.current
    #expect(topology.threads >= 1)
    #expect(Set(topology.preferred).isSubset(of: topology.allowed))
  }

  #if os(Linux)
    @Test(arguments: [
      ("0-3,8\n", [0, 1, 2, 3, 8]), ("7", [7]), ("", []), ("5-2,x,1-99999999", []),
    ])
    func readsLists(text: String, numbers: [Int]) {
      #expect(ProcessorTopology.numbers(text) == numbers)
    }
  #endif
}
