import CKernels

extension ProcessorOperations {
  /// Sums squares in f32, over 16 lanes.
  public func normalize(
    _ input: ProcessorBuffer, rows: Int, groups: Int, weight: ProcessorWeights?, epsilon: Float,
    into output: ProcessorBuffer
  ) {
    let columns = input.columns
    precondition(output.columns == columns && groups > 0 && columns % groups == 0)
    precondition(rows <= input.rows && rows <= output.rows)
    let width = columns / groups
    let values = weight?.values
    if let values { precondition(values.columns * values.rows == width) }
    let out = output.change()
    let source = input.values
    spread(rows, cost: 2 * columns) { rows, _ in
      for part in rows.lowerBound * groups..<rows.upperBound * groups {
        vector.normalize(source + part * width, width, values?.values, epsilon, out + part * width)
      }
    }
  }

  /// Sums squares in f32, over 16 lanes.
  public func normalizeLength(_ buffer: ProcessorBuffer, rows: Int, groups: Int, epsilon: Float) {
    precondition(groups > 0 && buffer.columns % groups == 0 && rows <= buffer.rows)
    let width = buffer.columns / groups
    let values = buffer.change()
    spread(rows, cost: 2 * buffer.columns) { rows, _ in
      for part in rows.lowerBound * groups..<rows.upperBound * groups {
        vector.normalize_length(values + part * width, width, epsilon)
      }
    }
  }

  /// Forms angles in f64; sine and cosine once a row for all heads.
  public func rotate(
    _ buffer: ProcessorBuffer, rows: Int, heads: Int, rotation: Rotation, positions: [Int32],
    inverse: Bool
  ) {
    precondition(heads > 0 && buffer.columns % heads == 0 && rows <= buffer.rows)
    precondition(positions.count >= rows && rotation.frequencies.count * 2 == rotation.width)
    let width = buffer.columns / heads
    precondition(rotation.offset >= 0 && rotation.offset + rotation.width <= width)
    let pairs = rotation.frequencies.count
    if pairs == 0 { return }
    let values = buffer.change()
    let turn =
      rotation.pairing == .adjacent ? vector.rotate_adjacent : vector.rotate_halves
    pool.reserveScratch(2 * pairs * MemoryLayout<Float>.stride)
    rotation.frequencies.withUnsafeBufferPointer { frequencies in
      guard let frequencies = frequencies.baseAddress else { return }
      spread(rows, cost: 16 * pairs + heads * pairs) { rows, worker in
        let cosines = pool.scratch(worker).assumingMemoryBound(to: Float.self)
        let sines = cosines + pairs
        for row in rows {
          maslin_angles(
            positions[row], frequencies, pairs, rotation.magnitude, inverse ? 1 : 0, cosines, sines)
          let first = values + row * buffer.columns + rotation.offset
          for head in 0..<heads { turn(first + head * width, pairs, cosines, sines) }
        }
      }
    }
  }

  /// One pass over the rows.
  public func gatedActivation(
    _ gate: ProcessorBuffer, _ up: ProcessorBuffer, rows: Int, limit: Float?,
    into output: ProcessorBuffer
  ) {
    let columns = gate.columns
    precondition(up.columns == columns && output.columns == columns)
    precondition(rows <= gate.rows && rows <= up.rows && rows <= output.rows)
    let out = output.change()
    spread(rows, cost: 4 * columns) { rows, _ in
      let first = rows.lowerBound * columns
      vector.gated_activation(
        gate.values + first, up.values + first, rows.count * columns, limit ?? .infinity,
        out + first)
    }
  }

  /// With one rounding for product and sum when there is a scale.
  public func add(
    _ source: ProcessorBuffer, rows: Int, scale: ProcessorBuffer?, to target: ProcessorBuffer
  ) {
    let columns = source.columns
    precondition(target.columns == columns && rows <= source.rows && rows <= target.rows)
    if let scale { precondition(scale.columns == 1 && rows <= scale.rows) }
    let out = target.change()
    spread(rows, cost: columns) { rows, _ in
      for row in rows {
        if let scale {
          vector.add_scaled(source.row(row), scale.values[row], columns, out + row * columns)
        } else {
          vector.add(source.row(row), columns, out + row * columns)
        }
      }
    }
  }

  /// Exact to two units in the last place, and 0 or 1 far out.
  public func sigmoid(_ buffer: ProcessorBuffer, rows: Int) {
    precondition(rows <= buffer.rows)
    let values = buffer.change()
    let columns = buffer.columns
    spread(rows, cost: 4 * columns) { rows, _ in
      let first = values + rows.lowerBound * columns
      vector.sigmoid(first, rows.count * columns, first)
    }
  }

  /// One pass over the rows.
  public func multiplyElements(
    _ source: ProcessorBuffer, rows: Int, with target: ProcessorBuffer
  ) {
    let columns = source.columns
    precondition(target.columns == columns && rows <= source.rows && rows <= target.rows)
    let out = target.change()
    spread(rows, cost: columns) { rows, _ in
      let first = rows.lowerBound * columns
      vector.multiply(source.values + first, rows.count * columns, out + first)
    }
  }

  /// Butterflies of doubling distance, then the scale.
  public func hadamard(_ buffer: ProcessorBuffer, rows: Int, width: Int) {
    precondition(width > 0 && width & (width - 1) == 0, "a width of \(width) is no power of two")
    precondition(buffer.columns % width == 0 && rows <= buffer.rows)
    let values = buffer.change()
    let parts = buffer.columns / width
    let scale = 1 / Float(width).squareRoot()
    spread(rows, cost: 4 * buffer.columns) { rows, _ in
      for part in rows.lowerBound * parts..<rows.upperBound * parts {
        vector.hadamard(values + part * width, width, scale)
      }
    }
  }

  /// Scales are taken from the largest magnitude of each group.
  public func round(
    _ buffer: ProcessorBuffer, rows: Int, heads: Int, columns: Range<Int>, to format: RoundingFormat
  ) {
    precondition(heads > 0 && buffer.columns % heads == 0 && rows <= buffer.rows)
    let width = buffer.columns / heads
    precondition(columns.lowerBound >= 0 && columns.upperBound <= width)
    let group = format.groupSize
    let values = buffer.change()
    let rounding = format == .float8E4M3 ? vector.round_float8 : vector.round_float4
    spread(rows, cost: 4 * heads * columns.count) { rows, _ in
      for part in rows.lowerBound * heads..<rows.upperBound * heads {
        for first in stride(from: columns.lowerBound, to: columns.upperBound, by: group) {
          rounding(values + part * width + first, min(group, columns.upperBound - first))
        }
      }
    }
  }

  /// Decodes the table when it is first used. Positions are not negative.
  public func addPeriodic(
    _ table: ProcessorWeights, positions: [Int32], rows: Int, to buffer: ProcessorBuffer
  ) {
    precondition(table.columns == buffer.columns && rows <= buffer.rows)
    precondition(positions.count >= rows && positions.allSatisfy { $0 >= 0 })
    let terms = table.values
    let out = buffer.change()
    spread(rows, cost: buffer.columns) { rows, _ in
      for row in rows {
        let term = terms.row(Int(positions[row]) % terms.rows)
        vector.add(term, buffer.columns, out + row * buffer.columns)
      }
    }
  }
}
