/// Names read so far and sets of them, each kept once and known by a number.
struct NameTable {
  /// The empty set.
  static let none: Int32 = 0
  /// A set that is not known: one below the part of a stack that is looked at.
  static let unknown: Int32 = -1

  private struct Addition: Hashable {
    var set: Int32
    var name: [UInt8]
  }

  /// Spellings read so far: number 0 is the empty one, every other adds a byte to an earlier one.
  private var spellings: [(before: Int32, byte: UInt8)] = [(0, 0)]
  private var spellingNumbers: [Int64: Int32] = [:]
  /// Number 0 is the empty set, every other adds a name to an earlier one.
  private var sets: [(before: Int32, name: [UInt8])] = [(0, [])]
  /// The members of the sets looked at last.
  private var looked: [(set: Int32, members: Members)] = []
  private var setNumbers: [Addition: Int32] = [:]

  /// The spelling with one byte more.
  mutating func spelling(_ before: Int32, _ byte: UInt8) -> Int32 {
    let key = Int64(before) << 8 | Int64(byte)
    if let known = spellingNumbers[key] { return known }
    let number = Int32(spellings.count)
    spellings.append((before, byte))
    spellingNumbers[key] = number
    return number
  }

  /// The bytes of a spelling, opening quotation mark included.
  func bytes(_ spelling: Int32) -> [UInt8] {
    var result: [UInt8] = []
    var current = spelling
    while current != 0 {
      result.append(spellings[Int(current)].byte)
      current = spellings[Int(current)].before
    }
    return result.reversed()
  }

  /// The set with one name more; nil if it has that name already.
  mutating func adding(_ name: [UInt8], to set: Int32) -> Int32? {
    let key = Addition(set: set, name: name)
    if let known = setNumbers[key] { return known }
    guard !members(of: set).names.contains(name) else { return nil }
    sets.append((set, name))
    let number = Int32(sets.count - 1)
    setNumbers[key] = number
    return number
  }

  /// The names of a set, and how many bytes they have.
  struct Members {
    var names: Set<[UInt8]> = []
    var lengths: Set<Int> = []

    mutating func insert(_ name: [UInt8]) {
      names.insert(name)
      lengths.insert(name.count)
    }
  }

  /// The members of a set; quick where it, or the set it adds a name to, was looked at lately.
  mutating func members(of set: Int32) -> Members {
    guard set > 0 else { return Members() }
    if let index = looked.firstIndex(where: { $0.set == set }) { return looked[index].members }
    let (before, name) = sets[Int(set)]
    if let index = looked.firstIndex(where: { $0.set == before }) {
      looked[index].set = set
      looked[index].members.insert(name)
      return looked[index].members
    }
    var members = Members()
    var current = set
    while current > 0 {
      members.insert(sets[Int(current)].name)
      current = sets[Int(current)].before
    }
    if looked.count >= 8 { looked.removeFirst() }
    looked.append((set, members))
    return members
  }

  /// The text of a string of JSON, without quotation marks and escapes, in UTF-8.
  static func decoded(_ string: some Collection<UInt8>) -> [UInt8] {
    var result: [UInt8] = []
    var rest = Array(string)[...]
    var high: UInt32?
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "\\"), let letter = rest.popFirst() else {
        result.append(byte)
        continue
      }
      switch letter {
      case UInt8(ascii: "b"): result.append(0x08)
      case UInt8(ascii: "f"): result.append(0x0C)
      case UInt8(ascii: "n"): result.append(0x0A)
      case UInt8(ascii: "r"): result.append(0x0D)
      case UInt8(ascii: "t"): result.append(0x09)
      case UInt8(ascii: "u"):
        let unit = UInt32(String(decoding: rest.prefix(4), as: UTF8.self), radix: 16) ?? 0
        rest = rest.dropFirst(4)
        if let first = high {
          high = nil
          let value = 0x10000 + (first & 0x3FF) << 10 + (unit & 0x3FF)
          if let scalar = Unicode.Scalar(value) { result += Array(String(scalar).utf8) }
        } else if (0xD800...0xDBFF).contains(unit) {
          high = unit
        } else if let scalar = Unicode.Scalar(unit) {
          result += Array(String(scalar).utf8)
        }
      default: result.append(letter)
      }
    }
    return result
  }
}
