import CKernels

extension ProcessorOperations {
  /// Heads that share a key head are taken together, so that every row is loaded once for several heads. Scores first,
  /// then softmax, then the weighted sum in the order of the rows.
  public func attend(
    _ queries: ProcessorBuffer, rows: Int, heads: Int, keyHeads: Int, headWidth: Int,
    sources: [AttentionSource<ProcessorBuffer>], sinks: ProcessorWeights?, scale: Float,
    into output: ProcessorBuffer
  ) {
    let width = heads * headWidth
    precondition(queries.columns == width && output.columns == width)
    precondition(rows <= queries.rows && rows <= output.rows)
    precondition(keyHeads > 0 && heads % keyHeads == 0)
    let counts = (0..<rows).map { row in sources.reduce(0) { $0 + $1.selections[row].count } }
    precondition(counts.allSatisfy { $0 > 0 }, "a query sees no row")
    guard let most = counts.max() else { return }
    let sink = sinks?.values
    if let sink { precondition(sink.rows * sink.columns == heads) }

    // Heads of one key head share rows, so that they are taken together.
    let sharing = heads / keyHeads
    let wanted = max(pool.threads * 4 / max(rows * keyHeads, 1), 1)
    let block = max((sharing + wanted - 1) / wanted, min(sharing, 4))
    let blocks = (sharing + block - 1) / block
    let stride = (most + 15) / 16 * 16
    let pointerBytes = 2 * most * MemoryLayout<UnsafePointer<Float>>.stride
    pool.reserveScratch(pointerBytes + 64 + (block * stride + block) * MemoryLayout<Float>.stride)
    let out = output.change()

    pool.parallel(rows * keyHeads * blocks) { part, worker in
      let (index, headBlock) = part.quotientAndRemainder(dividingBy: blocks)
      let (row, keyHead) = index.quotientAndRemainder(dividingBy: keyHeads)
      let count = counts[row]
      let first = keyHead * sharing + headBlock * block
      let members = min(block, sharing - headBlock * block)

      let scratch = pool.scratch(worker)
      let keys = scratch.bindMemory(to: UnsafePointer<Float>.self, capacity: 2 * most)
      let values = keys + most
      let floats = (scratch + (pointerBytes + 63) / 64 * 64).assumingMemoryBound(to: Float.self)
      let weights = floats
      let divisors = floats + block * stride

      var filled = 0
      for source in sources {
        let selection = source.selections[row]
        source.keys.appendPointers(to: selection, keys + filled)
        source.values.appendPointers(to: selection, values + filled)
        filled += selection.count
      }
      let offset = keyHead * headWidth
      for index in 0..<count {
        keys[index] += offset
        values[index] += offset
      }
      vector.scores(
        queries.row(row) + first * headWidth, headWidth, members, keys, count, headWidth, scale,
        weights, stride)
      for member in 0..<members {
        divisors[member] = vector.exponentials(
          weights + member * stride, count, sink.map { $0.values + first + member })
      }
      vector.weighted_sum(
        weights, stride, members, values, count, headWidth, divisors,
        out + row * width + first * headWidth, headWidth)
    }
  }

  /// Column by column over 16 lanes.
  public func poolGroup(
    keys: PagedRows<ProcessorBuffer>, gates: PagedRows<ProcessorBuffer>, first: Int, ratio: Int,
    width: Int, overlap: Bool, into output: ProcessorBuffer, row: Int
  ) {
    precondition(output.columns == width && row >= 0 && row < output.rows && ratio > 0)
    var keyRows: [UnsafePointer<Float>] = []
    var gateRows: [UnsafePointer<Float>] = []
    if overlap && first > 0 {
      for index in first - ratio..<first {
        keyRows.append(keys.row(index))
        gateRows.append(gates.row(index))
      }
    }
    for index in first..<first + ratio {
      keyRows.append(keys.row(index) + (overlap ? width : 0))
      gateRows.append(gates.row(index) + (overlap ? width : 0))
    }
    vector.pool(keyRows, gateRows, keyRows.count, width, output.change() + row * width)
  }

  /// Scores 32 keys at a time, one a lane; then finds the limit by radix selection.
  public func selectRows(
    queries: ProcessorBuffer, headWeights: ProcessorBuffer, rows: Int, heads: Int, headWidth: Int,
    scale: Float, keys: PagedRows<ProcessorBuffer>, visible: [Int], limit: Int
  ) -> [RowSelection] {
    precondition(queries.columns == heads * headWidth && headWeights.columns == heads)
    precondition(rows <= queries.rows && rows <= headWeights.rows && visible.count >= rows)
    var selections = visible[..<rows].map { RowSelection.range(0..<$0) }
    let scored = (0..<rows).filter { visible[$0] > limit }
    guard let most = scored.map({ visible[$0] }).max() else { return selections }

    let lanes = Int(MASLIN_INDEX_KEYS)
    let blockKeys = 8 * lanes
    let stride = (most + blockKeys - 1) / blockKeys * blockKeys
    let blocks = stride / blockKeys
    let scores = workspace.scores.reserve(Float.self, scored.count * stride)
    pool.reserveScratch(
      4096 + (lanes * headWidth + heads) * MemoryLayout<Float>.stride)
    pool.parallel(scored.count * blocks) { part, worker in
      let (index, block) = part.quotientAndRemainder(dividingBy: blocks)
      let row = scored[index]
      let scratch = pool.scratch(worker)
      let pointers = scratch.bindMemory(to: UnsafePointer<Float>.self, capacity: lanes)
      let transposed = (scratch + 4096).assumingMemoryBound(to: Float.self)
      let weights = transposed + lanes * headWidth
      for head in 0..<heads { weights[head] = headWeights.row(row)[head] * scale }
      let last = min((block + 1) * blockKeys, visible[row])
      for first in Swift.stride(from: block * blockKeys, to: last, by: lanes) {
        let count = min(lanes, last - first)
        keys.appendPointers(to: .range(first..<first + count), pointers)
        // Lanes beyond the end compute what nobody reads.
        for lane in count..<lanes { pointers[lane] = pointers[0] }
        vector.index_keys(pointers, headWidth, transposed)
        vector.index_scores(
          queries.row(row), heads, headWidth, weights, transposed, scores + index * stride + first)
      }
    }
    var lists = [[Int32]](repeating: [], count: scored.count)
    lists.withUnsafeMutableBufferPointer { lists in
      // Safe: every part writes its own element, and the region ends before the array is used again.
      nonisolated(unsafe) let lists = lists
      pool.parallel(scored.count) { index, _ in
        lists[index] = LargestScores.choose(
          limit,
          among: UnsafeBufferPointer(start: scores + index * stride, count: visible[scored[index]]))
      }
    }
    for (index, row) in scored.enumerated() { selections[row] = .list(lists[index]) }
    return selections
  }
}

/// The choice of the rows with the largest scores: higher score first, then lower index.
enum LargestScores {
  /// The indices of the `count` first in that order, ascending. A score that is not a number comes last.
  static func choose(_ count: Int, among scores: UnsafeBufferPointer<Float>) -> [Int32] {
    if scores.count <= count { return (0..<scores.count).map(Int32.init) }
    if count <= 0 { return [] }
    // Find the key of the last one chosen by radix selection: 8 bits of the key at a time.
    var prefix: UInt32 = 0
    var mask: UInt32 = 0
    var wanted = count
    for shift: UInt32 in [24, 16, 8, 0] {
      var counts = [Int](repeating: 0, count: 256)
      for score in scores {
        let key = key(score)
        if key & mask == prefix { counts[Int(key >> shift & 0xFF)] += 1 }
      }
      var digit = 255
      while counts[digit] < wanted {
        wanted -= counts[digit]
        digit -= 1
      }
      prefix |= UInt32(digit) << shift
      mask |= 0xFF << shift
    }
    // All larger keys, and the first `wanted` equal ones.
    var chosen: [Int32] = []
    chosen.reserveCapacity(count)
    for index in scores.indices {
      let key = key(scores[index])
      if key > prefix {
        chosen.append(Int32(index))
      } else if key == prefix && wanted > 0 {
        chosen.append(Int32(index))
        wanted -= 1
      }
    }
    return chosen
  }

  /// An integer that orders as the float does; zeros of both signs are equal.
  private static func key(_ score: Float) -> UInt32 {
    if score.isNaN { return 0 }
    let bits = (score == 0 ? 0 : score).bitPattern
    return bits >> 31 == 1 ? ~bits : bits | 0x8000_0000
  }
}
