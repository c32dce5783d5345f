import Ethereum

/// Memory of code that runs without knowing its inputs: pieces of known content at a distance from
/// a base that is either 0 or a value that is not known, such as a free-memory pointer behind
/// something of unknown length.
///
/// Pieces at different bases are taken not to overlap, as compilers lay memory out.
struct SymbolicMemory: Hashable {
  static let maximumCount = 192

  struct Piece: Hashable {
    /// The terms of the base as one value; the constant 0 for absolute addresses.
    let base: ExpressionID
    let offset: Int
    /// 1...32 bytes, the first ones of ``value``.
    var length: Int
    /// Left-aligned in 32 bytes.
    var value: ExpressionID
  }

  /// In ascending order of base and offset, without overlap.
  private(set) var pieces: [Piece] = []
  /// From this absolute address on, bytes without a piece are not known to be zero.
  private(set) var unknownFrom = Int.max

  /// An address as base and distance; `nil` if the distance is out of any reach.
  static func place(
    of address: ExpressionID, in arena: inout ExpressionArena
  ) -> (base: ExpressionID, offset: Int)? {
    let (terms, constant) = arena.split(address)
    let base = arena.sum(terms, constant: .zero)
    if let distance = constant.int, distance < 1 << 40 { return (base, distance) }
    if !terms.isEmpty, let distance = (.zero &- constant).int, distance < 1 << 40 {
      return (base, -distance)
    }
    return nil
  }

  /// Writes the first `length` bytes (1...32) of a left-aligned value.
  mutating func write(
    _ value: ExpressionID, length: Int, base: ExpressionID, offset: Int,
    arena: inout ExpressionArena
  ) {
    let start = lowerBound(base: base, offset: offset - 31)
    var end = start
    var kept: [Piece] = []
    while end < pieces.count, pieces[end].base == base, pieces[end].offset < offset + length {
      let old = pieces[end]
      if old.offset < offset {
        var left = old
        left.length = min(old.length, offset - old.offset)
        kept.append(left)
      }
      let oldEnd = old.offset + old.length
      if oldEnd > offset + length {
        let cut = offset + length - old.offset
        let moved = arena.operation(
          .shl, [arena.constant(Word(UInt64(8 * cut))), old.value], site: -1)
        kept.append(
          Piece(base: base, offset: offset + length, length: oldEnd - offset - length, value: moved)
        )
      }
      end += 1
    }
    let piece = Piece(base: base, offset: offset, length: length, value: value)
    let position = kept.firstIndex { $0.offset > offset } ?? kept.count
    kept.insert(piece, at: position)
    pieces.replaceSubrange(start..<end, with: kept)
    if pieces.count > SymbolicMemory.maximumCount {
      pieces.removeAll()
      unknownFrom = 0
    }
  }

  /// Forgets everything from a place on, to where a write of unknown length may reach.
  mutating func forget(from offset: Int, base: ExpressionID, isAbsolute: Bool) {
    pieces.removeAll { $0.base == base && $0.offset + $0.length > offset }
    if isAbsolute { unknownFrom = min(unknownFrom, offset) }
  }

  /// The 32 bytes at a place; `nil` if not all are known.
  func read(base: ExpressionID, offset: Int, arena: inout ExpressionArena) -> ExpressionID? {
    var index = lowerBound(base: base, offset: offset - 31)
    var result = arena.zero
    var covered = 0
    while index < pieces.count, pieces[index].base == base, pieces[index].offset < offset + 32 {
      let piece = pieces[index]
      index += 1
      let first = max(piece.offset, offset)
      let last = min(piece.offset + piece.length, offset + 32)
      guard first < last else { continue }
      if piece.offset == offset, piece.length == 32 { return piece.value }
      covered += last - first
      var value = piece.value
      if piece.length < 32 {
        let mask = ~Word.lowBits(8 * (32 - piece.length))
        value = arena.operation(.and, [value, arena.constant(mask)], site: -1)
      }
      let distance = 8 * (piece.offset - offset)
      let count = arena.constant(Word(UInt64(abs(distance))))
      value = arena.operation(distance >= 0 ? .shr : .shl, [count, value], site: -1)
      result = arena.operation(.or, [result, value], site: -1)
    }
    if covered == 32 { return result }
    // Fresh memory is zero.
    let isFresh = base == arena.zero && offset >= 0 && offset + 32 <= unknownFrom
    return isFresh ? result : nil
  }

  /// What is known in this memory and in another: pieces that differ become unknown values that
  /// `site` names, or are dropped where that says the same.
  func joined(with other: SymbolicMemory, site: Int, arena: inout ExpressionArena) -> SymbolicMemory
  {
    if self == other { return self }
    var result = SymbolicMemory()
    result.unknownFrom = min(unknownFrom, other.unknownFrom)
    var i = 0
    var j = 0
    func precedes(_ a: Piece, _ b: Piece) -> Bool {
      a.base == b.base ? a.offset < b.offset : a.base < b.base
    }
    while i < pieces.count || j < other.pieces.count {
      var piece: Piece
      var isSame = false
      if j == other.pieces.count || (i < pieces.count && precedes(pieces[i], other.pieces[j])) {
        piece = pieces[i]
        i += 1
      } else if i == pieces.count || precedes(other.pieces[j], pieces[i]) {
        piece = other.pieces[j]
        j += 1
      } else {
        isSame = pieces[i] == other.pieces[j]
        piece = pieces[i]
        piece.length = max(piece.length, other.pieces[j].length)
        i += 1
        j += 1
      }
      if !isSame {
        // Bytes without a piece are unknown anyway, except at absolute addresses.
        if piece.base != arena.zero { continue }
        piece.value = arena.unknown(site: site, number: 1000 + piece.offset)
      }
      if let last = result.pieces.last, last.base == piece.base,
        last.offset + last.length > piece.offset
      {
        // Pieces that overlap only after the join: the later bytes are unknown either way.
        result.pieces[result.pieces.count - 1].length = piece.offset - last.offset
        result.pieces[result.pieces.count - 1].value = arena.unknown(
          site: site, number: 2000 + last.offset)
      }
      result.pieces.append(piece)
    }
    return result
  }

  /// The number of the first piece at or behind a place.
  private func lowerBound(base: ExpressionID, offset: Int) -> Int {
    var low = 0
    var high = pieces.count
    while low < high {
      let middle = (low + high) / 2
      let piece = pieces[middle]
      if piece.base < base || (piece.base == base && piece.offset < offset) {
        low = middle + 1
      } else {
        high = middle
      }
    }
    return low
  }
}
