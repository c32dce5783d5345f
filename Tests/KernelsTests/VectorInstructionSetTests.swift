import Kernels
import TensorFormats
import Testing

@Suite struct VectorInstructionSetTests {
  @Test func namesAreRead() {
    for set in InstructionSet.allCases {
      #expect(InstructionSet(name: set.rawValue.uppercased()) == set)
    }
    #expect(InstructionSet(name: "avx1024") == nil)
  }

  @Test func theBestIsAvailable() {
    #expect(InstructionSet.available.contains(.best))
    #expect(InstructionSet.available.first == .scalar)
  }

  @Test func otherArchitecturesSetsAreRefused() throws {
    for set in InstructionSet.allCases where !InstructionSet.available.contains(set) {
      #expect(throws: KernelError.unavailableInstructionSet(set.rawValue)) {
        try ProcessorOperations(threads: 1, instructionSet: set)
      }
    }
  }

  @Test func prefetchingChangesNothing() throws {
    let operations = try ProcessorOperations(threads: 1)
    operations.prefetchesExperts = true
    let tensors = Tensors()
    let weights = try operations.load(
      tensors.floats((0..<24).map(Float.init), [2, 3, 4]))
    operations.prefetch(weights, experts: [3, 0, -1, 4])
    let output = operations.makeBuffer(rows: 1, columns: 2)
    operations.lookUp(weights, ids: [11], into: output)
    #expect(operations.all(output) == [22, 23])
  }
}
