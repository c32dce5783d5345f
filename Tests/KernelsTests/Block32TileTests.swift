import CKernels
import TensorFormats
import Testing

/// The product on a unit for tiles of bytes (Intel AMX), whose instructions a model stands for.
@Suite(.enabled(if: DispatchedKernels.sets.contains(MASLIN_AVX512)))
struct Block32TileTests {
  @Test(arguments: Block32Tests.types, [32, 96, 256, 1024, 1120])
  func modelGivesTheScalarBits(type: TensorType, count: Int) throws {
    var generator = WeightGenerator(seed: UInt64(count))
    let (allRows, allColumns) = (33, 150)
    let weights = generator.weights(type, count: allRows * count)
    let scalar = try #require(DispatchedKernels(type, MASLIN_SCALAR))
    let rounded = scalar.round(generator.values(allColumns * count), count: count)
    let reference = scalar.multiply(weights, rows: allRows, by: rounded, columns: allColumns)
    let kernels = try #require(DispatchedKernels(onTileModel: type))
    // 16 columns go to the unit at once, the others do not; a run of columns ends after 128.
    for columns in [1, 15, 16, 17, 32, 127, 129, 150] {
      for rows in [1, 16, 33] {
        let result = kernels.multiply(weights, rows: rows, by: rounded, columns: columns)
        let expected = corner(reference, of: allRows, rows: rows, columns: columns)
        #expect(identical(result, expected), "\(rows)x\(columns)")
      }
    }
  }

  @Test(arguments: [TensorType.f16, .q4_K, .i32]) func otherTypesHaveNone(type: TensorType) {
    #expect(DispatchedKernels(onTileModel: type) == nil)
  }
}
