import CKernels

/// A grid of short vectors of magnitudes, with a quick search for the entries near a given vector.
///
/// Values are rounded one by one to the levels that grids are made of. Where that combination is an entry, it is the
/// nearest for any weights. For every other combination a short list of the nearest entries is kept, of which the
/// weighted error picks one.
struct GridSearch<Vector: SIMD<Float>>: Sendable where Vector: Sendable {
  /// The entries' values.
  let entries: [Vector]
  /// The values that coordinates take, ascending, and the boundaries between them.
  let levels: [Float]
  private let boundaries: [Float]
  /// Where the list of combination c starts: `starts[c]..<starts[c + 1]` in `nearby`.
  private let starts: [Int32]
  private let nearby: [UInt16]

  /// - Parameter kept: the length of the lists.
  init(entries: [Vector], levels: [Float], kept: Int) {
    self.entries = entries
    self.levels = levels
    boundaries = (1..<levels.count).map { (levels[$0 - 1] + levels[$0]) / 2 }
    let dimensions = Vector.scalarCount
    let combinations = (0..<dimensions).reduce(1) { count, _ in count * levels.count }
    var starts: [Int32] = [0]
    var nearby: [UInt16] = []
    starts.reserveCapacity(combinations + 1)
    var distances = [(distance: Float, index: Int)](repeating: (0, 0), count: kept)
    for combination in 0..<combinations {
      var point = Vector()
      var rest = combination
      for dimension in 0..<dimensions {
        point[dimension] = levels[rest % levels.count]
        rest /= levels.count
      }
      var filled = 0
      for (index, entry) in entries.enumerated() {
        let difference = entry - point
        let distance = (difference * difference).sum()
        if filled == kept, distance >= distances[kept - 1].distance { continue }
        var position = filled < kept ? filled : kept - 1
        filled = min(filled + 1, kept)
        while position > 0, distances[position - 1].distance > distance {
          distances[position] = distances[position - 1]
          position -= 1
        }
        distances[position] = (distance, index)
        if distance == 0 { break }
      }
      if distances[0].distance == 0 {
        nearby.append(UInt16(distances[0].index))
      } else {
        nearby.append(contentsOf: distances[..<filled].map { UInt16($0.index) })
      }
      starts.append(Int32(nearby.count))
    }
    self.starts = starts
    self.nearby = nearby
  }

  /// The entry that, times `scale`, comes nearest to `x`.
  @inline(__always)
  func nearest(
    _ x: Vector, weights: Vector, scale: Float
  ) -> (index: Int, xv: Float, vv: Float) {
    let scaled = x * (1 / scale)
    var combination = 0
    for dimension in stride(from: Vector.scalarCount - 1, through: 0, by: -1) {
      var level = 0
      for boundary in boundaries where scaled[dimension] > boundary { level += 1 }
      combination = combination * levels.count + level
    }
    let weighted = weights * x
    let low = Int(starts[combination])
    let high = Int(starts[combination + 1])
    var best = (index: 0, xv: Float(0), vv: Float(0))
    var bestCost = Float.infinity
    for position in low..<high {
      let index = Int(nearby[position])
      let entry = entries[index]
      let xv = (weighted * entry).sum()
      let vv = (weights * entry * entry).sum()
      let cost = scale * (scale * vv - 2 * xv)
      if cost < bestCost {
        bestCost = cost
        best = (index, xv, vv)
      }
    }
    return best
  }
}

/// The grids that encoders search.
enum Grids {
  private static let twoBitLevels: [Float] = [8, 25, 43]

  static let iq2XXS = GridSearch(
    entries: eights(of: maslin_iq2_xxs_grid), levels: twoBitLevels, kept: 14)
  static let iq2XS = GridSearch(
    entries: eights(of: maslin_iq2_xs_grid), levels: twoBitLevels, kept: 14)
  static let iq3XXS = GridSearch(
    entries: withUnsafeBytes(of: maslin_iq3_xxs_grid) { bytes in
      stride(from: 0, to: bytes.count, by: 4).map { start in
        SIMD4<Float>((0..<4).map { Float(bytes[start + $0]) })
      }
    }, levels: [4, 12, 20, 28, 36, 44, 52, 62], kept: 10)

  private static func eights<Table>(of table: Table) -> [SIMD8<Float>] {
    withUnsafeBytes(of: table) { bytes in
      stride(from: 0, to: bytes.count, by: 8).map { start in
        SIMD8<Float>((0..<8).map { Float(bytes[start + $0]) })
      }
    }
  }
}
